"""Ten days in the life of a company: whatever happens, the tables hold what truly happened, and so does a rebuild.

Each day visitors come, and the shop lives on; on each of them something goes wrong, or is done by hand. Postgres, Kafka
and all processes are real, and are really killed.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from equals_truth import assert_equals_truth, contents
from whole_platform import Platform, platform_at

from dataeng_assets.components.kafka_topic import find_stream
from dataeng_assets.local import process, services
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.partitions import newest_day
from dataeng_assets.orchestration.runs import run_job
from dataeng_assets.sample.late import late_transactions
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.verify import verify

pytestmark = [pytest.mark.interop, pytest.mark.timeout(5000)]

LIVE_SECONDS = 4
LIVE = [str(Path(sys.executable).with_name("dataeng")), "sample", "live", "--rate", "40"]
ONE_PASS = [sys.executable, str(Path(__file__).with_name("one_pass.py"))]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with servers of its own, to be killed."""
    home = tmp_path_factory.mktemp("a company")
    found = services.up(home / ".dataeng")
    try:
        with platform_at(home, found.postgres_url, found.kafka_bootstrap, days=20, scale=0.01) as platform:
            yield platform
    finally:
        services.down(home / ".dataeng")


@contextmanager
def visitors(platform: Platform) -> Iterator[None]:
    """The shop lives, change by change, in a process of its own, which is asked to end after the block."""
    log = platform.home / "live.log"
    with log.open("a") as output:
        live = subprocess.Popen(LIVE, stdout=output, stderr=output, cwd=ROOT)
    try:
        yield
    finally:
        live.send_signal(signal.SIGINT)
        assert live.wait(60) == 0, log.read_text()[-2000:]


def killed_at(step: str) -> Callable[[Platform], None]:
    """A pass that is killed, with everything it has started, as soon as a step has begun."""

    def kill(platform: Platform) -> None:
        one_pass = subprocess.Popen(
            ONE_PASS, stdout=subprocess.PIPE, text=True, cwd=platform.home, start_new_session=True
        )
        said = []
        for line in one_pass.stdout or ():
            said.append(line)
            if line.startswith(f"{step} "):
                break
        assert one_pass.poll() is None, "the pass ended before the step began:\n" + "".join(said)
        os.killpg(one_pass.pid, signal.SIGKILL)
        one_pass.wait()

    return kill


def postgres_is_killed(platform: Platform) -> None:
    _kill_server(platform, "postgres")


def kafka_is_killed(platform: Platform) -> None:
    _kill_server(platform, "kafka")


def _kill_server(platform: Platform, name: str) -> None:
    home = (platform.state / name).resolve()
    running = process.record(home)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    assert process.wait_until(lambda: not process.lives(home), 60), "its children end by themselves"
    with pytest.MonkeyPatch.context() as patch:  # for the platform they are outside servers: nobody starts them for it
        patch.delenv(services.POSTGRES_URL)
        patch.delenv(services.KAFKA_BOOTSTRAP)
        services.up(platform.state)


def a_column_is_renamed_for_one_pass(platform: Platform) -> None:
    """The table that no longer is what its contract says is refused by name, and everything below waits."""
    platform.notices.clear()
    with psycopg.connect(platform.url, autocommit=True) as source:
        source.execute("alter table shop.customers rename column city to town")
        materialize(platform.definitions(), platform.instance, platform.notices.append)
        source.execute("alter table shop.customers rename column town to city")
    assert any("column city is missing" in notice and "town" in notice for notice in platform.notices)


def a_column_is_added_for_one_pass(platform: Platform) -> None:
    """What the contract does not name loses nothing: it is reported, and everything else goes on."""
    with psycopg.connect(platform.url, autocommit=True) as source:
        source.execute("alter table shop.customers add column loyalty_points integer")
        states = materialize(platform.definitions(), platform.instance, platform.notices.append)
        source.execute("alter table shop.customers drop column loyalty_points")
    failed = {(state.key, name) for state in states for name in state.failed}
    assert failed == {("bronze.shop.customers", "source_matches_contract")}


def ten_days_are_backfilled(platform: Platform) -> None:
    days = (newest_day() - timedelta(days=15), newest_day() - timedelta(days=6))
    for job in ("extract_shop", "warehouse"):
        definition = platform.definitions().resolve_job_def(job)
        assert run_job(definition, platform.instance, notice=print, days=days).success


def nothing_happens(platform: Platform) -> None:
    """A day like any other."""


# what happens on the day, and whether transactions are open while the shop is copied: they would keep a column from
# being renamed, and do not outlive the server
INCIDENTS: list[tuple[Callable[[Platform], None], bool]] = [
    (killed_at("shop_tables"), True),
    (killed_at("drain_user_events"), True),
    (killed_at("dbt_models"), True),
    (killed_at("gold__fct_order_items"), True),
    (postgres_is_killed, False),
    (kafka_is_killed, True),
    (a_column_is_added_for_one_pass, False),
    (a_column_is_renamed_for_one_pass, False),
    (ten_days_are_backfilled, True),
    (nothing_happens, True),
]


def test_ten_days_in_the_life_of_a_company(company: Platform) -> None:
    extracted = [company.commit_reached()]
    company.materialize()
    for incident, are_open in INCIDENTS:
        with visitors(company):
            time.sleep(LIVE_SECONDS)
        company.tick()
        extracted.append(company.commit_reached())
        with late_transactions(company.url, truth=company.truth.folder, count=3 if are_open else 0):
            incident(company)
            company.materialize()
    extracted.append(company.commit_reached())
    company.materialize()
    assert verify(*find_stream("user_events")).holds
    assert_equals_truth(company, extracted)

    before = contents()
    for path in company.state.glob("warehouse*"):
        path.unlink()
    for layer in ("gold", "silver", "ledger"):
        shutil.rmtree(company.state / "lake" / layer)
    company.materialize()
    assert contents() == before
