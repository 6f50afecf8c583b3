import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from dataeng_assets.sample import fulfilment, world
from dataeng_assets.sample.events import LATENESS, MAX_AHEAD, PARTITIONS, Event, Known, Stream, draw_events
from dataeng_assets.sample.history import Shop, simulate
from dataeng_assets.sample.truth import routings

UNTIL = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)

DIGEST = """
from datetime import datetime, UTC
from dataeng_assets.sample.history import simulate
import hashlib
shop = simulate(7, days=20, scale=0.01, until=datetime(2026, 11, 21, 7, 30, tzinfo=UTC))
print(hashlib.sha256(repr(shop).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def shop() -> Shop:
    return simulate(7, days=90, scale=0.2, until=UNTIL)


def test_the_same_seed_and_span_give_the_same_bytes_in_another_process() -> None:
    ours = simulate(7, days=20, scale=0.01, until=UNTIL)
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    theirs = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, check=True, text=True)
    assert theirs.stdout.strip() == hashlib.sha256(repr(ours).encode()).hexdigest()


def test_another_seed_gives_another_shop() -> None:
    one, other = (simulate(seed, days=5, scale=0.01, until=UNTIL) for seed in (1, 2))
    assert one.customers != other.customers
    assert one.orders != other.orders
    assert one.events != other.events


def test_the_shop_has_the_size_that_was_asked_for(shop: Shop) -> None:
    assert (len(shop.customers), len(shop.products), len(shop.orders)) == (1_000, 100, 12_000)
    assert 50_000 < len(shop.events) < 50_500
    assert (len(shop.product_categories), len(shop.inventory_levels)) == (35, 200)
    assert 23_000 < len(shop.order_items) < 27_000
    assert 12_000 < len(shop.payments) < 15_000
    assert 9_000 < len(shop.shipments) < 11_000


def test_nothing_in_the_tables_lies_outside_the_span(shop: Shop) -> None:
    for row in (*shop.customers, *shop.products):
        assert shop.since <= row.created_at <= row.updated_at <= shop.until
    for order in shop.orders:
        assert (
            shop.since <= order.ordered_at <= (order.shipped_at or order.ordered_at) <= order.updated_at <= shop.until
        )
    for payment in shop.payments:
        assert shop.since <= payment.created_at <= payment.updated_at <= shop.until
    for parcel in shop.shipments:
        assert shop.since <= parcel.shipped_at <= (parcel.delivered_at or parcel.shipped_at) <= parcel.updated_at
        assert parcel.updated_at <= shop.until
    for row in (*shop.order_items, *shop.inventory_levels):
        assert shop.since <= row.updated_at <= shop.until


def test_what_is_bought_was_offered_by_then_and_hangs_in_the_tree(shop: Shop) -> None:
    listed = {product.product_id: product.created_at for product in shop.products}
    assert all(listed[item.product_id] < item.updated_at for item in shop.order_items)
    parents = {category.category_id: category.parent_id for category in shop.product_categories}
    assert list(parents.values()).count(None) == 7
    assert all(parents[product.category_id] in range(1, 8) for product in shop.products)
    assert len({category.slug for category in shop.product_categories}) == 35


def test_money_comes_in_every_way_and_some_attempts_fail(shop: Shop) -> None:
    found = Counter((payment.status, payment.receipt is None) for payment in shop.payments)
    assert set(found) == {("captured", False), ("refunded", False), ("failed", True), ("authorized", True)}
    assert {payment.method for payment in shop.payments} == set(fulfilment.METHODS)
    assert all((payment.amount < 0) == (payment.status == "refunded") for payment in shop.payments)
    assert 0.05 < found["failed", True] / len(shop.orders) < 0.12


def test_parcels_are_late_at_times_and_kept_back_until_an_hour(shop: Shop) -> None:
    delivered = [parcel for parcel in shop.shipments if parcel.delivered_at]
    late = sum(parcel.delivered_at.date() > parcel.promised_on for parcel in delivered if parcel.delivered_at)
    assert 0.02 < late / len(delivered) < 0.5
    assert {parcel.deliver_after for parcel in shop.shipments} == set(world.DELIVER_AFTER)
    assert {parcel.is_signed for parcel in shop.shipments} == {None, True, False}


@given(days=st.integers(0, 40), minutes=st.integers(0, 1_439), rest=st.integers(0, world.MINUTE - 1))
def test_the_time_on_the_way_is_told_in_days_hours_and_minutes(days: int, minutes: int, rest: int) -> None:
    text = fulfilment.transit(5, 5 + days * world.DAY + minutes * world.MINUTE + rest)
    found = re.fullmatch(r"P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:0S)?)?", text)
    assert found
    told = [int(number or 0) for number in found.groups()]
    assert told == [days, minutes // 60, minutes % 60]


def test_customers_order_after_they_signed_up_and_keys_ascend_with_time(shop: Shop) -> None:
    created = {customer.customer_id: customer.created_at for customer in shop.customers}
    assert all(created[order.customer_id] < order.ordered_at for order in shop.orders)
    assert [order.order_id for order in shop.orders] == list(range(1, len(shop.orders) + 1))
    assert [order.ordered_at for order in shop.orders] == sorted(order.ordered_at for order in shop.orders)


def test_about_a_fifth_of_the_orders_ended_badly_and_some_old_ones_still_wait(shop: Shop) -> None:
    status = Counter(order.status for order in shop.orders)
    assert 0.17 < (status["cancelled"] + status["returned"]) / len(shop.orders) < 0.23
    assert set(status) == {"placed", "paid", "shipped", "delivered", "cancelled", "returned"}
    old = shop.until - timedelta(days=10)
    assert any(order.status == "paid" and order.ordered_at < old for order in shop.orders)
    assert all(
        (order.shipped_at is not None) == (order.status in {"shipped", "delivered", "returned"})
        for order in shop.orders
    )


def test_the_values_that_are_hard_to_carry_are_there(shop: Shop) -> None:
    notes = {order.note for order in shop.orders}
    assert notes == {None, *world.NOTES}
    assert {tuple(order.coupon_codes or ("none",)) for order in shop.orders} > {("none",), ("null",)}
    assert any(order.coupon_codes == [] for order in shop.orders)
    assert {"None", "0.00"} < {str(order.discount_amount) for order in shop.orders}
    assert {tag for customer in shop.customers for tag in customer.tags} == set(world.TAGS)
    assert None in {customer.marketing_consent for customer in shop.customers}
    assert any('"cap": 0.' in (customer.preferences or "") for customer in shop.customers)


def test_the_topic_has_its_shares_of_odd_records(shop: Shop) -> None:
    found = Counter(event.category for event in shop.events)
    total = len(shop.events)
    assert found["malformed"] / total == pytest.approx(0.002, rel=0.02)
    assert found["late"] / total == pytest.approx(0.01, rel=0.02)
    assert found["duplicate"] / total == pytest.approx(0.005, rel=0.02)
    assert found["future"] >= 3
    assert found["unknown_field"] >= 3


def test_every_malformed_record_is_malformed_in_the_way_it_says(shop: Shop) -> None:
    malformed = [event for event in shop.events if event.category == "malformed"]
    assert len({event.detail for event in malformed}) == 11
    for event in malformed:
        assert _flaw(event.value) == event.detail


def _flaw(value: bytes | None) -> str:
    if not value:
        return "null_value" if value is None else "empty_value"
    try:
        record = json.loads(value)
    except UnicodeDecodeError:
        return "not_utf8"
    except ValueError:
        return "broken_json"
    if not isinstance(record, dict):
        return "not_an_object"
    checks = {
        "missing_event_id": "event_id" not in record,
        "missing_timestamp": "timestamp" not in record,
        "user_id_not_an_integer": not isinstance(record["user_id"], int | None),
        "timestamp_not_a_time": not record.get("timestamp", "2").startswith("2"),
        "unknown_event_type": record["event_type"] == "add_to_wishlist",
        "event_id_not_a_uuid": len(record.get("event_id", 36 * "x")) != 36,
    }
    return next(flaw for flaw, is_so in checks.items() if is_so)


def test_a_record_that_is_not_malformed_says_what_the_truth_says(shop: Shop) -> None:
    for event in shop.events:
        if event.category == "malformed":
            continue
        assert event.value is not None
        record = json.loads(event.value)
        known = {"event_id", "user_id", "event_type", "timestamp", "properties"}
        assert (set(record) - known != set()) == (event.category == "unknown_field")
        assert record["event_id"] == event.event_id
        assert record["user_id"] == event.user_id
        assert record["event_type"] == event.event_type
        assert record["timestamp"] == world.iso(event.event_time or 0)
        assert record["properties"] == json.loads(event.properties or "")
        assert event.key == (None if event.user_id is None else str(event.user_id).encode())


def test_record_timestamps_are_event_times_except_where_those_lie_in_the_future(shop: Shop) -> None:
    until = world.micros(shop.until)
    for event in shop.events:
        if event.event_time is not None and event.event_time <= until:
            assert event.timestamp_ms == event.event_time // 1000
        assert event.timestamp_ms <= until // 1000


def test_a_record_sent_twice_is_the_same_record(shop: Shop) -> None:
    seen: dict[str | None, Event] = {}
    for event in shop.events:
        if event.category == "duplicate":
            first = seen[event.event_id]
            assert (first.partition, first.key, first.value) == (event.partition, event.key, event.value)
        seen[event.event_id] = event


def test_keys_go_where_every_kafka_client_sends_them(shop: Shop) -> None:
    assert murmur2(b"21") & 0xFFFFFFFF == -973932308 & 0xFFFFFFFF  # from the tests of the Java client
    for event in shop.events:
        if event.key is not None:
            assert event.partition == (murmur2(event.key) & 0x7FFFFFFF) % PARTITIONS
    assert {event.partition for event in shop.events if event.key is None} == set(range(PARTITIONS))


def _routed(events: list[Event]) -> list[str]:
    return routings(
        [event.partition for event in events],
        [event.event_time for event in events],
        [event.timestamp_ms * 1000 for event in events],
    )


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), days=st.integers(1, 60), scale=st.sampled_from([0.001, 0.005, 0.02]))
def test_where_a_record_belongs_follows_from_what_a_reader_sees(seed: int, days: int, scale: float) -> None:
    events = simulate(seed, days=days, scale=scale, until=UNTIL).events
    assert _routed(events) == [event.routing for event in events]
    for event in events:
        if event.category == "late":
            assert event.routing == "late"
        elif event.category in {"good", "unknown_field", "future"}:
            assert event.routing == "main"


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), gaps=st.lists(st.integers(1, 3 * world.DAY), min_size=1, max_size=6))
def test_events_of_later_spans_are_late_only_when_they_are_meant_to_be(seed: int, gaps: list[int]) -> None:
    start = world.micros(UNTIL)
    at, everything, reached = start, list[Event](), dict[int, int]()
    for number, gap in enumerate(gaps):
        since, at = at, at + gap
        stream = Stream(Known([1, 2, 3], [0, 0, 0], 5), [], start, min(since, at - world.MINUTE), at, reached)
        everything += draw_events(world.stream(seed, number), stream, count=60, least=1)
        reached = _reached(everything)
    assert _routed(everything) == [event.routing for event in everything]
    assert all(event.routing == "main" for event in everything if event.category in {"good", "unknown_field", "future"})


def _reached(events: list[Event]) -> dict[int, int]:
    reached: dict[int, int] = {}
    for event in events:
        if event.event_time is not None and event.event_time - event.timestamp_ms * 1000 <= MAX_AHEAD:
            reached[event.partition] = max(reached.get(event.partition, 0), event.event_time)
    return reached


def test_some_events_stand_exactly_on_the_edge_of_being_late(shop: Shop) -> None:
    behind = []
    reached: dict[int, int] = {}
    for event in shop.events:
        if event.event_time is None:
            continue
        behind.append(reached.get(event.partition, event.event_time) - event.event_time)
        if event.event_time - event.timestamp_ms * 1000 <= MAX_AHEAD:
            reached[event.partition] = max(reached.get(event.partition, 0), event.event_time)
    assert behind.count(LATENESS) >= 3
    assert behind.count(LATENESS + 1) >= 3
