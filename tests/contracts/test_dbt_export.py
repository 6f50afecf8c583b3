"""What dbt is told of a table is what dbt understands, whatever its columns are called."""

from pathlib import Path
from typing import Any

import yaml

from dataeng_assets.contracts.dbt_export import dbt_docs, dbt_sources
from dataeng_assets.contracts.model import AcceptedValues, Column, Contract, NotNull, Rule, Unique
from dataeng_assets.contracts.types import postgres_type


def contract(columns: dict[str, tuple[Rule, ...]], key: tuple[str, ...], kind: str = "text") -> Contract:
    made = tuple(Column(name, postgres_type(kind), kind, False, False, f"{name}.", columns[name]) for name in columns)
    return Contract(
        path=Path("t.yaml"), id="crm.t", name="t", version="1.0.0", description="T.", owner="data", domain="crm",
        tags=(), key=key, columns=made,
    )  # fmt: skip


def table(described: Contract) -> dict[str, Any]:
    tables = yaml.safe_load(dbt_sources([described]))["sources"][0]["tables"]
    assert len(tables) == 1
    return tables[0]


def test_a_name_that_sql_would_read_as_something_else_stands_in_quotes() -> None:
    described = contract({"order": (NotNull(),), "Full Name": (Unique(),), "Plain": (Unique(),)}, key=("order",))
    written = table(described)
    assert [column.get("quote", False) for column in written["columns"]] == [True, True, False]
    unique = [test["unique_combination_of_columns"] for test in written["data_tests"]]
    assert [test["arguments"]["combination_of_columns"][0] for test in unique] == ['"order"', '"Full Name"', "Plain"]
    assert unique[1]["config"] == {"where": '"Full Name" is not null'}
    assert "{% docs crm__t__Full_Name %}" in dbt_docs([described])


def test_what_the_elements_of_a_list_may_be_is_not_asked_of_the_list() -> None:
    values = AcceptedValues(("a", "b"))
    assert "data_tests" not in table(contract({"moods": (values,)}, key=(), kind="text[]"))["columns"][0]
    assert table(contract({"mood": (values,)}, key=()))["columns"][0]["data_tests"]
