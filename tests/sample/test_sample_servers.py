import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from sample_shop import Shop, assert_truth_is_true, table_of, versions_after

from dataeng_assets.sample import SampleError, schema, state, topic
from dataeng_assets.sample.events import PARTITIONS
from dataeng_assets.sample.late import late_transactions
from dataeng_assets.sample.truth import TruthError, Writing

pytestmark = pytest.mark.server


def test_a_fill_writes_what_its_truth_says(shop: Shop) -> None:
    report = shop.fill()
    assert report.filled
    assert [report.rows[table] for table in ("customers", "products", "orders")] == [100, 10, 1_200]
    assert report.rows == {table: shop.truth.current(table).num_rows for table in schema.TABLES}
    assert 5_000 < report.events < 5_100
    assert shop.truth.events().num_rows == report.events
    assert_truth_is_true(shop)


def test_a_second_fill_changes_nothing(shop: Shop) -> None:
    first = shop.fill()
    tables, ends = [table_of(shop, table) for table in schema.TABLES], topic.ends(shop.bootstrap, shop.topic)
    files = {file: file.stat().st_mtime_ns for file in shop.folder.rglob("*")}
    second = shop.fill()
    assert (first.filled, second.filled) == (True, False)
    assert replace(first, filled=False, seconds=0) == replace(second, seconds=0)
    assert [table_of(shop, table) for table in schema.TABLES] == tables
    assert topic.ends(shop.bootstrap, shop.topic) == ends
    assert {file: file.stat().st_mtime_ns for file in shop.folder.rglob("*")} == files


def test_two_fills_with_the_same_seed_and_end_write_the_same(shop: Shop, topic_name: str, tmp_path: Path) -> None:
    until = datetime(2026, 11, 1, 12, tzinfo=UTC)
    shop.fill(until=until)
    first = [shop.truth.current(table) for table in schema.TABLES], shop.truth.events()
    shop.fill(until=until, anew=True)
    assert ([shop.truth.current(table) for table in schema.TABLES], shop.truth.events()) == first
    assert_truth_is_true(shop)


def test_the_first_day_is_recorded_beside_the_lines_that_are_there(shop: Shop, state: Path) -> None:
    addresses = state / "local.env"
    addresses.write_text("DATAENG_POSTGRES_URL=postgresql://x\nDATAENG_FIRST_DAY=1999-01-01\nOTHER=1\n")
    addresses.chmod(0o600)
    report = shop.fill(days=10)
    lines = addresses.read_text().splitlines()
    assert lines == ["DATAENG_POSTGRES_URL=postgresql://x", "OTHER=1", f"DATAENG_FIRST_DAY={report.first_day}"]
    assert addresses.stat().st_mode & 0o777 == 0o600
    assert report.first_day == (datetime.now(UTC) - timedelta(days=10)).date()
    assert list(state.iterdir()) == [addresses]


def test_the_topic_keeps_its_records_for_ever(shop: Shop) -> None:
    shop.fill()
    admin = KafkaAdminClient(bootstrap_servers=shop.bootstrap)
    try:
        configs = admin.describe_configs([ConfigResource("TOPIC", shop.topic)])
    finally:
        admin.close()
    assert "'retention.ms'" in str(configs)
    assert json.dumps(configs, default=str).count('"-1"') >= 1
    assert set(topic.ends(shop.bootstrap, shop.topic) or {}) == set(range(PARTITIONS))


KILLED = """
import os, signal, sys
from pathlib import Path
from dataeng_assets.sample.fill import fill
from dataeng_assets.sample.tick import tick

url, bootstrap, topic, folder, what, step = sys.argv[1:]

def progress(found, done, total):
    if found == step and done:
        os.kill(os.getpid(), signal.SIGKILL)

if what == "fill":
    fill(url, bootstrap, truth=Path(folder), topic=topic, scale=0.02, progress=progress)
else:
    tick(url, bootstrap, truth=Path(folder), progress=progress)
"""


def killed(shop: Shop, what: str, step: str) -> None:
    command = [sys.executable, "-c", KILLED, shop.url, shop.bootstrap, shop.topic, str(shop.folder), what, step]
    assert subprocess.run(command, env=os.environ, timeout=120).returncode == -signal.SIGKILL


@pytest.mark.crash
@pytest.mark.parametrize("step", ["simulate", "tables", "events"])
def test_a_killed_fill_starts_over(shop: Shop, step: str) -> None:
    killed(shop, "fill", step)
    report = shop.fill()
    assert report.filled
    assert sum((topic.ends(shop.bootstrap, shop.topic) or {}).values()) == report.events
    assert_truth_is_true(shop)


@pytest.mark.crash
def test_after_a_killed_tick_the_truth_says_that_it_is_not_complete(shop: Shop) -> None:
    shop.fill()
    killed(shop, "tick", "tables")
    with pytest.raises(TruthError, match="--anew"):
        shop.truth.versions("orders")
    with pytest.raises(TruthError):
        shop.tick()
    assert not shop.fill().filled
    assert shop.fill(anew=True).filled
    shop.tick()
    assert_truth_is_true(shop)


def test_a_schema_that_is_no_sample_is_left_alone(shop: Shop) -> None:
    with psycopg.connect(shop.url) as connection:
        connection.execute(
            "create schema shop; create table shop.precious (id int); insert into shop.precious values (1)"
        )
    for anew in (False, True):
        with pytest.raises(SampleError, match="no sample"):
            shop.fill(anew=anew)
    with psycopg.connect(shop.url) as connection:
        assert connection.execute("select count(*) from shop.precious").fetchone() == (1,)
    assert topic.ends(shop.bootstrap, shop.topic) is None


def test_a_topic_that_holds_other_records_is_left_alone_unless_asked(shop: Shop) -> None:
    topic.recreate(shop.bootstrap, shop.topic)
    event = life_event()
    assert topic.send(shop.bootstrap, shop.topic, [event, event]) == [0, 1]
    with pytest.raises(SampleError, match="no fill of this database"):
        shop.fill()
    assert sum((topic.ends(shop.bootstrap, shop.topic) or {}).values()) == 2
    assert shop.fill(anew=True).filled


def life_event() -> Any:
    from dataeng_assets.sample.history import simulate

    return simulate(1, days=1, scale=0.001, until=datetime(2026, 11, 1, tzinfo=UTC)).events[0]


def test_another_shop_is_not_replaced_unasked(shop: Shop) -> None:
    shop.fill()
    before = table_of(shop, "orders")
    for asked in ({"seed": 5}, {"scale": 0.03}, {"days": 20}, {"until": datetime(2026, 1, 1, tzinfo=UTC)}):
        with pytest.raises(SampleError, match="another sample shop"):
            shop.fill(**asked)
    assert table_of(shop, "orders") == before


def test_a_shop_of_which_something_is_gone_is_an_error_that_names_it(shop: Shop) -> None:
    shop.fill()
    topic.recreate(shop.bootstrap, shop.topic)
    with psycopg.connect(shop.url) as connection:
        connection.execute("drop table shop.orders")
    with pytest.raises(SampleError, match=r"the table shop.orders, records of the topic"):
        shop.fill()


def test_a_past_that_ends_in_the_future_is_refused(shop: Shop) -> None:
    with pytest.raises(SampleError, match="future"):
        shop.fill(until=datetime.now(UTC) + timedelta(hours=1))


def test_a_tick_without_a_fill_is_refused(shop: Shop) -> None:
    with pytest.raises(SampleError, match="sample fill"):
        shop.tick()


def test_after_ticks_the_truth_is_still_the_tables_and_the_topic(shop: Shop) -> None:
    shop.fill()
    for days in (1, 2, 1):
        report = shop.tick(days=days)
        assert report.late_commits == 3
        assert_truth_is_true(shop)
    assert report.ticks == 4
    found = set(shop.truth.events()["category"].to_pylist())
    assert found == {"good", "late", "malformed", "duplicate", "unknown_field", "future"}


def test_a_tick_happens_now(shop: Shop) -> None:
    shop.fill()
    before = datetime.now(UTC)
    shop.tick()
    after = datetime.now(UTC)
    for table in schema.TABLES:
        changed = [row for row in versions_after(shop, table, 1) if not row["_is_deleted"]]
        assert changed
        if schema.has_clock(table):
            assert all(before <= row["updated_at"] <= after for row in changed)
    orders = versions_after(shop, "orders", 1)
    assert all(before - timedelta(hours=7) <= row["ordered_at"] <= after for row in orders if row["order_id"] > 1_200)
    assert any(row["order_id"] <= 1_200 for row in orders)


def test_orders_move_on_by_the_steps_of_the_shop(shop: Shop) -> None:
    shop.fill()
    shop.tick(days=3)
    after: dict[str, set[str]] = {
        "placed": {"paid", "cancelled"},
        "paid": {"shipped", "cancelled"},
        "shipped": {"delivered"},
        "delivered": {"returned"},
    }
    status: dict[int, str] = {}
    twice = 0
    for row in shop.truth.versions("orders").to_pylist():
        former = status.get(row["order_id"])
        if former is not None and row["status"] not in after[former]:
            twice += 1  # two steps in one transaction leave one version
            assert any(row["status"] in after.get(step, ()) for step in after[former])
        status[row["order_id"]] = row["status"]
    assert twice < 40


def test_late_transactions_commit_after_others_that_began_later(shop: Shop) -> None:
    shop.fill()
    shop.tick()
    versions = [row for table in schema.TABLES for row in versions_after(shop, table, 1)]
    late = [row for row in versions if row["_is_late"]]
    others = [row for row in versions if not row["_is_late"]]
    assert len({row["_commit"] for row in late}) == 3
    assert min(row["_commit"] for row in late) > max(row["_commit"] for row in others)
    written = [[row["updated_at"] for row in rows if "updated_at" in row] for rows in (late, others)]
    assert max(written[0]) < min(written[1])
    late_orders = {row["order_id"] for row in versions_after(shop, "orders", 1) if row["_is_late"]}
    assert min(late_orders - set(range(1_201))) < max(row.get("order_id", 0) for row in others)


def test_customers_who_move_in_a_late_transaction_have_ordered_before_it_committed(shop: Shop) -> None:
    shop.fill()
    shop.tick()
    moved = {row["customer_id"]: row for row in versions_after(shop, "customers", 1) if row["_is_late"]}
    orders = [row for row in versions_after(shop, "orders", 1) if row["customer_id"] in moved and not row["_is_late"]]
    after_the_move = [row for row in orders if row["ordered_at"] >= moved[row["customer_id"]]["updated_at"]]
    assert {row["customer_id"] for row in after_the_move} == set(moved)
    assert all(row["_commit"] < moved[row["customer_id"]]["_commit"] for row in orders)


def test_held_transactions_are_not_seen_until_they_commit(shop: Shop) -> None:
    shop.fill()
    with late_transactions(shop.url, truth=shop.folder, count=4) as late:
        assert len(late) == 4
        assert len(late.customers) == 4
        before = [table_of(shop, table) for table in schema.TABLES]
        shop.tick()
        during = {table: shop.truth.current(table) for table in schema.TABLES}
        assert before != list(during.values())
        assert_truth_is_true(shop)
        versions = late.commit()
        assert late.commit() == ()
    assert {version.commit for version in versions} == {version.commit for version in versions if version.is_late}
    assert len({version.commit for version in versions}) == 4
    assert_truth_is_true(shop)
    for table in ("customers", "orders"):
        assert not shop.truth.current(table).equals(during[table])
        assert shop.truth.current(table, min(version.commit for version in versions) - 1).equals(during[table])


def test_held_transactions_are_rolled_back_when_the_test_fails(shop: Shop) -> None:
    shop.fill()
    before = [table_of(shop, table) for table in schema.TABLES]
    with pytest.raises(ZeroDivisionError), late_transactions(shop.url, truth=shop.folder):
        raise ZeroDivisionError
    assert [table_of(shop, table) for table in schema.TABLES] == before
    assert_truth_is_true(shop)


def test_ticks_are_a_pure_function_of_seed_number_and_instant(shop: Shop) -> None:
    until = datetime.now(UTC) - timedelta(days=3)
    instants = [until + timedelta(hours=30), until + timedelta(hours=50)]
    lives = []
    for _ in range(2):
        shop.fill(until=until, anew=True)
        for at in instants:
            shop.tick(at=at)
        known = {table: shop.truth.versions(table) for table in schema.TABLES}
        clocks = {table: ["updated_at"] if schema.has_clock(table) else [] for table in schema.TABLES}
        versions = [known[table].drop_columns(clocks[table]) for table in schema.TABLES]
        lives.append((versions, shop.truth.events()))
    assert lives[0] == lives[1]
    with pytest.raises(SampleError, match="later instant"):
        shop.tick(at=instants[0])


def test_what_is_being_committed_makes_the_truth_unreadable_for_that_long(shop: Shop) -> None:
    shop.fill()
    with Writing(shop.folder, "test"), pytest.raises(TruthError):
        shop.truth.current("orders")
    assert shop.truth.current("orders").num_rows == 1_200


def test_reserved_rows_change_in_late_transactions_only(shop: Shop) -> None:
    shop.fill()
    shop.tick(days=3)
    for table in ("customers", "orders"):
        (key,) = schema.key_of(table)
        known = shop.truth.current(table, 1).num_rows
        changed = [row for row in versions_after(shop, table, 1) if row[key] <= known]
        assert all((row[key] % state.RESERVED == 0) == row["_is_late"] for row in changed)
