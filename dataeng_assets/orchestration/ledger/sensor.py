"""The ledger's requests to Dagster: what waits, as runs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.dbt import targets
from dataeng_assets.orchestration.in_flight import run_in_flight
from dataeng_assets.orchestration.ledger.cover import cover, up_to
from dataeng_assets.orchestration.ledger.doubt import settled_versions, withhold
from dataeng_assets.orchestration.ledger.entries import waiting
from dataeng_assets.orchestration.ledger.hold import HELD
from dataeng_assets.orchestration.ledger.plan import Plan, plan_runs
from dataeng_assets.orchestration.partitions import calendar, range_tags
from dataeng_assets.orchestration.pins import TAG as PINS
from dataeng_assets.orchestration.pins import newest

TAG = "dataeng/ledger"
LEDGER_RUN = {TAG: "warehouse"}
_FIRST_WAIT = timedelta(seconds=60)
_LONGEST_WAIT = timedelta(hours=1)


def plan_now(instance: dg.DagsterInstance) -> tuple[Plan, dict[str, int]]:
    """Cover what is missing, and plan what waits; with the bronze versions that the runs shall read.

    What a run has brought that has not ended yet is left for later: it has not been judged.
    """
    lake = Lake.current()
    found = newest(lake)
    limits = settled_versions(lake, instance, found)
    pins = up_to(found, limits)
    cover(lake, targets(), run_id="ledger", limits=limits)
    return plan_runs(targets(), withhold(targets(), waiting(lake), pins), *calendar()), pins


def requests(instance: dg.DagsterInstance) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """The runs that handle what waits; a reason when there are none."""
    under_way = run_in_flight(instance, TAG, LEDGER_RUN[TAG])
    if under_way:
        yield dg.SkipReason(f"Run {under_way} is rebuilding the warehouse.")
        return
    until = _wait_after_failures(instance)
    if until > datetime.now(UTC):
        yield dg.SkipReason(f"The last run of the warehouse failed. Asking again at {until:%H:%M:%S} UTC.")
        return
    plan, pins = plan_now(instance)
    if not plan.runs:
        outside = [*plan.early, *plan.future]
        also = f" {len(outside)} touched days have no partition: {outside[0]} to {outside[-1]}." if outside else ""
        yield dg.SkipReason(f"Nothing that may be built has changed.{_held(plan)}{also}")
        return
    for run in plan.runs:
        yield dg.RunRequest(
            asset_selection=[dg.AssetKey(key) for key in run.assets],
            tags={**LEDGER_RUN, PINS: json.dumps(pins), **(range_tags(*run.days) if run.days else {})},
        )


def _held(plan: Plan) -> str:
    if not plan.held:
        return ""
    return f" Held back by failed checks: {', '.join(plan.held)}; the checks of bronze and of the models say why."


def _wait_after_failures(instance: dg.DagsterInstance) -> datetime:
    """When to ask again: longer after each failure in a row, so that a broken model is not built without end."""
    records = instance.get_run_records(filters=dg.RunsFilter(tags=LEDGER_RUN), limit=8)
    failed = 0
    for record in records:
        run = record.dagster_run
        if run.status != dg.DagsterRunStatus.FAILURE or HELD in run.tags:
            break
        failed += 1
    if not failed:
        return datetime.min.replace(tzinfo=UTC)
    ended = datetime.fromtimestamp(records[0].end_time or 0, UTC)
    wait = _FIRST_WAIT.total_seconds() * 2 ** (failed - 1)
    return ended + min(timedelta(seconds=wait), _LONGEST_WAIT)
