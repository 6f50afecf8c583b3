"""Stock by day: a row on quiet days too, and days built by themselves hold what one build holds."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from compiled import Compiled, compile_daily
from dbt.contracts.graph.manifest import Manifest
from dbt_runs import Warehouse, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_shop import Bronze, inventory_level, product

TODAY = datetime.now(UTC).date()
START = datetime.combine(TODAY - timedelta(days=5), datetime.min.time(), UTC)
DAYS = [TODAY - timedelta(days=day) for day in range(5, -1, -1)]
LEVELS, PRODUCTS = "bronze.shop.inventory_levels", "bronze.shop.products"
# days are counted from the day on which the tests began, should midnight pass
FACTS = f"from marts.fct_inventory_daily where inventory_day <= '{TODAY}'"
AGE = f"inventory_day - date '{TODAY}'"
STOCK = f"select {AGE}, warehouse_code, product_id, on_hand, available, below_reorder_point {FACTS} order by all"

pytestmark = pytest.mark.warehouse


def level(warehouse: str, day: int, hour: int = 12, **changes: Any) -> dict[str, Any]:
    """A level of product 1 as of so many days from today."""
    moment = datetime.combine(TODAY + timedelta(days=day), datetime.min.time()) + timedelta(hours=hour)
    return inventory_level(warehouse, 1, moment.isoformat(), **changes)


@pytest.fixture
def stock(bronze: Bronze) -> Bronze:
    """A level that changes on the third of four days, twice."""
    bronze.everything()
    bronze.extracted_at = START + timedelta(days=4, hours=12)
    bronze.shop("inventory_levels", [level("north", -3, reorder_point=8)])
    bronze.shop("inventory_levels", [level("north", -1, 9, on_hand=5, reorder_point=8)])
    bronze.shop("inventory_levels", [level("north", -1, 10, on_hand=4, reserved=9)])
    return bronze


def run(warehouse: Warehouse, first: int | None = None, last: int = 0) -> None:
    select = "+fct_inventory_daily"
    if first is None:
        warehouse.run(select=select)
    else:
        warehouse.run(str(TODAY + timedelta(days=first)), str(TODAY + timedelta(days=last)), select=select)


def test_a_quiet_day_has_the_level_of_the_day_before_and_a_busy_one_its_last(
    stock: Bronze, warehouse: Warehouse
) -> None:
    run(warehouse)
    assert warehouse.query(STOCK) == [
        (-3, "north", 1, 10, 8, True),
        (-2, "north", 1, 10, 8, True),
        (-1, "north", 1, 4, -5, None),
        (0, "north", 1, 4, -5, None),
    ]
    result = warehouse.dbt("test", "--select", "fct_inventory_daily")
    assert result.success, messages(result)


def test_a_level_set_at_midnight_belongs_to_the_day_that_begins(stock: Bronze, warehouse: Warehouse) -> None:
    stock.shop("inventory_levels", [level("south", -2, 0)])
    stock.shop("inventory_levels", [level("south", -1, 0, on_hand=3)])
    run(warehouse)
    found = f"select {AGE}, on_hand {FACTS} and warehouse_code = 'south' order by 1"
    assert warehouse.query(found) == [(-2, 10), (-1, 3), (0, 3)]


def test_a_deleted_level_has_no_row_from_the_day_of_its_delete_on(stock: Bronze, warehouse: Warehouse) -> None:
    stock.extracted_at = START + timedelta(days=5)
    stock.shop("inventory_levels", [level("north", -1)], op="delete")
    run(warehouse)
    assert [row[0] for row in warehouse.query(STOCK)] == [-3, -2, -1]
    stock.shop("inventory_levels", [level("north", -1, on_hand=7)], op="return")
    run(warehouse, 0)
    assert [(row[0], row[3]) for row in warehouse.query(STOCK)] == [(-3, 10), (-2, 10), (-1, 4), (0, 7)]


def test_a_day_that_has_not_begun_has_no_row(stock: Bronze, warehouse: Warehouse) -> None:
    run(warehouse)
    before = warehouse.query(STOCK)
    stock.shop("inventory_levels", [level("north", 2, on_hand=1)])
    run(warehouse, -5, 5)
    assert warehouse.query(STOCK) == before


def test_days_in_any_order_and_twice_give_what_a_rebuild_gives(stock: Bronze, warehouse: Warehouse) -> None:
    for first, last in ((-1, 0), (-4, -3), (-3, -1)):
        run(warehouse, first, last)
    found = warehouse.query(STOCK)
    assert warehouse.dbt("run", "--select", "fct_inventory_daily", "--full-refresh").success
    assert warehouse.query(STOCK) == found


def test_stock_has_the_version_of_the_product_at_the_end_of_the_day(stock: Bronze, warehouse: Warehouse) -> None:
    stock.shop("products", [product(1, (START + timedelta(days=4)).isoformat()[:19], name="Renamed", category_id=9)])
    stock.shop("inventory_levels", [inventory_level("north", 404, (START + timedelta(days=5)).isoformat()[:19])])
    run(warehouse)
    facts = FACTS.replace("where", "inner join marts.dim_products using (product_key) where")
    categories = f"select {AGE}, category_id {facts} order by all"
    assert warehouse.query(categories) == [(-3, 1), (-2, 1), (-1, 9), (0, 9), (0, None)]


@pytest.fixture(scope="session")
def model(parsed: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compiled]:
    with compile_daily(parsed, tmp_path_factory.mktemp("inventory"), "fct_inventory_daily", DAYS) as compiled:
        yield compiled


def moment(quarter: int) -> datetime:
    """Instants six hours apart, midnights among them."""
    return START + timedelta(hours=6 * quarter)


def _level(warehouse: str, key: int, quarter: int, on_hand: int, op: str) -> dict[str, Any]:
    if op == "delete":
        return {"warehouse_code": warehouse, "product_id": key, "_op": op}
    row = inventory_level(warehouse, key, "2026-01-01", on_hand=on_hand)
    return {**row, "updated_at": moment(quarter), "_op": op}


def _product(key: int, quarter: int, category: int, op: str) -> dict[str, Any]:
    if op == "delete":
        return {"product_id": key, "_op": op}
    return {**product(key, category_id=category), "updated_at": moment(quarter), "_op": op}


OPS = st.sampled_from(["upsert", "upsert", "upsert", "delete", "return"])
QUARTERS = st.integers(0, 22)
LEVEL = st.builds(_level, st.sampled_from(["north", "south"]), st.integers(1, 2), QUARTERS, st.integers(1, 3), OPS)
PRODUCT = st.builds(_product, st.integers(1, 2), QUARTERS, st.integers(1, 2), OPS)


def expected(versions: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The level of each day, worked out by reading each key's log in order."""
    found = []
    for key in {(row["warehouse_code"], row["product_id"]) for row in versions}:
        log: dict[datetime, dict[str, Any]] = {}
        newest = datetime.min.replace(tzinfo=UTC)
        for row in versions:
            if (row["warehouse_code"], row["product_id"]) == key:
                clock = row.get("updated_at") or row["_extracted_at"]
                clock = clock if row["_op"] == "upsert" else max(clock, row["_extracted_at"])
                newest = max(newest, clock)
                log[clock if row["_op"] == "upsert" else newest] = row
        for day in DAYS:
            until = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
            known = [instant for instant in log if instant < until]
            if known and log[max(known)]["_op"] != "delete":
                found.append((day, *key, log[max(known)]["on_hand"]))
    return sorted(found)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    extractions=st.lists(
        st.tuples(
            st.lists(LEVEL, max_size=4, unique_by=lambda row: (row["warehouse_code"], row["product_id"])),
            st.lists(PRODUCT, max_size=2, unique_by=lambda row: row["product_id"]),
        ),
        min_size=2,
        max_size=4,
    ),
    seed=st.integers(0, 1000),
)
def test_building_the_days_touched_equals_a_rebuild_and_the_stock_worked_out_by_hand(
    model: Compiled, extractions: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]], seed: int
) -> None:
    model.begin()
    versions: list[dict[str, Any]] = []
    for number, (levels, products) in enumerate(extractions):
        own = {"_extracted_at": moment(5 * number + 1), "_row_hash": number}
        versions += [{**row, **own} for row in levels]
        touched = model.append(LEVELS, [{**row, **own} for row in levels])
        touched |= model.append(PRODUCTS, [{**row, **own} for row in products])
        model.build_above()
        order = [day for day in DAYS if day in touched]
        Random(seed).shuffle(order)
        incremental = model.replace(order, "inventory_day")
        assert incremental == [row for row in model.rebuild() if row[0] <= TODAY]
        assert sorted((row[0], row[1], row[3], row[4]) for row in incremental) == expected(versions)
