"""What the shop's tables promise one another, after the fill and after whatever happens to them."""

from collections import Counter

import psycopg
import pytest
from sample_shop import Shop, assert_truth_is_true, versions_after

from dataeng_assets.sample import catalogue, schema

pytestmark = pytest.mark.server

BROKEN = {
    "the lines of an order add up to its total": """
        select order_id from shop.orders left join shop.order_items using (order_id)
        group by order_id having sum(line_amount) is distinct from total_amount""",
    "a line belongs to an order and costs its pieces": """
        select order_id from shop.order_items left join shop.orders using (order_id)
        where status is null or line_amount <> quantity * unit_price""",
    "an order that got paid has one captured payment of what it costs": """
        select order_id from shop.orders o join shop.shipments s using (order_id)
        where (select array_agg(amount) from shop.payments p where p.order_id = o.order_id and p.status = 'captured')
            is distinct from array[o.total_amount - coalesce(o.discount_amount, 0)]""",
    "an order that nobody paid has no captured payment": """
        select order_id from shop.orders join shop.payments p using (order_id)
        where orders.status = 'placed' and p.status in ('captured', 'refunded')""",
    "what comes back after it was paid is paid back": """
        select order_id from shop.orders o
        where status in ('cancelled', 'returned')
        and (select coalesce(sum(amount), 0) from shop.payments p
             where p.order_id = o.order_id and p.status in ('captured', 'refunded')) <> 0""",
    "only such orders are paid back": """
        select order_id from shop.orders join shop.payments p using (order_id)
        where p.status = 'refunded' and orders.status not in ('cancelled', 'returned')""",
    "an order has a parcel when it is shipped": """
        select order_id from shop.orders left join shop.shipments using (order_id)
        where (orders.status in ('shipped', 'delivered', 'returned')) <> (shipment_id is not null)
        or shipments.shipped_at <> orders.shipped_at""",
    "a parcel says that it arrived when it did": """
        select order_id from shop.orders join shop.shipments using (order_id)
        where (orders.status <> 'shipped') <> (delivered_at is not null)
        or num_nulls(delivered_at, transit, is_signed) not in (0, 3)
        or date_trunc('minute', delivered_at - shipments.shipped_at) <> transit""",
    "there is a level for each warehouse and product": """
        select product_id from shop.products left join shop.inventory_levels using (product_id)
        group by product_id having count(warehouse_code) <> 2""",
    "what is reserved is there": """
        select product_id from shop.inventory_levels where reserved not between 0 and on_hand""",
    "nothing lies in the future": "select order_id from shop.payments where created_at > now() or updated_at > now()",
}
OF_ORDERS = [promise for promise in BROKEN if "level" not in promise]


def broken_promises(shop: Shop) -> dict[str, int]:
    with psycopg.connect(shop.url) as connection:
        found = {name: connection.execute(query).rowcount for name, query in BROKEN.items()}  # type: ignore[arg-type]
    return {name: count for name, count in found.items() if count}


def test_the_promises_hold_after_the_fill_and_after_each_tick(shop: Shop) -> None:
    shop.fill(scale=0.05)
    assert broken_promises(shop) == {}
    for _ in range(3):
        shop.tick()
        assert broken_promises(shop) == {}


def test_every_kind_of_column_is_there(shop: Shop) -> None:
    shop.fill()
    with psycopg.connect(shop.url) as connection:
        kinds = connection.execute(
            "select data_type, domain_name, is_identity, identity_generation, is_generated "
            "from information_schema.columns where table_schema = 'shop'"
        ).fetchall()
        partitions = connection.execute(
            "select count(*), min(relid::text), max(relid::text) from pg_partition_tree('shop.payments') where isleaf"
        ).fetchone()
        (rows_in_them,) = connection.execute("select count(distinct tableoid) from shop.payments").fetchone() or (0,)
    types = {kind for kind, *_ in kinds}
    assert types >= {
        "date", "time without time zone", "interval", "bytea", "boolean", "uuid", "smallint", "jsonb", "ARRAY",
        "USER-DEFINED", "timestamp with time zone", "numeric",
    }  # fmt: skip
    assert "quantity" in {domain for _, domain, *_ in kinds}
    assert {generation for *_, generation, _ in kinds} == {None, "ALWAYS", "BY DEFAULT"}
    assert "ALWAYS" in {is_generated for *_, is_generated in kinds}
    assert partitions is not None
    assert partitions[0] >= 24 + 3
    assert rows_in_them >= 3


def test_text_of_times_and_intervals_does_not_depend_on_the_session(shop: Shop) -> None:
    shop.fill()
    query = f"select {schema.projection('product_categories')} from shop.product_categories order by 1"
    with psycopg.connect(shop.url, options="-c intervalstyle=sql_standard") as connection:
        assert connection.execute(query).fetchall() == list(catalogue.CATEGORIES)  # type: ignore[arg-type]
    parcels = shop.truth.current("shipments")
    assert {len(text) for text in parcels["deliver_after"].to_pylist() if text} == {8}
    assert all(text[0] == "P" for text in parcels["transit"].to_pylist() if text)


def test_most_levels_are_as_they_were_counted_when_the_shop_opened(shop: Shop) -> None:
    report = shop.fill(scale=0.2)
    written = [row["updated_at"].date() for row in shop.truth.current("inventory_levels").to_pylist()]
    opening = sum((day - report.first_day).days <= 1 for day in written)
    assert 0.5 * len(written) < opening < 0.9 * len(written)
    assert len(set(written)) > 20


def test_within_a_few_ticks_everything_happens_to_categories_and_the_truth_knows_of_it(shop: Shop) -> None:
    shop.fill()
    seen = Counter[str]()
    rows = {row.category_id: row._asdict() for row in catalogue.CATEGORIES}
    gone = set[int]()
    for _ in range(6):
        shop.tick()
        assert_truth_is_true(shop)
    for version in versions_after(shop, "product_categories", 1):
        key = version["category_id"]
        values = {name: version[name] for name in catalogue.Category._fields}
        if version["_is_deleted"]:
            assert set(values.values()) == {key, None}
            gone.add(key)
            seen["deleted"] += 1
            continue
        seen["came back"] += key in gone
        seen["renamed"] += values["name"] != rows[key]["name"]
        seen["hidden or shown"] += values["is_visible"] != rows[key]["is_visible"]
        gone.discard(key)
        rows[key] = values
    assert set(seen) == {"deleted", "came back", "renamed", "hidden or shown"}
    assert all(seen.values())
    assert {row["category_id"] for row in shop.truth.current("product_categories").to_pylist()} == set(rows) - gone


def test_everything_changes_in_late_transactions_too(shop: Shop) -> None:
    shop.fill()
    for _ in range(3):
        shop.tick()
    late = {table for table in schema.TABLES if any(row["_is_late"] for row in versions_after(shop, table, 1))}
    assert late >= set(schema.TABLES) - {"products", "shipments"}


def test_a_tick_does_nothing_hostile_unless_asked(shop: Shop) -> None:
    shop.fill()
    shop.tick(days=2)
    for table in schema.TABLES:
        versions = shop.truth.versions(table).to_pylist()
        if schema.has_clock(table):
            assert not any(row["_is_deleted"] for row in versions)


def test_a_hostile_tick_erases_back_dates_and_rewrites_and_its_truth_is_true(shop: Shop) -> None:
    shop.fill(scale=0.05)
    with psycopg.connect(shop.url) as connection:
        (before,) = connection.execute("select now()").fetchone() or (None,)
    shop.tick(hostile=True)
    assert_truth_is_true(shop)
    assert {name for name in broken_promises(shop) if name in OF_ORDERS} == set()
    for table in schema.TABLES:
        if not schema.has_clock(table):
            continue
        versions = versions_after(shop, table, 1)
        assert any(row["_is_deleted"] for row in versions), table
        assert any(not row["_is_deleted"] and row["updated_at"] < before for row in versions), table
    rewritten = [row for row in versions_after(shop, "orders", 1) if row["_is_deleted"]]
    assert len(rewritten) == 2
    shop.tick(hostile=True)
    shop.tick()
    assert_truth_is_true(shop)
