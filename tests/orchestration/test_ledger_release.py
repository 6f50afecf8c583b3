"""A replay is a new version of bronze, whose days the ledger finds however long ago the rows were read."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from dataeng_assets.contracts.checks.rule import Quarantine
from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.contracts.types import postgres_type
from dataeng_assets.extract.commit import open_bronze
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.extract.release import release
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.ledger.cover import cover
from dataeng_assets.orchestration.ledger.entries import waiting
from dataeng_assets.orchestration.ledger.targets import Target, Targets

SOURCE = "bronze.shop.orders"
FACTS = Target(
    ("marts", "fct"),
    daily=True,
    view=False,
    touched={SOURCE: "select o.day from bronze_shop.orders as o semi join changes using (order_id)"},
    checksum="1",
)


def column(name: str, kind: str) -> Column:
    return Column(name, postgres_type(kind), kind, name != "order_id", personal=False, description=name)


CONTRACT = Contract(
    path=Path("orders.yaml"), id="shop.orders", name="orders", version="1.0.0", description="Orders.", owner="tests",
    domain="shop", tags=(), columns=(column("order_id", "bigint"), column("day", "date")), key=("order_id",),
    quarantine=Quarantine(),
)  # fmt: skip
ORDERS = SourceTable(CONTRACT, "shop", None, ("bronze", "shop", "orders"))


def test_the_days_of_released_rows_are_touched(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAENG_FIRST_DAY", "2026-01-01")
    read_at = datetime(2026, 1, 9, tzinfo=UTC)
    bronze = open_bronze(lake, ORDERS)
    assert bronze.quarantine is not None
    row = {"_row_hash": 1, "_op": "upsert", "_extracted_at": read_at, "_run_id": "run"}
    good = pa.Table.from_pylist(
        [{"order_id": 1, "day": date(2026, 1, 3), **row}], schema=pa.schema(bronze.main.schema().to_arrow())
    )
    aside = pa.Table.from_pylist(
        [{"order_id": 2, "day": date(2026, 1, 5), **row, "_broken": ["some_rule"], "_contract_version": "0.9.0"}],
        schema=pa.schema(bronze.quarantine.schema().to_arrow()),
    )
    append(bronze.quarantine, aside, transactions={})
    append(bronze.main, good, transactions={})
    cover(lake, Targets((FACTS,)), run_id="before")
    assert {touch.day for touch in waiting(lake).pending} == {date(2026, 1, 3)}

    assert release(lake, replace(ORDERS), release_id="r").released == 1
    cover(lake, Targets((FACTS,)), run_id="after")

    assert {touch.day for touch in waiting(lake).pending} == {date(2026, 1, 3), date(2026, 1, 5)}
