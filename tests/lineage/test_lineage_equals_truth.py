"""The whole lineage against real servers, compared with what truly happened. The tests tell one story, in order."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from equals_truth import assert_equals_truth, contents, rows
from whole_platform import Platform

from dataeng_assets.orchestration.ledger.sensor import plan_now
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.partitions import newest_day
from dataeng_assets.orchestration.query import open_layers
from dataeng_assets.orchestration.runs import run_job
from dataeng_assets.sample.schema import TABLES

pytestmark = [pytest.mark.server, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def extracted() -> list[int]:
    """The newest commit of the truth at each extract."""
    return []


def bronze_versions(platform: Platform) -> dict[str, int]:
    with open_layers(notice=print) as connection:
        return {table: rows(connection, f"select count(*) from bronze_shop.{table}")[0][0] for table in TABLES}


def test_after_the_fill_every_table_equals_the_truth(platform: Platform, extracted: list[int]) -> None:
    extracted.append(platform.commit_reached())
    platform.materialize()
    assert_equals_truth(platform, extracted)
    with open_layers(notice=print) as connection:
        reasons = {
            reason for (reason,) in rows(connection, "select reason from bronze_events.user_events_dead_letters")
        }
    assert {"rule:one_of__event_type", "not_json"} <= reasons, "else nothing was compared of what is set aside"


def test_a_second_pass_appends_nothing_and_rebuilds_nothing(platform: Platform) -> None:
    before, versions = contents(), bronze_versions(platform)
    platform.notices.clear()
    platform.materialize()
    assert bronze_versions(platform) == versions
    assert contents() == before
    assert any("nothing that is not rebuilt" in notice for notice in platform.notices)


def test_after_three_ticks_with_late_commits_every_table_equals_the_truth(
    platform: Platform, extracted: list[int]
) -> None:
    for _ in range(3):
        assert platform.tick().late_commits
        extracted.append(platform.commit_reached())
        platform.materialize()
    assert_equals_truth(platform, extracted)


def test_a_backfill_of_30_days_changes_nothing(platform: Platform, extracted: list[int]) -> None:
    before, versions = contents(), bronze_versions(platform)
    days = (newest_day() - timedelta(days=40), newest_day() - timedelta(days=11))
    definitions = platform.definitions()
    for job in ("extract_shop", "warehouse"):
        result = run_job(definitions.resolve_job_def(job), platform.instance, notice=print, days=days)
        assert result.success
    assert bronze_versions(platform) == versions
    assert contents() == before
    assert plan_now(platform.instance)[0].runs == ()


def test_a_rebuild_from_nothing_gives_the_same_tables(platform: Platform, extracted: list[int]) -> None:
    before = contents()
    for path in platform.state.glob("warehouse*"):
        path.unlink()
    for layer in ("gold", "silver", "ledger"):
        shutil.rmtree(platform.state / "lake" / layer)
    platform.materialize()
    assert contents() == before
    assert_equals_truth(platform, extracted)


def test_a_deleted_instance_loses_nothing(platform: Platform, tmp_path: Path) -> None:
    before, versions = contents(), bronze_versions(platform)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        states = {state.key: state for state in materialize(platform.definitions(), instance, print)}
    assert states["gold.daily_order_status"].is_green, "what this instance has never made is made for all days"
    assert bronze_versions(platform) == versions
    assert contents() == before


def test_only_the_touched_days_are_asked_for(platform: Platform, extracted: list[int]) -> None:
    platform.tick()
    extracted.append(platform.commit_reached())
    definitions = platform.definitions()
    days = (newest_day() - timedelta(days=1), newest_day())
    assert run_job(definitions.resolve_job_def("extract_shop"), platform.instance, notice=print, days=days).success
    plan, pins = plan_now(platform.instance)
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
