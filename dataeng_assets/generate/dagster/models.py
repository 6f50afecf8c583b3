"""The dbt models of a source of this platform: staging, history, a fact or a dimension, and what is said of them."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.contracts.dbt_export import sql_name
from dataeng_assets.contracts.model import Column
from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.generate.render import render
from dataeng_assets.generate.shape import Role, Shaped

MODELS = PurePosixPath("dbt", "models")
_EXTRACTED = {
    "name": "_extracted_at", "data_type": "timestamp with time zone", "description": "When it was read, UTC."
}  # fmt: skip
_VERSION = [
    {"name": "_op", "data_type": "varchar", "description": "upsert, delete, or return: back after a delete."},
    {"name": "_row_hash", "data_type": "bigint", "description": "Hash over the contract's columns."},
    _EXTRACTED,
]
_DELIVERY = [
    {"name": "event_date", "data_type": "date", "description": "UTC day of the event time."},
    {"name": "_kafka_partition", "data_type": "integer", "description": "Partition of the topic."},
    {"name": "_kafka_offset", "data_type": "bigint", "description": "Offset of the first delivery."},
    {"name": "_ingested_at", "data_type": "timestamp with time zone", "description": "When it was written, UTC."},
]
_VALIDITY: list[dict[str, Any]] = [
    {
        "name": "valid_from",
        "data_type": "timestamp with time zone",
        "description": "First instant of the version, UTC.",
        "data_tests": ["not_null"],
    },
    {
        "name": "valid_to",
        "data_type": "timestamp with time zone",
        "description": "First instant after it, UTC; NULL while it is open.",
    },
    {"name": "is_current", "data_type": "boolean", "description": "Whether the version is open."},
    {"name": "_history", "data_type": "varchar", "description": "What the versions of the key were made from."},
]


@dataclass(frozen=True)
class Named:
    """A column as a model calls it.

    Attributes:
        source_sql: its name in bronze, in quotes where SQL needs them.
        kind: how a dimension keeps it: 1 the latest value, 2 each value.
    """

    name: str
    source_sql: str
    kind: int = 2


def table_models(shaped: Shaped) -> dict[PurePosixPath, str]:
    """The models of a table or topic, and one file with what is said of all of them."""
    if shaped.table.contract.event_time:
        texts, said = _of_topic(shaped)
    elif shaped.role is Role.DIMENSION:
        texts, said = _of_dimension(shaped)
    else:
        texts, said = _of_table(shaped)
    properties = MODELS / "staging" / f"_{staging_name(shaped)}.yml"
    models = {MODELS / folder / f"{name}.sql": text for (folder, name), text in texts.items()}
    return {**models, properties: yaml_text({"version": 2, "models": said})}


def staging_name(shaped: Shaped) -> str:
    """What the staging model of a table is called."""
    return f"stg_{shaped.source}__{shaped.model}"


def mart_name(shaped: Shaped) -> str:
    """What the fact or dimension of a table is called; the source is in it, as two may have tables of one name."""
    return f"{'fct' if shaped.role is Role.FACT else 'dim'}_{shaped.source}_{shaped.model}"


Texts = dict[tuple[str, str], str]
Said = list[dict[str, Any]]


def _of_table(shaped: Shaped) -> tuple[Texts, Said]:
    name, is_fact = staging_name(shaped), shaped.role is Role.FACT
    day = shaped.day if is_fact else ""
    source_key = python_list([_in_bronze(column) for column in shaped.table.contract.key])
    texts = {("staging", name): _staging(shaped, history="", key=source_key, day=day)}
    said = [_staging_said(shaped, name, [*_day(shaped), _EXTRACTED] if is_fact else [_EXTRACTED])]
    if is_fact:
        texts["marts", mart_name(shaped)] = _fact(shaped, source_key, day)
        said.append(_fact_said(shaped, day, _day(shaped)))
    return texts, said


def _of_dimension(shaped: Shaped) -> tuple[Texts, Said]:
    name = staging_name(shaped)
    history, key = f"{name}_history", python_list(list(shaped.key))
    clock = shaped.names[shaped.table.watermark] if shaped.table.watermark else "_extracted_at"
    columns = [column for column in _columns(shaped) if column.name != clock]
    texts = {
        ("staging", history): render("dagster/templates/history.dbt.j2", columns=_columns(shaped), **_bronze(shaped)),
        ("staging", name): _staging(shaped, history=history, key=key, day=""),
        ("marts", mart_name(shaped)): render(
            "dagster/templates/dimension.dbt.j2",
            key=key, history=history, entity=shaped.entity, clock=clock, columns=columns,
            tracked=[column for column in columns if column.name not in shaped.key],
        ),
    }  # fmt: skip
    return texts, [
        _model(
            history,
            f"Every version of every row of {shaped.table.name} that was read, deletes included.",
            shaped.source,
            [*_described(shaped), *_VERSION],
            [_unique([*shaped.key, "_extracted_at"])],
        ),
        _staging_said(shaped, name, [_EXTRACTED]),
        _dimension_said(shaped, clock),
    ]


def _of_topic(shaped: Shaped) -> tuple[Texts, Said]:
    contract = shaped.table.contract
    name = staging_name(shaped)
    key = python_list(["event_date", *(_in_bronze(column) for column in contract.key)])
    texts = {
        ("staging", name): render(
            "dagster/templates/events.dbt.j2",
            columns=_columns(shaped),
            key_sql=", ".join(_in_bronze(column) for column in contract.key),
            **_bronze(shaped),
        ),
        ("marts", mart_name(shaped)): _fact(shaped, key, "event_date"),
    }
    tests = [_unique(["event_date", *shaped.key])]
    said = f"Events of {contract.name}, each once a day: the first delivery. Late ones have a table of their own."
    return texts, [
        _model(name, said, shaped.source, [*_described(shaped), *_DELIVERY], tests),
        _fact_said(shaped, "event_date", [_DELIVERY[0]]),
    ]


def _staging(shaped: Shaped, *, history: str, key: str, day: str) -> str:
    instant = shaped.instant
    return render(
        "dagster/templates/staging.dbt.j2",
        columns=_columns(shaped), history=history, key=key, day=day,
        instant_sql=_in_bronze(instant.name) if instant else "", **_bronze(shaped),
    )  # fmt: skip


def _fact(shaped: Shaped, key: str, day: str) -> str:
    shown = [one for one in _columns(shaped) if one.name in _published(shaped)]
    return render(
        "dagster/templates/fact.dbt.j2",
        columns=shown, key=key, day=day, staging=staging_name(shaped),
        instant_sql=_in_bronze(shaped.happened.name), **_bronze(shaped),
    )  # fmt: skip


def _bronze(shaped: Shaped) -> dict[str, str]:
    return {"domain": shaped.table.contract.domain, "table": shaped.table.name}


def _columns(shaped: Shaped) -> list[Named]:
    return [
        Named(shaped.names[column.name], _in_bronze(column.name), 1 if column.personal else 2)
        for column in shaped.table.contract.columns
    ]


def _published(shaped: Shaped) -> set[str]:
    """The plain names of what a fact shows: nothing personal, its key aside, as it is published in gold."""
    contract = shaped.table.contract
    return {shaped.names[one.name] for one in contract.columns if not one.personal or one.name in contract.key}


def _described(shaped: Shaped, *, keys: bool = True) -> Said:
    return [_column(shaped, column, keys) for column in shaped.table.contract.columns]


def _column(shaped: Shaped, column: Column, keys: bool) -> dict[str, Any]:
    contract = shaped.table.contract
    block = re.sub(r"\W", "_", f"{contract.domain}__{contract.name}__{column.name}")
    said: dict[str, Any] = {
        "name": shaped.names[column.name],
        "data_type": column.type.duckdb.lower(),
        "description": f"{{{{ doc('{block}') }}}}",
    }
    if column.personal:
        said["config"] = {"meta": {"dataeng": {"personal": True}}}
    if keys and column.name in contract.key:
        said["data_tests"] = ["unique", "not_null"] if len(contract.key) == 1 else ["not_null"]
    return said


def _day(shaped: Shaped) -> Said:
    said = f"UTC day of {shaped.names[shaped.happened.name]}. The partition."
    return [{"name": shaped.day, "data_type": "date", "description": said, "data_tests": ["not_null"]}]


def _staging_said(shaped: Shaped, name: str, more: Said) -> dict[str, Any]:
    said = f"The rows of {shaped.table.name} as they were when they were last read, one each."
    tests = [_unique(list(shaped.key))] if len(shaped.key) > 1 else []
    return _model(name, said, shaped.source, [*_described(shaped), *more], tests)


def _fact_said(shaped: Shaped, day: str, more: Said) -> dict[str, Any]:
    described = [one for one in _described(shaped, keys=False) if one["name"] in _published(shaped)]
    compared = {"compare_model": f"ref('{staging_name(shaped)}')", "group_by_columns": [day]}
    tests = [_unique([day, *shaped.key]), {"equal_rowcount": {"arguments": compared}}]
    said = f"{shaped.table.name.replace('_', ' ').capitalize()}, one row each, on the UTC day of {day}."
    return _model(mart_name(shaped), said, "marts", [*described, *more], tests)


def _dimension_said(shaped: Shaped, clock: str) -> dict[str, Any]:
    version: dict[str, Any] = {
        "name": f"{shaped.entity}_key",
        "data_type": "varchar",
        "description": "The version, a hash that a rebuild gives again.",
        "data_tests": ["unique", "not_null"],
    }
    described = [one for one in _described(shaped, keys=False) if one["name"] != clock]
    said = f"{shaped.table.name.replace('_', ' ').capitalize()} with history: a row per version of what changed."
    tests = [_unique([*shaped.key, "valid_from"]), {"validity_ranges": {"arguments": {"key": list(shaped.key)}}}]
    return _model(mart_name(shaped), said, "marts", [version, *described, *_VALIDITY], tests)


def _model(name: str, said: str, group: str, columns: Said, tests: list[Any]) -> dict[str, Any]:
    model = {"name": name, "description": said, "config": {"meta": {"dagster": {"group": group}}}, "columns": columns}
    return {**model, "data_tests": tests} if tests else model


def _unique(columns: list[str]) -> dict[str, Any]:
    return {"unique_combination_of_columns": {"arguments": {"combination_of_columns": columns}}}


def _in_bronze(name: str) -> str:
    """A column of bronze, in quotes where it is more than a plain word; DuckDB reads capitals as small letters."""
    return sql_name(name.lower()) if re.fullmatch(r"\w+", name) else quoted(name)


def python_list(texts: list[str]) -> str:
    """Texts as a list in dbt's Jinja."""
    return "[" + ", ".join(text_in_jinja(text) for text in texts) + "]"


def text_in_jinja(text: str) -> str:
    """A text in dbt's Jinja, in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
