"""Previews show what may be shown, and cannot break the page."""

import pyarrow as pa

from dataeng_assets.components.bronze_specs import shown_columns
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.preview import preview
from dataeng_assets.settings import ROOT

KEY = ("bronze", "shop", "customers")


def test_personal_columns_are_not_shown() -> None:
    orders = load_contract(ROOT / "tests" / "contracts" / "documents" / "orders.yaml")
    assert not {"note", "shipping_address"} & set(shown_columns(orders))
    assert "currency" in shown_columns(orders)


def test_a_value_stays_in_its_cell(lake: Lake) -> None:
    rows = pa.table({"a": ["x|y\n<b>`", None], "b": [1, 2]})
    append(lake.create(KEY, rows.schema), rows, transactions={})
    assert preview(lake, KEY, ["b", "a"]).value.splitlines() == [
        "| b | a |",
        "| --- | --- |",
        "| 1 | x\\|y &lt;b>\\` |",
        "| 2 |  |",
    ]
