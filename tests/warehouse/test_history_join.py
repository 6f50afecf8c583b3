"""Which version of a customer an order is joined to, and that history is the same however it came about."""

from collections.abc import Callable

import pytest
from dbt_runs import Warehouse, messages
from small_shop import Bronze, at, customer, order

from dataeng_assets.lake.location import Lake

JOINED = """
    select facts.order_id, versions.city
    from marts.fct_orders as facts inner join marts.dim_customers as versions using (customer_key)
    order by 1
"""
pytestmark = pytest.mark.warehouse


def test_an_order_finds_the_version_that_was_valid_when_it_was_placed(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop("customers", [customer(1, "2026-01-10T12:00:00", city="Köln")])
    bronze.shop("customers", [customer(2, "2026-01-01", city="Ulm")])
    bronze.extracted_at = at("2026-01-20")
    gone = bronze.shop("customers", [customer(2, "2026-01-01", city="Ulm")], op="delete")
    bronze.shop(
        "orders",
        [
            order(1, "2025-06-01T00:00:00"),  # before the first version: the oldest that is known
            order(2, "2026-01-10T11:59:59.999999"),
            order(3, "2026-01-10T12:00:00"),  # exactly on the boundary: the newer one
            order(4, "2026-01-12T00:00:00", customer_id=2),
            order(5, gone.replace(tzinfo=None).isoformat(), customer_id=2),  # exactly when it was deleted
            order(6, "2026-01-10T00:00:00", customer_id=404),
        ],
    )
    warehouse.run()
    assert warehouse.query(JOINED) == [
        (1, "Bonn"),
        (2, "Bonn"),
        (3, "Köln"),
        (4, "Ulm"),
        (5, "unknown"),
        (6, "unknown"),
    ]


def test_an_order_whose_customer_arrived_late_is_repaired(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop("orders", [order(1, "2026-01-03", customer_id=7)])
    warehouse.run()
    assert warehouse.query(JOINED) == [(1, "unknown")]
    bronze.shop("customers", [customer(7, "2026-01-09", city="Jena")])
    warehouse.run("2026-01-03", "2026-01-03")
    assert warehouse.query(JOINED) == [(1, "Jena")]


def test_history_brought_up_to_date_equals_a_rebuild(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    warehouse.run(select="+dim_customers")
    bronze.shop("customers", [customer(n, f"2026-01-0{n}", city="Ulm") for n in range(1, 5)])
    warehouse.run(select="+dim_customers")
    bronze.shop("customers", [customer(1, "2025-12-01", tier="gold"), customer(2, "2026-01-08", email="new@x.org")])
    bronze.shop("customers", [customer(3, "2026-01-03")], op="delete")
    warehouse.run(select="+dim_customers")
    bronze.shop("customers", [customer(3, "2026-01-03")], op="return")
    warehouse.run(select="+dim_customers")
    found = warehouse.query("from marts.dim_customers order by all")
    assert len(found) == 8
    assert warehouse.dbt("run", "--select", "+dim_customers", "--full-refresh").success
    assert warehouse.query("from marts.dim_customers order by all") == found
    result = warehouse.dbt("test", "--select", "dim_customers")
    assert result.success, messages(result)


def test_a_customer_erased_from_bronze_leaves_nothing_behind(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop("customers", [customer(2, "2026-01-01"), customer(3, "2026-01-01")])
    warehouse.run(select="+dim_customers")
    bronze.lake.open(("bronze", "shop", "customers")).delete("customer_id = 2")
    warehouse.run(select="+dim_customers")
    assert warehouse.query("select customer_id from marts.dim_customers order by 1 nulls last") == [(1,), (3,), (None,)]


def test_a_warehouse_rebuilt_from_nothing_is_the_same(
    bronze: Bronze, make_warehouse: Callable[[Lake, str], Warehouse]
) -> None:
    bronze.everything()
    old = make_warehouse(bronze.lake, "old")
    old.run()
    for day in range(2, 5):
        bronze.shop("customers", [customer(day, f"2026-01-0{day}"), customer(1, f"2026-01-0{day}", city=f"City {day}")])
        bronze.shop(
            "orders", [order(day, f"2026-01-0{day}T12:00:00"), order(day + 10, f"2026-01-0{day}", customer_id=day)]
        )
        old.run(f"2026-01-0{day}", f"2026-01-0{day}")
    new = make_warehouse(bronze.lake, "new")
    new.run()
    for table in ("dim_customers", "fct_orders", "agg_daily_revenue"):
        assert new.query(f"from marts.{table} order by all") == old.query(f"from marts.{table} order by all")
