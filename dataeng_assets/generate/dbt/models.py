"""The models of a dbt project: staging, facts, dimensions with history, and what is said of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from dataeng_assets.contracts.checks.kinds import OneOf
from dataeng_assets.contracts.model import Column
from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.generate.dbt import landed
from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Mode, Request
from dataeng_assets.generate.shape import Role, Shaped
from dataeng_assets.generate.warehouse.naming import quoted
from dataeng_assets.generate.warehouse.types import type_name

_DAYS = {
    Destination.SNOWFLAKE: "to_date(convert_timezone('UTC', {}))",
    Destination.BIGQUERY: "date({}, 'UTC')",
    Destination.DATABRICKS: "to_date(to_utc_timestamp({}, current_timezone()))",
}
"""The UTC day of an instant, where it is not written as in DuckDB, Postgres and Redshift."""
_PARTITIONS = {
    Destination.BIGQUERY: "partition_by={{'field': '{}', 'data_type': 'date'}}",
    Destination.SNOWFLAKE: "cluster_by=['{}']",
    Destination.DATABRICKS: "liquid_clustered_by=['{}']",
    Destination.REDSHIFT: "sort='{}'",
}
_MERGING = frozenset((Destination.SNOWFLAKE, Destination.BIGQUERY, Destination.DATABRICKS))
_STRATEGIES = {one: "merge" if one in _MERGING else "delete+insert" for one in Destination} | {
    Destination.DELTA: "days"
}

Said = list[dict[str, Any]]
_STAGING, _MARTS = PurePosixPath("models/staging"), PurePosixPath("models/marts")
_PLACE = ("_kafka_partition", "_kafka_offset")


@dataclass(frozen=True)
class Named:
    """A column as staging calls it, and its name in the loaded table."""

    name: str
    source_sql: str


def computing(destination: Destination) -> Destination:
    """The system whose SQL the models are written in: Delta tables are computed by DuckDB."""
    return Destination.DUCKDB if destination is Destination.DELTA else destination


def staging_name(shaped: Shaped) -> str:
    """What the staging model of a table is called."""
    return f"stg_{shaped.source}__{shaped.model}"


def mart_name(shaped: Shaped) -> str:
    """What the fact or dimension of a table is called."""
    return f"{'fct' if shaped.role is Role.FACT else 'dim'}_{shaped.model}"


def listed(shaped: Shaped, to: Destination) -> dict[str, str]:
    """A row of the table in the README."""
    mart = "none: no column says when a row happened, and its key has several columns"
    mart = f"`{mart_name(shaped)}`" if shaped.role is not Role.STAGED else mart
    if shaped.table.contract.event_time and computing(to) in landed.WINDOWS:
        mart += f", `{landed.windows_name(mart_name(shaped))}`"
    return {"name": shaped.table.name, "staging": staging_name(shaped), "mart": mart}


def sources(pipeline: Pipeline, shaped: Sequence[Shaped]) -> dict[str, Any]:
    """The loaded tables, with how old they may be."""
    source = {
        "name": pipeline.source_name,
        "schema": pipeline.source_name,
        "description": f"What was loaded from {pipeline.source_name}, a row for each of its rows.",
        "tables": [_loaded(one, computing(pipeline.request.destination)) for one in shaped],
    }
    return {"version": 2, "sources": [source]}


def of_table(shaped: Shaped, request: Request) -> dict[PurePosixPath, str]:
    """The models of one table, with a properties file each."""
    name, to = staging_name(shaped), computing(request.destination)
    day = shaped.role is Role.FACT
    texts = {
        _STAGING / f"{name}.sql": _staging(shaped, to),
        _STAGING / f"{name}.yml": _said(_staged(shaped, to, with_day=day)),
    }
    if shaped.role is Role.FACT:
        texts[_MARTS / f"{mart_name(shaped)}.sql"] = _fact(shaped, request)
        texts[_MARTS / f"{mart_name(shaped)}.yml"] = _said(_fact_said(shaped, to))
    if shaped.table.contract.event_time and to in landed.WINDOWS:
        name, text, said = landed.windows(shaped, to, mart_name(shaped), [one.name for one in _shown(shaped)])
        texts[_MARTS / f"{name}.sql"], texts[_MARTS / f"{name}.yml"] = text, _said(said)
    if shaped.role is Role.DIMENSION:
        texts[PurePosixPath(f"snapshots/{mart_name(shaped)}_history.yml")] = _snapshot(shaped, request.destination)
        texts[_MARTS / f"{mart_name(shaped)}.sql"] = render(
            "dbt/templates/dimension.dbt.j2",
            columns=_public(shaped, to), entity=shaped.entity, snapshot=f"{mart_name(shaped)}_history",
        )  # fmt: skip
        texts[_MARTS / f"{mart_name(shaped)}.yml"] = _said(_dimension_said(shaped, to))
    return texts


def _staging(shaped: Shaped, to: Destination) -> str:
    instant = quoted(shaped.happened.name, to) if shaped.role is Role.FACT else ""
    values = {
        "columns": _columns(shaped, to),
        "source": shaped.source,
        "table": shaped.table.name,
        "day": shaped.day if instant else "",
        "day_sql": _DAYS.get(to, "cast({} at time zone 'UTC' as date)").format(instant),
    }
    if not shaped.table.contract.event_time:
        return render("dbt/templates/staging.dbt.j2", **values)
    key = ", ".join(quoted(column, to) for column in shaped.table.contract.key)
    order = ", ".join([instant, *(_PLACE if to in landed.WINDOWS else ())])
    return render("dbt/templates/events.dbt.j2", key_sql=key, order_sql=order, **values)


def _fact(shaped: Shaped, request: Request) -> str:
    table, to = shaped.table, computing(request.destination)
    grows = table.mode is Mode.INCREMENTAL and (table.watermark or table.contract.event_time)
    partition = _PARTITIONS[to].format(shaped.day) if to in _PARTITIONS else ""
    return render(
        "dbt/templates/fact.dbt.j2",
        columns=_public(shaped, to), staging=staging_name(shaped), day=shaped.day,
        key="[" + ", ".join(f"'{name}'" for name in shaped.key) + "]",
        strategy=_STRATEGIES[request.destination] if grows else "", partition=partition,
        watermark=shaped.names[table.watermark] if table.watermark else "",
    )  # fmt: skip


def _snapshot(shaped: Shaped, to: Destination) -> str:
    table = shaped.table
    by_clock = {"strategy": "timestamp", "updated_at": shaped.names[table.watermark]} if table.watermark else None
    config: dict[str, Any] = {
        "schema": "snapshots",
        "unique_key": list(shaped.key),
        **(by_clock or {"strategy": "check", "check_cols": "all"}),
        "hard_deletes": "invalidate",
    }
    if to is Destination.DELTA:
        config["post_hook"] = {"sql": "{{ store_snapshot() }}", "transaction": False}
    one = {
        "name": f"{mart_name(shaped)}_history",
        "relation": f"ref('{staging_name(shaped)}')",
        "description": f"Every version of {table.name} that dbt has seen. It cannot be rebuilt: keep it.",
        "config": config,
    }
    return yaml_text({"version": 2, "snapshots": [one]})


def _loaded(shaped: Shaped, to: Destination) -> dict[str, Any]:
    contract, table = shaped.table.contract, shaped.table
    columns = [*contract.columns, *(landed.COLUMNS if contract.event_time and to in landed.WINDOWS else ())]
    said: dict[str, Any] = {
        "name": table.name,
        "description": contract.description,
        "columns": [{"name": one.name, "description": one.description} for one in columns],
    }
    clock = table.watermark or (contract.event_time.column if contract.event_time else None)
    if clock and contract.freshness:
        hours = max(1, int(contract.freshness.total_seconds() // 3600))
        late = {"error_after": {"count": hours, "period": "hour"}}
        said["config"] = {"loaded_at_field": quoted(clock, to), "freshness": late}
    return said


def _columns(shaped: Shaped, to: Destination) -> list[Named]:
    return [Named(shaped.names[one.name], quoted(one.name, to)) for one in shaped.table.contract.columns]


def _public(shaped: Shaped, to: Destination) -> list[Named]:
    shown = {shaped.names[one.name] for one in _shown(shaped)}
    return [one for one in _columns(shaped, to) if one.name in shown]


def _shown(shaped: Shaped) -> list[Column]:
    """What readers see: nothing personal, the key aside."""
    contract = shaped.table.contract
    return [one for one in contract.columns if not one.personal or one.name in contract.key]


def _described(shaped: Shaped, to: Destination, columns: Sequence[Column], *, tested: bool) -> Said:
    return [_column(shaped, one, to, tested) for one in columns]


def _column(shaped: Shaped, column: Column, to: Destination, tested: bool) -> dict[str, Any]:
    contract = shaped.table.contract
    said: dict[str, Any] = {
        "name": shaped.names[column.name],
        "data_type": type_name(column.type, to),
        "description": column.description,
    }
    if column.personal:
        said["config"] = {"meta": {"personal": True}}
    tests: list[Any] = ["not_null"] if not column.nullable or column.name in contract.key else []
    tests += ["unique"] if contract.key == (column.name,) else []
    for rule in contract.rules:
        check = rule.check
        if isinstance(check, OneOf) and check.column == column.name and not check.negated and not rule.where:
            values = [str(value) for value in check.values]
            tests.append({"accepted_values": {"arguments": {"values": values}}})
    return {**said, "data_tests": tests} if tested and tests else said


def _day(shaped: Shaped) -> dict[str, Any]:
    said = f"UTC day of {shaped.names[shaped.happened.name]}."
    return {"name": shaped.day, "data_type": "DATE", "description": said, "data_tests": ["not_null"]}


def _staged(shaped: Shaped, to: Destination, *, with_day: bool) -> dict[str, Any]:
    described = _described(shaped, to, shaped.table.contract.columns, tested=True)
    said = shaped.table.contract.description or f"The rows of {shaped.table.name}."
    return _model(shaped, staging_name(shaped), said, [*described, *([_day(shaped)] if with_day else [])], [])


def _fact_said(shaped: Shaped, to: Destination) -> dict[str, Any]:
    described = _described(shaped, to, _shown(shaped), tested=False)
    said = f"{shaped.table.name.replace('_', ' ').capitalize()}, one row each, with the UTC day on which it happened."
    return _model(shaped, mart_name(shaped), said, [*described, _day(shaped)], list(shaped.key))


def _dimension_said(shaped: Shaped, to: Destination) -> dict[str, Any]:
    key = {"name": f"{shaped.entity}_key", "description": "The version.", "data_tests": ["unique", "not_null"]}
    validity: Said = [
        {"name": "valid_from", "description": "First instant of the version.", "data_tests": ["not_null"]},
        {"name": "valid_to", "description": "First instant after it; NULL while it is open."},
        {"name": "is_current", "description": "Whether the version is open."},
    ]
    described = _described(shaped, to, _shown(shaped), tested=False)
    said = f"{shaped.table.name.replace('_', ' ').capitalize()} with history: a row for each version that dbt has seen."
    made = _model(shaped, mart_name(shaped), said, [key, *described, *validity], [*shaped.key, "valid_from"])
    made["config"] = {**made.get("config", {}), "contract": {"enforced": False}}
    return made


def _model(shaped: Shaped, name: str, said: str, columns: Said, together: list[str]) -> dict[str, Any]:
    model: dict[str, Any] = {"name": name, "description": said, "columns": columns}
    if len(together) == 0 and len(shaped.key) > 1:
        together = list(shaped.key)
    if together:
        model["data_tests"] = [{"unique_together": {"arguments": {"columns": together}}}]
    return model


def _said(model: dict[str, Any]) -> str:
    return yaml_text({"version": 2, "models": [model]})
