"""What the facts of the shop say: amounts to the cent, versions as of the order, and what holds a bad day back."""

from collections.abc import Callable
from decimal import Decimal

import duckdb
import pytest
from dbt_runs import Warehouse, days, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_shop import Bronze, at, category, order, order_item, payment, product, shipment

pytestmark = pytest.mark.warehouse

ITEMS = """
    select order_id, line_number, product.price, category.category_name, category.department_name
    from marts.fct_order_items as items
    inner join marts.dim_products as product using (product_key)
    inner join marts.dim_categories as category using (category_key)
    order by 1, 2
"""


def test_a_line_finds_the_product_and_the_category_of_its_moment(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.extracted_at = at("2026-01-01")
    bronze.everything()
    bronze.extracted_at = at("2026-01-04")
    bronze.shop("product_categories", [category(2, parent_id=1, name="Saws"), category(3, parent_id=2, name="Fine")])
    bronze.shop("products", [product(1, "2026-01-05", price=Decimal("4.00"), category_id=3)])
    bronze.extracted_at = at("2026-01-08")
    bronze.shop("product_categories", [category(1, name="Tools"), category(2, parent_id=1, name="All saws")])
    gone = bronze.shop("product_categories", [category(3)], op="delete")
    moments = ["2026-01-04T23:59:59", "2026-01-05", gone.replace(tzinfo=None).isoformat()]
    bronze.shop("orders", [order(number, moment) for number, moment in enumerate(moments)])
    bronze.shop("order_items", [order_item(number, 1, "10.00") for number in range(3)])
    bronze.shop("order_items", [order_item(0, 2, "1.00", product_id=404)])
    warehouse.run(select="+fct_order_items")
    assert warehouse.query(ITEMS) == [
        (0, 1, Decimal("3.50"), "Category 1", "Tools"),
        (0, 2, None, "unknown", "unknown"),
        (1, 1, Decimal("4.00"), "Fine", "Tools"),
        (2, 1, Decimal("4.00"), "unknown", "unknown"),
    ]


def test_a_category_that_came_back_is_open_again_and_a_circle_of_parents_has_no_department(
    bronze: Bronze, warehouse: Warehouse
) -> None:
    bronze.everything()
    bronze.shop("product_categories", [category(2, parent_id=3), category(3, parent_id=2)])
    gone = bronze.shop("product_categories", [category(1)], op="delete")
    back = bronze.shop("product_categories", [category(1)], op="return")
    bronze.shop("product_categories", [category(3)], op="delete")
    warehouse.run(select="+dim_categories")
    versions = "select category_id, valid_from, valid_to, is_current, department_name from marts.dim_categories"
    first = at("1900-01-01")
    found = warehouse.query(f"{versions} where category_id is not null order by 1, 2")
    assert found[:2] == [(1, first, gone, False, "Category 1"), (1, back, None, True, "Category 1")]
    assert [(row[0], row[3], row[4]) for row in found[2:]] == [(2, True, "unknown"), (3, False, "unknown")]
    result = warehouse.dbt("test", "--select", "dim_categories")
    assert result.success, messages(result)


def test_a_payment_counts_when_it_was_captured_or_refunded(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop("orders", [order(1, "2026-01-01")])
    bronze.shop(
        "payments",
        [
            payment(1, 1, "2026-01-01T23:00:00", "9.99", status="failed"),
            payment(2, 1, "2026-01-02T00:00:00", "9.99"),
            payment(3, 1, "2026-01-05T00:00:00", "-9.99", status="refunded"),
            payment(4, 404, "2026-01-05T00:00:00", "1.00", status="authorized"),
        ],
    )
    warehouse.run(select="+fct_payments")
    sql = "select payment_day::varchar, customer_key = '-1', amount, received_amount from marts.fct_payments"
    assert warehouse.query(f"{sql} order by payment_id") == [
        ("2026-01-01", False, Decimal("9.99"), Decimal("0.00")),
        ("2026-01-02", False, Decimal("9.99"), Decimal("9.99")),
        ("2026-01-05", False, Decimal("-9.99"), Decimal("-9.99")),
        ("2026-01-05", True, Decimal("1.00"), Decimal("0.00")),
    ]


def test_what_does_not_add_up_fails_on_its_day_and_on_no_other(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    placed = range(1, 8)
    bronze.shop("orders", [order(day, f"2026-01-0{day}", discount_amount=Decimal("1.00")) for day in placed])
    bronze.shop("order_items", [order_item(day, 1, "10.00") for day in placed])
    bronze.shop("order_items", [order_item(1, 2, "0.01")])
    bronze.shop("orders", [order(2, "2026-01-02", discount_amount=Decimal("10.01"))])
    bronze.shop("payments", [payment(1, 3, "2026-01-03", "-1.00"), payment(2, 404, "2026-01-04", "1.00")])
    bronze.shop("shipments", [shipment(1, 5, "2026-01-05", "2026-01-06", delivered_at=at("2026-01-04"))])
    warehouse.run(select="+fct_orders +fct_order_items +fct_payments +fct_shipments")
    with duckdb.connect(str(warehouse.file)) as connection:
        connection.execute("delete from marts.fct_orders where order_id = 6")
    assert failed(warehouse, "2026-01-01", "2026-01-06") == {
        "accepted_range_fct_order_items_net_amount__0",
        "accepted_range_fct_orders_net_amount__0",
        "accepted_range_fct_shipments_hours_in_transit__0",
        "equal_rowcount_fct_orders_ref_stg_shop__orders___order_day",
        "fct_order_items_add_up_to_the_price_of_their_order",
        "fct_payments_payment_is_positive",
        "reconciled_total_fct_orders_gross_amount__ref_stg_shop__orders___order_day__currency",
        "reconciled_total_fct_orders_net_amount__gross_amount_discount_amount__ref_stg_shop__orders___order_day__currency",
        "relationships_fct_payments_order_id__order_id__ref_stg_shop__orders_",
    }
    assert failed(warehouse, "2026-01-01", "2026-01-01") == {"fct_order_items_add_up_to_the_price_of_their_order"}
    assert failed(warehouse, "2026-01-07", "2026-01-07") == set()


def failed(warehouse: Warehouse, first: str, last: str) -> set[str]:
    """The tests of the facts that fail over these days; the models stay as they are."""
    facts = ("fct_orders", "fct_order_items", "fct_payments", "fct_shipments")
    result = warehouse.dbt("build", "--select", *facts, "--resource-type", "test", *days(first, last))
    assert result.exception is None, messages(result)
    return {run.node.name for run in result.result if run.status not in ("pass", "success")}


def test_the_unit_tests_of_the_models_pass(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    warehouse.run(select="path:models")  # dbt asks the relations for the types of the columns
    result = warehouse.dbt("test", "--select", "test_type:unit")
    assert result.success, messages(result)
    assert len(result.result.results) >= 4


@pytest.fixture(scope="module")
def allocated(compile_macro: Callable[[str], str]) -> str:
    """The macro's SQL over a table `lines`."""
    share = compile_macro("{{ allocated('discount', weight='price', whole='order_id', order='line') }}")
    return f"select {share} as share from lines order by line"


CENTS = st.integers(0, 10**12 - 1)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(prices=st.lists(CENTS | st.integers(0, 3), min_size=1, max_size=6), part=st.integers(0, 10**6))
def test_shares_of_a_discount_add_up_to_it_and_none_is_off_its_proportion_by_a_cent(
    allocated: str, prices: list[int], part: int
) -> None:
    total = sum(prices)
    discount = min(total * part // 10**6, 10**12 - 1) if total else part
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            "create table lines (order_id integer, line integer, price decimal(12, 2), discount decimal(12, 2))"
        )
        for line, price in enumerate(prices):
            row = [line, Decimal(price) / 100, Decimal(discount) / 100]
            connection.execute("insert into lines values (1, ?, ?, ?)", row)
        shares = [int(share * 100) for (share,) in connection.execute(allocated).fetchall()]
    assert sum(shares) == discount
    for share, price in zip(shares, prices, strict=True):
        if total:
            assert abs(share * total - discount * price) < total
            assert 0 <= share <= price
