"""Whether the whole lineage holds what truly happened, table by table."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
from expected import TRACKED, customer_history, tier_at, windows
from whole_platform import Platform

from dataeng_assets.orchestration.query import open_layers
from dataeng_assets.sample.schema import TABLES, key_of

SIDES = {"main": "", "late": "_late", "dead_letter": "_dead_letters"}
SILENCE, LONGEST = timedelta(minutes=30), timedelta(hours=24)
Row = tuple[Any, ...]


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    return connection.execute(query).fetchall()


def contents() -> dict[str, list[Row]]:
    """Everything from silver on; views show what these hold."""
    with open_layers(notice=print) as connection:
        names = rows(
            connection,
            "select schema_name || '.' || view_name from duckdb_views() "
            "where schema_name in ('marts', 'gold', 'silver_events') order by 1",
        )
        return {name: rows(connection, f"from {name} order by all") for (name,) in names}


def assert_equals_truth(platform: Platform, extracted: Sequence[int]) -> None:
    """Compare every layer with the truth.

    Args:
        platform: what is judged.
        extracted: the newest commit of the truth that each extract has seen.
    """
    with open_layers(notice=print) as connection:
        _assert_bronze(platform, connection)
        _assert_history(platform, connection, extracted)
        _assert_orders(platform, connection, extracted)
        _assert_what_follows_orders(platform, connection)
        _assert_inventory_and_categories(platform, connection)
        _assert_events(platform, connection)
        _assert_sessions(platform, connection)


def _assert_bronze(platform: Platform, connection: duckdb.DuckDBPyConnection) -> None:
    for table in TABLES:
        truth, key = platform.truth.current(table), ", ".join(key_of(table))
        newest = connection.sql(
            f"select {', '.join(truth.column_names)} from (from bronze_shop.{table} "
            f"qualify row_number() over (partition by {key} order by _extracted_at desc) = 1) "
            f"where _op <> 'delete' order by {key}"
        ).to_arrow_table()
        assert newest.cast(truth.schema).to_pylist() == truth.to_pylist(), table


def _assert_history(platform: Platform, connection: duckdb.DuckDBPyConnection, extracted: list[int]) -> None:
    found = rows(
        connection,
        f"select customer_id, valid_from, {', '.join(TRACKED)} from marts.dim_customers where customer_key <> '-1' "
        "order by customer_id, valid_from",
    )
    history = customer_history(platform.truth, extracted)
    assert found == [
        (version.customer_id, version.valid_from, *version.values)
        for customer in sorted(history)
        for version in history[customer]
    ]


def _assert_orders(platform: Platform, connection: duckdb.DuckDBPyConnection, extracted: list[int]) -> None:
    history = customer_history(platform.truth, extracted)
    expected = [
        (
            order["order_id"],
            order["ordered_at"].date(),
            order["status"],
            order["total_amount"],
            order["discount_amount"] or 0,
            *tier_at(history, order["customer_id"], order["ordered_at"]),
        )
        for order in platform.truth.current("orders").to_pylist()
    ]
    query = (
        "select order_id, order_day, order_status, gross_amount, discount_amount, country, city, tier "
        "from {table} join marts.dim_customers using (customer_key) order by order_id"
    )
    assert rows(connection, query.format(table="marts.fct_orders")) == expected
    assert rows(connection, query.format(table="gold.fct_orders")) == expected


def _assert_what_follows_orders(platform: Platform, connection: duckdb.DuckDBPyConnection) -> None:
    orders = {order["order_id"]: order for order in platform.truth.current("orders").to_pylist()}
    items = platform.truth.current("order_items").to_pylist()
    query = "select order_id, line_number, order_day, product_id, quantity, gross_amount from marts.fct_order_items"
    assert rows(connection, f"{query} order by 1, 2") == [
        (item["order_id"], item["line_number"], orders[item["order_id"]]["ordered_at"].date(), item["product_id"],
         item["quantity"], item["line_amount"])
        for item in items
    ]  # fmt: skip
    amounts = rows(connection, "select order_id, sum(net_amount) from gold.fct_order_items group by 1 order by 1")
    assert amounts == [
        (order["order_id"], order["total_amount"] - (order["discount_amount"] or 0)) for order in orders.values()
    ]
    query = "select payment_id, payment_day, order_id, payment_status, amount from marts.fct_payments order by 1"
    assert rows(connection, query) == [
        (paid["payment_id"], paid["created_at"].date(), paid["order_id"], paid["status"], paid["amount"])
        for paid in sorted(platform.truth.current("payments").to_pylist(), key=lambda paid: str(paid["payment_id"]))
    ]
    query = "select shipment_id, shipment_day, order_id, delivered_at from marts.fct_shipments order by 1"
    assert rows(connection, query) == [
        (sent["shipment_id"], sent["shipped_at"].date(), sent["order_id"], sent["delivered_at"])
        for sent in platform.truth.current("shipments").to_pylist()
    ]


def _assert_inventory_and_categories(platform: Platform, connection: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select warehouse_code, product_id, on_hand, reserved from marts.fct_inventory_daily "
        "where inventory_day = current_date order by 1, 2"
    )
    assert rows(connection, query) == [
        (level["warehouse_code"], level["product_id"], level["on_hand"], level["reserved"])
        for level in platform.truth.current("inventory_levels").to_pylist()
    ]
    query = "select category_id, category_name from marts.dim_categories where is_current and category_key <> '-1'"
    assert rows(connection, f"{query} order by 1") == [
        (category["category_id"], category["name"])
        for category in platform.truth.current("product_categories").to_pylist()
    ]


def _assert_events(platform: Platform, connection: duckdb.DuckDBPyConnection) -> None:
    events = platform.truth.events().to_pylist()
    for side, suffix in SIDES.items():
        found = rows(connection, f"select _kafka_partition, _kafka_offset from bronze_events.user_events{suffix}")
        assert sorted(found) == [
            (event["partition"], event["offset"]) for event in events if event["routing"] == side
        ], side
    by_rule = rows(
        connection,
        "select _kafka_partition, _kafka_offset from bronze_events.user_events_dead_letters "
        "where reason = 'rule:one_of__event_type'",
    )
    assert sorted(by_rule) == [
        (event["partition"], event["offset"]) for event in events if event["detail"] == "unknown_event_type"
    ]
    expected = windows(events)
    published = {
        (start, kind): (records, distinct, users)
        for start, kind, records, distinct, users in rows(
            connection,
            "select window_start, event_type, records, events, unique_users from silver_events.user_events_5m",
        )
    }
    last = max(start for start, _ in published)
    assert published == {window: counts for window, counts in expected.items() if window[0] <= last}


def _assert_sessions(platform: Platform, connection: duckdb.DuckDBPyConnection) -> None:
    query = "select customer_id, started_at, events, purchases from marts.fct_user_sessions order by 1, 2"
    today = datetime.now(UTC).date()
    assert rows(connection, query) == [
        session for session in _sessions(platform.truth.events().to_pylist()) if session[1].date() <= today
    ]


def _sessions(events: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Sessions by customer and start, each event once, whether it came late or not."""
    first: dict[str, Mapping[str, Any]] = {}
    for event in events:
        if event["routing"] != "dead_letter":
            first.setdefault(event["event_id"], event)
    of_user: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for event in first.values():
        if event["user_id"] is not None:
            of_user[event["user_id"]].append(event)
    found: list[Row] = []
    for user in sorted(of_user):
        runs: list[list[Mapping[str, Any]]] = []
        for event in sorted(of_user[user], key=lambda event: event["event_time"]):
            if not runs or event["event_time"] - runs[-1][-1]["event_time"] >= SILENCE:
                runs.append([])
            runs[-1].append(event)
        for run in runs:
            start = run[0]["event_time"]
            counted = [event for event in run if event["event_time"] < start + LONGEST]
            purchases = sum(event["event_type"] == "purchase" for event in counted)
            found.append((user, start, len(counted), purchases))
    return found
