"""What dbt is told of a table is what dbt understands, whatever its columns are called."""

from pathlib import Path
from typing import Any

import yaml

from dataeng_assets.contracts.dbt_export import dbt_docs, dbt_sources
from dataeng_assets.contracts.model import Column, Contract, implied
from dataeng_assets.contracts.types import postgres_type


def contract(names: list[str], key: tuple[str, ...], kind: str = "text") -> Contract:
    made = tuple(Column(name, postgres_type(kind), kind, False, False, f"{name}.") for name in names)
    return Contract(
        path=Path("t.yaml"), id="crm.t", name="t", version="1.0.0", description="T.", owner="data", domain="crm",
        tags=(), key=key, columns=made, rules=implied(made, key),
    )  # fmt: skip


def table(described: Contract) -> dict[str, Any]:
    tables = yaml.safe_load(dbt_sources([described]))["sources"][0]["tables"]
    assert len(tables) == 1
    return tables[0]


def test_a_name_that_sql_would_read_as_something_else_stands_in_quotes() -> None:
    described = contract(["order", "Full Name", "Plain"], key=("order",))
    assert [column.get("quote", False) for column in table(described)["columns"]] == [True, True, False]
    assert "{% docs crm__t__Full_Name %}" in dbt_docs([described])


def test_what_the_contracts_own_checks_judge_is_not_tested_again() -> None:
    assert "data_tests" not in dbt_sources([contract(["id"], key=("id",))])
