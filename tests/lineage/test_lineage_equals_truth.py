"""The whole lineage against real servers, compared with what truly happened. The tests tell one story, in order."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from expected import TRACKED, customer_history, tier_at, windows
from whole_platform import Platform

from dataeng_assets.orchestration.ledger.sensor import plan_now
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.partitions import newest_day
from dataeng_assets.orchestration.query import open_layers
from dataeng_assets.orchestration.runs import run_job

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]

SIDES = {"main": "", "late": "_late", "dead_letter": "_dead_letters"}
MARTS = ("marts.dim_customers", "marts.fct_orders", "marts.agg_daily_revenue", "gold.fct_orders",
         "gold.daily_order_status", "silver_events.user_events_5m")  # fmt: skip


@pytest.fixture(scope="module")
def extracted() -> list[int]:
    """The newest commit of the truth at each extract."""
    return []


@pytest.fixture
def layers(platform: Platform) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_layers(notice=print) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def contents(platform: Platform) -> dict[str, list[tuple[Any, ...]]]:
    with open_layers(notice=print) as connection:
        return {name: rows(connection, f"from {name} order by all") for name in MARTS}


def bronze_versions(platform: Platform) -> dict[str, int]:
    with open_layers(notice=print) as connection:
        tables = ("customers", "products", "orders")
        return {table: rows(connection, f"select count(*) from bronze_shop.{table}")[0][0] for table in tables}


def assert_equals_truth(platform: Platform, extracted: list[int]) -> None:
    with open_layers(notice=print) as connection:
        _assert_bronze(platform, connection)
        _assert_history(platform, connection, extracted)
        _assert_facts(platform, connection, extracted)
        _assert_events(platform, connection)


def _assert_bronze(platform: Platform, connection: duckdb.DuckDBPyConnection) -> None:
    for table, key in (("customers", "customer_id"), ("products", "product_id"), ("orders", "order_id")):
        truth = platform.truth.current(table)
        newest = connection.sql(
            f"select {', '.join(truth.column_names)} from bronze_shop.{table} "
            f"qualify row_number() over (partition by {key} order by _extracted_at desc) = 1 order by {key}"
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


def _assert_facts(platform: Platform, connection: duckdb.DuckDBPyConnection, extracted: list[int]) -> None:
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


def _assert_events(platform: Platform, connection: duckdb.DuckDBPyConnection) -> None:
    events = platform.truth.events().to_pylist()
    for side, suffix in SIDES.items():
        found = rows(connection, f"select _kafka_partition, _kafka_offset from bronze_events.user_events{suffix}")
        assert sorted(found) == [
            (event["partition"], event["offset"]) for event in events if event["routing"] == side
        ], side
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


def test_after_the_fill_every_table_equals_the_truth(platform: Platform, extracted: list[int]) -> None:
    extracted.append(platform.commit_reached())
    platform.materialize()
    assert_equals_truth(platform, extracted)


def test_a_second_pass_appends_nothing_and_rebuilds_nothing(platform: Platform) -> None:
    before, versions = contents(platform), bronze_versions(platform)
    platform.notices.clear()
    platform.materialize()
    assert bronze_versions(platform) == versions
    assert contents(platform) == before
    assert any("Nothing has changed" in notice for notice in platform.notices)


def test_after_three_ticks_with_late_commits_every_table_equals_the_truth(
    platform: Platform, extracted: list[int]
) -> None:
    for _ in range(3):
        assert platform.tick().late_commits
        extracted.append(platform.commit_reached())
        platform.materialize()
    assert_equals_truth(platform, extracted)


def test_a_backfill_of_30_days_changes_nothing(platform: Platform, extracted: list[int]) -> None:
    before, versions = contents(platform), bronze_versions(platform)
    days = (newest_day() - timedelta(days=40), newest_day() - timedelta(days=11))
    definitions = platform.definitions()
    for job in ("extract_shop", "warehouse"):
        result = run_job(definitions.resolve_job_def(job), platform.instance, notice=print, days=days)
        assert result.success
    assert bronze_versions(platform) == versions
    assert contents(platform) == before
    assert plan_now()[0].runs == ()


def test_a_rebuild_from_nothing_gives_the_same_tables(platform: Platform, extracted: list[int]) -> None:
    before = contents(platform)
    for path in platform.state.glob("warehouse*"):
        path.unlink()
    for layer in ("gold", "silver", "ledger"):
        shutil.rmtree(platform.state / "lake" / layer)
    platform.materialize()
    assert contents(platform) == before
    assert_equals_truth(platform, extracted)


def test_a_deleted_instance_loses_nothing(platform: Platform, tmp_path: Path) -> None:
    before, versions = contents(platform), bronze_versions(platform)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        materialize(platform.definitions(), instance, print)
    assert bronze_versions(platform) == versions
    assert contents(platform) == before


def test_only_the_touched_days_are_asked_for(platform: Platform, extracted: list[int]) -> None:
    platform.tick()
    extracted.append(platform.commit_reached())
    definitions = platform.definitions()
    days = (newest_day() - timedelta(days=1), newest_day())
    assert run_job(definitions.resolve_job_def("extract_shop"), platform.instance, notice=print, days=days).success
    plan, pins = plan_now()
    asked = {day for run in plan.runs if run.days for day in _days(*run.days)}
    seen = extracted[-2]
    touched = {
        version["ordered_at"].date()
        for version in platform.truth.versions("orders").to_pylist()
        if version["_commit"] > seen
    }
    assert touched <= asked
    assert 0 < len(plan.runs) <= 3
    assert pins["bronze.shop.orders"] == platform.lake.open(("bronze", "shop", "orders")).version()
    platform.materialize()
    assert_equals_truth(platform, extracted)


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
