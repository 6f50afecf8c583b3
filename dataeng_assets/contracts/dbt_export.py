"""From contracts to what dbt knows of bronze: its sources with columns, tests and freshness, and a text per column.

Staging models take their descriptions from those texts, so that a column is described in its contract only. The two
files are generated and committed; a test fails when they differ from the contracts. What the tests mean belongs in the
dbt project.

Run as a module, it writes the files anew: `python -m dataeng_assets.contracts.dbt_export`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import AcceptedValues, Column, Contract, NotNull, Range, Rule, Unique
from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.settings import ROOT

_GENERATED = "Generated from the contracts by `python -m dataeng_assets.contracts.dbt_export`; change those instead."
# A delete keeps the key alone, so the rules of the other columns do not judge it.
_NOT_DELETED = {"config": {"where": "_op <> 'delete'"}}


def export(defs: Path, models: Path) -> dict[Path, str]:
    """What the generated files should hold.

    Args:
        defs: folder whose `<source>/contracts/*.yaml` are the contracts.
        models: dbt's folder of staging models.
    """
    contracts = [
        contract for folder in sorted(defs.glob("*/contracts")) for contract in load_contracts(folder).values()
    ]
    return {models / "_sources.yml": dbt_sources(contracts), models / "_sources.md": dbt_docs(contracts)}


def dbt_sources(contracts: Iterable[Contract]) -> str:
    """The sources of bronze as a dbt properties file: one source per domain, one table per contract."""
    domains: dict[str, list[Contract]] = {}
    for contract in contracts:
        domains.setdefault(contract.domain, []).append(contract)
    sources = [
        {
            "name": f"bronze_{domain}",
            "description": f"What was read from {domain}, unaltered.",
            "tables": [_table(contract) for contract in tables],
        }
        for domain, tables in domains.items()
    ]
    text = yaml_text({"version": 2, "sources": sources})
    return f"# {_GENERATED}\n{text}"


def dbt_docs(contracts: Iterable[Contract]) -> str:
    """A doc block per column, named `<domain>__<table>__<column>`; what no name may hold becomes an underscore."""
    blocks = [
        f"{{% docs {_block_name(contract, column)} %}}\n{column.description}\n{{% enddocs %}}\n"
        for contract in contracts
        for column in contract.columns
    ]
    return "\n".join([f"<!-- {_GENERATED} -->\n", *blocks])


def _block_name(contract: Contract, column: Column) -> str:
    return re.sub(r"\W", "_", f"{contract.domain}__{contract.name}__{column.name}")


def _table(contract: Contract) -> dict[str, Any]:
    is_topic = contract.event_time is not None
    config: dict[str, Any] = {
        "meta": {
            "dagster": {"asset_key": ["bronze", contract.domain, contract.name]},
            "dataeng": {"contract": contract.id, "contract_version": contract.version, "owner": contract.owner},
        },
        "tags": list(contract.tags),
    }
    if contract.freshness:
        config["loaded_at_field"] = "_ingested_at" if is_topic else "_extracted_at"
        config["freshness"] = {"error_after": _period(contract.freshness)}
    return {
        "name": contract.name,
        "description": contract.description,
        "config": config,
        "columns": [_column(contract, column, is_topic=is_topic) for column in contract.columns],
        "data_tests": list(_unique_tests(contract, is_topic=is_topic)),
    }


def _column(contract: Contract, column: Column, *, is_topic: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": column.name,
        "description": column.description,
        "data_type": column.type.duckdb,
    }
    if _sql_name(column.name) != column.name:
        described["quote"] = True
    if column.personal:
        described["config"] = {"meta": {"dataeng": {"personal": True}}}
    always_there = is_topic or column.name in contract.key
    # what a list may hold is a rule of its elements, for which dbt has no test
    rules = [rule for rule in column.rules if column.type.element is None or not isinstance(rule, AcceptedValues)]
    tests = [test for rule in rules for test in _tests(rule, always_there=always_there)]
    return {**described, **({"data_tests": tests} if tests else {})}


def _tests(rule: Rule, *, always_there: bool) -> list[str | dict[str, Any]]:
    scope: Mapping[str, Any] = {} if always_there else _NOT_DELETED
    match rule:
        case NotNull():
            return [{"not_null": dict(scope)} if scope else "not_null"]
        case AcceptedValues(values):
            return [{"accepted_values": {"arguments": {"values": list(values)}, **scope}}]
        case Range(minimum, maximum):
            bounds = {"min_value": minimum, "max_value": maximum}
            given = {name: bound for name, bound in bounds.items() if bound is not None}
            return [{"accepted_range": {"arguments": given, **scope}}]
        case Unique():
            return []  # a test of the table


def _unique_tests(contract: Contract, *, is_topic: bool) -> Iterator[dict[str, Any]]:
    """Bronze holds every version of a row and every delivery of an event: values repeat, but not in one extraction."""
    if is_topic:
        yield _unique(["_kafka_partition", "_kafka_offset"])
        return
    yield _unique([*map(_sql_name, contract.key), "_extracted_at"])
    for column in contract.columns:
        if Unique() in column.rules and contract.key != (column.name,):
            # what is missing, as in a delete, is not shared with anybody
            name = _sql_name(column.name)
            yield _unique([name, "_extracted_at"], where=f"{name} is not null")


def _unique(columns: list[str], where: str | None = None) -> dict[str, Any]:
    scope = {"config": {"where": where}} if where else {}
    return {"unique_combination_of_columns": {"arguments": {"combination_of_columns": columns}, **scope}}


def _sql_name(name: str) -> str:
    """A column's name as SQL takes it: with quotes where it would be read as something else."""
    if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in _reserved_words():
        return name
    return '"' + name.replace('"', '""') + '"'


@cache
def _reserved_words() -> frozenset[str]:
    import duckdb

    query = "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    with duckdb.connect() as connection:
        return frozenset(word for (word,) in connection.execute(query).fetchall())


def _period(age: timedelta) -> dict[str, Any]:
    minutes = int(age.total_seconds() // 60)
    return {"count": minutes, "period": "minute"} if minutes % 60 else {"count": minutes // 60, "period": "hour"}


if __name__ == "__main__":
    for path, text in export(ROOT / "dataeng_assets" / "defs", ROOT / "dbt" / "models" / "staging").items():
        path.write_text(text)
