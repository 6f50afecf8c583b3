"""A run changes the days it is for and nothing else."""

from decimal import Decimal

import pytest
from dbt_runs import Warehouse, days, messages
from small_shop import Bronze, at, customer, order, order_item, product

FACTS = "select order_id, order_day, order_status, net_amount from marts.fct_orders order by order_id"
DAILY = ("--select", "fct_orders", "agg_daily_revenue")

pytestmark = pytest.mark.warehouse


@pytest.fixture
def shop(bronze: Bronze) -> Bronze:
    """Three orders on each of five days, of one line each."""
    bronze.everything()
    orders = {day * 10 + n: f"2026-01-0{day}T0{n}:00:00" for day in range(1, 6) for n in range(3)}
    bronze.shop("orders", [order(number, placed) for number, placed in orders.items()])
    bronze.shop("order_items", [order_item(number, 1, "10.00") for number in orders])
    return bronze


def everything_of(warehouse: Warehouse, table: str = "fct_orders", *, but: str = "1900-01-01") -> object:
    return warehouse.query(f"from marts.{table} where order_day <> '{but}' order by all")


def test_a_first_build_for_some_days_has_those_days_only(shop: Bronze, warehouse: Warehouse) -> None:
    warehouse.run("2026-01-02", "2026-01-03")
    assert warehouse.query("select order_day::varchar, count(*) from marts.fct_orders group by 1 order by 1") == [
        ("2026-01-02", 3),
        ("2026-01-03", 3),
    ]
    assert warehouse.query("select sum(orders) from marts.agg_daily_revenue") == [(6,)]


def test_a_day_is_replaced_and_every_other_row_stays_where_it_is(shop: Bronze, warehouse: Warehouse) -> None:
    warehouse.run()
    before = everything_of(warehouse, but="2026-01-03")
    changed = {"status": "shipped", "shipped_at": at("2026-01-05"), "updated_at": at("2026-01-05")}
    shop.shop("orders", [order(31, "2026-01-03T01:00:00", **changed), order(39, "2026-01-03T09:00:00")])
    shop.shop("orders", [order(30, "2026-01-03T00:00:00"), order(32, "2026-01-03T02:00:00")], op="delete")
    warehouse.run("2026-01-03", "2026-01-03")
    assert warehouse.query(FACTS.replace("order by", "where order_day = '2026-01-03' order by"))[0][2] == "shipped"
    assert warehouse.query("select order_id from marts.fct_orders where order_day = '2026-01-03' order by 1") == [
        (31,),
        (39,),
    ]
    assert everything_of(warehouse, but="2026-01-03") == before


def test_a_day_without_orders_left_is_empty(shop: Bronze, warehouse: Warehouse) -> None:
    warehouse.run()
    before = everything_of(warehouse, but="2026-01-04")
    shop.shop("orders", [order(40 + n, f"2026-01-04T0{n}:00:00") for n in range(3)], op="delete")
    warehouse.run("2026-01-04", "2026-01-04")
    assert everything_of(warehouse) == before
    assert warehouse.query("select count(*) from marts.agg_daily_revenue where order_day = '2026-01-04'") == [(0,)]


def test_an_order_whose_day_changed_is_on_its_new_day_only(shop: Bronze, warehouse: Warehouse) -> None:
    warehouse.run()
    shop.shop("orders", [order(31, "2026-01-05T09:00:00")])
    warehouse.run("2026-01-03", "2026-01-05")
    assert warehouse.query("select order_day::varchar from marts.fct_orders where order_id = 31") == [("2026-01-05",)]


def test_days_in_any_order_and_twice_give_what_a_rebuild_gives(shop: Bronze, warehouse: Warehouse) -> None:
    for first, last in (("2026-01-04", "2026-01-05"), ("2026-01-01", "2026-01-02"), ("2026-01-02", "2026-01-04")):
        warehouse.run(first, last)
    facts = warehouse.query("from marts.fct_orders order by order_id")
    revenue = warehouse.query("from marts.agg_daily_revenue order by all")
    assert warehouse.dbt("run", "--select", "+agg_daily_revenue", "--full-refresh").success
    assert warehouse.query("from marts.fct_orders order by order_id") == facts
    assert warehouse.query("from marts.agg_daily_revenue order by all") == revenue


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "this run names none"),
        (["--full-refresh", *days("2026-01-03", "2026-01-03")], "would leave only that window"),
        (["--event-time-start", "2026-01-03T12:00:00", "--event-time-end", "2026-01-04"], "replaces whole days"),
        (["--event-time-start", "2026-01-03"], "must specify both|--event-time-end"),
        (["--event-time-start", "2026-01-04", "--event-time-end", "2026-01-03"], "start must occur before|less than"),
    ],
)
def test_a_run_that_does_not_say_which_days_changes_nothing(
    shop: Bronze, warehouse: Warehouse, arguments: list[str], reason: str
) -> None:
    warehouse.run()
    before = everything_of(warehouse)
    shop.shop("orders", [order(99, "2026-01-03T00:00:00")])
    result = warehouse.dbt("run", *DAILY, *arguments)
    assert not result.success
    assert any(part in messages(result) for part in reason.split("|")), messages(result)
    assert everything_of(warehouse) == before


def test_a_bronze_table_that_is_missing_is_named_with_the_next_step(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.shop("customers", [customer(1, "2026-01-01")])
    result = warehouse.dbt("run", "--select", "stg_shop__orders")
    assert "The lake has no table bronze_shop.orders yet, which stg_shop__orders reads" in messages(result)
    assert "dataeng up" in messages(result)


def test_pins_decide_which_bronze_a_run_reads(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop("orders", [order(1, "2026-01-01")])
    bronze.shop("orders", [order(2, "2026-01-01")])
    warehouse.run(pins={"bronze.shop.orders": 1})
    assert warehouse.query("select order_id from marts.fct_orders") == [(1,)]
    warehouse.run("2026-01-01", "2026-01-01")
    assert warehouse.query("select order_id from marts.fct_orders order by 1") == [(1,), (2,)]


def test_a_gate_judges_the_days_of_the_run_and_a_test_of_the_whole_table_warns(
    shop: Bronze, warehouse: Warehouse
) -> None:
    warehouse.run()
    bad = order(21, "2026-01-02T01:00:00", total_amount=Decimal("-1.00"))
    shop.shop("orders", [bad])
    assert "accepted_range_fct_orders_gross_amount" in messages(
        warehouse.dbt("build", *DAILY, *days("2026-01-02", "2026-01-02"))
    )
    assert warehouse.dbt("build", *DAILY, *days("2026-01-03", "2026-01-03")).success
    # one order on two days: only one of them is rebuilt, so that the other is still there
    shop.shop("orders", [order(31, "2026-01-05T09:00:00")])
    result = warehouse.dbt("build", *DAILY, *days("2026-01-05", "2026-01-05"))
    assert result.success
    assert "fct_orders_order_id_is_on_one_day_only: Got 1 result" in messages(result)


def test_revenue_leaves_out_what_was_cancelled_or_sent_back(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop(
        "orders",
        [
            order(1, "2026-01-01", total_amount=Decimal("10.10"), discount_amount=Decimal("0.11")),
            order(2, "2026-01-01", total_amount=Decimal("20.00"), status="cancelled"),
            order(3, "2026-01-01", total_amount=Decimal("30.00"), status="returned"),
            order(4, "2026-01-01", total_amount=Decimal("5.00"), customer_id=77),
        ],
    )
    warehouse.run()
    assert warehouse.query("select * exclude (order_day) from marts.agg_daily_revenue order by country") == [
        ("EUR", "DE", 3, 1, 1, Decimal("10.10"), Decimal("0.11"), Decimal("9.99")),
        ("EUR", "unknown", 1, 0, 0, Decimal("5.00"), Decimal("0.00"), Decimal("5.00")),
    ]


def test_an_event_sent_twice_counts_once(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    again = {"event_id": "a", "_kafka_offset": 7, "timestamp": at("2026-01-05T10:00:00")}
    bronze.events([again, {"event_id": "b", "_kafka_offset": 8, "timestamp": at("2026-01-06")}])
    warehouse.run(select="stg_events__user_events")
    events = "select event_id, _kafka_offset from staging.stg_events__user_events order by 1"
    assert warehouse.query(events) == [("a", 0), ("b", 8)]


def test_staging_has_what_the_source_held_when_it_was_last_read(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop("products", [product(2), {**product(1), "price": Decimal("4.00")}])
    bronze.shop("products", [product(2)], op="delete")
    warehouse.run(select="+stg_shop__products")
    products = "select product_id, price from staging.stg_shop__products order by 1"
    assert warehouse.query(products) == [(1, Decimal("4.00"))]
    bronze.shop("products", [product(2)], op="return")
    warehouse.run(select="+stg_shop__products")
    assert warehouse.query(products) == [(1, Decimal("4.00")), (2, Decimal("3.50"))]


def test_every_model_builds_and_passes_its_tests(shop: Bronze, warehouse: Warehouse) -> None:
    result = warehouse.dbt("build", *days("2026-01-01", "2026-01-05"))
    assert result.success, messages(result)
    assert warehouse.query("select count(*) from marts.fct_orders") == [(15,)]
