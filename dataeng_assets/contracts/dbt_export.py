"""From contracts to what dbt knows of bronze: its sources with columns and freshness, and a text per column.

Staging models take their descriptions from those texts, so that a column is described in its contract only. The two
files are generated and committed; a test fails when they differ from the contracts. There are no tests among them: what
a contract demands is judged by its own checks, once.

Run as a module, it writes the files anew: `python -m dataeng_assets.contracts.dbt_export`.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.settings import ROOT

_GENERATED = "Generated from the contracts by `python -m dataeng_assets.contracts.dbt_export`; change those instead."


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
        "columns": [_column(column) for column in contract.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": column.name,
        "description": column.description,
        "data_type": column.type.duckdb,
    }
    if sql_name(column.name) != column.name:
        described["quote"] = True
    if column.personal:
        described["config"] = {"meta": {"dataeng": {"personal": True}}}
    return described


def sql_name(name: str) -> str:
    """A column's name as SQL takes it: with quotes where it would be read as something else."""
    if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in _reserved_words():
        return name
    return quoted(name)


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
