"""The change ledger through Dagster's real daemon: what changes in bronze arrives in gold, and nothing else runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import psycopg
import pytest
from whole_platform import Platform

from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.extract.plan import SourceTable, Window
from dataeng_assets.extract.run import TableReport, extract
from dataeng_assets.lake.views import create_views
from dataeng_assets.orchestration.ledger.sensor import LEDGER_RUN
from dataeng_assets.sample.schema import has_clock
from dataeng_assets.settings import ROOT

pytestmark = [pytest.mark.server, pytest.mark.crash, pytest.mark.timeout(5000)]

PATIENCE_SECONDS = 1200


@pytest.fixture(scope="module")
def daemon(platform: Platform) -> Iterator[Path]:
    platform.materialize()
    log = platform.home / "daemon.log"
    program = Path(sys.executable).with_name("dagster-daemon")
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(program), "run"], cwd=platform.home, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield log
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(15)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        _end_runs(platform.home)


def _end_runs(home: Path) -> None:
    """Runs are sessions of their own: end what was started from this home."""
    subprocess.run(["pkill", "-KILL", "-f", str(home)], check=False)


def eventually(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time; the daemon said:\n" + log.read_text()[-4000:])
        time.sleep(2)


def ask(platform: Platform, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_views(connection, platform.lake)
        return connection.execute(query, list(values)).fetchall()


def read_the_shop_and_crash_before_the_ledger(platform: Platform) -> tuple[TableReport, ...]:
    """What a run does up to the commit of bronze, and nothing after it."""
    contracts = load_contracts(ROOT / "dataeng_assets" / "defs" / "shop" / "contracts")
    tables = [
        SourceTable(contract, "shop", "updated_at" if has_clock(name) else None, ("bronze", "shop", name))
        for name, contract in contracts.items()
    ]
    return extract(platform.url, tables, platform.lake, Window(None, None), run_id="crashed")


def ledger_runs(platform: Platform) -> list[str]:
    runs = platform.instance.get_runs(filters=dg.RunsFilter(tags=LEDGER_RUN))
    return [run.run_id for run in runs]


@dataclass
class Story:
    """What one test leaves for the next: a transaction that is still open, and the order that was placed meanwhile."""

    late: psycopg.Connection[Any]
    placed: int = 0
    joined_to: str = ""


@pytest.fixture(scope="module")
def story(platform: Platform) -> Iterator[Story]:
    with psycopg.connect(platform.url) as late:
        yield Story(late)


def ship_an_old_order(connection: psycopg.Connection[Any]) -> int:
    (order,) = connection.execute(
        "select order_id from shop.orders where status not in ('shipped', 'returned') and ordered_at < %s "
        "order by ordered_at desc limit 1",
        [datetime.now(UTC) - timedelta(days=10)],
    ).fetchone() or (0,)
    connection.execute("update shop.orders set status = 'shipped', shipped_at = now() where order_id = %s", [order])
    return int(order)


def place_an_order_while_its_customer_moves(connection: psycopg.Connection[Any], story: Story) -> None:
    order, customer = connection.execute(
        "select order_id, customer_id from shop.orders order by order_id desc limit 1"
    ).fetchone() or (0, 0)
    # its clock stands from here on, before the order
    story.late.execute("update shop.customers set city = 'Lateville' where customer_id = %s", [customer])
    (story.placed,) = connection.execute(
        "insert into shop.orders "
        "(order_ref, customer_id, status, currency, total_amount, shipping_address, ordered_at) "
        "select gen_random_uuid(), customer_id, 'placed', currency, 12.34, shipping_address, now() "
        "from shop.orders where order_id = %s returning order_id",
        [order],
    ).fetchone() or (0,)


def test_an_order_of_ten_days_ago_that_ships_today_is_right_although_the_extract_crashed_before_the_ledger(
    platform: Platform, daemon: Path, story: Story
) -> None:
    with psycopg.connect(platform.url, autocommit=True) as connection:
        shipped = ship_an_old_order(connection)
        place_an_order_while_its_customer_moves(connection, story)
    read_the_shop_and_crash_before_the_ledger(platform)

    def is_in_gold() -> bool:
        found = ask(
            platform,
            "select order_status, customer_key from gold.fct_orders where order_id in (?, ?) order by order_id",
            shipped,
            story.placed,
        )
        story.joined_to = found[-1][1] if found else ""
        return [status for status, _ in found] == ["shipped", "placed"]

    eventually(is_in_gold, daemon)


def test_an_order_whose_customer_version_arrived_late_is_joined_to_it_and_what_follows_gold_follows(
    platform: Platform, daemon: Path, story: Story
) -> None:
    story.late.commit()
    reports = read_the_shop_and_crash_before_the_ledger(platform)
    assert {report.key[-1]: report.rows_appended for report in reports}["customers"] == 1

    def is_joined_to_the_late_version() -> bool:
        found = ask(platform, "select customer_key from gold.fct_orders where order_id = ?", story.placed)
        return found not in ([], [(story.joined_to,)])

    eventually(is_joined_to_the_late_version, daemon)
    from_gold = "select order_day, order_status, count(*) from gold.fct_orders group by all order by all"
    followed = "select order_day, order_status, orders from gold.daily_order_status order by all"
    eventually(lambda: ask(platform, from_gold) == ask(platform, followed), daemon)


def test_where_nothing_changed_nothing_runs(platform: Platform, daemon: Path) -> None:
    def is_quiet() -> bool:
        runs = platform.instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        return not runs

    eventually(is_quiet, daemon)
    before = ledger_runs(platform)
    read_the_shop_and_crash_before_the_ledger(platform)
    time.sleep(40)  # two ticks of the sensor, and the start of a run
    assert ledger_runs(platform) == before
