"""One pass over the whole lineage from the command line: what the schedule, the sensors and the ledger do over time."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

from dataeng_assets.orchestration.batch import batch_days
from dataeng_assets.orchestration.failed_partitions import NONE_FAILED
from dataeng_assets.orchestration.lake_upkeep import FILES_KEY
from dataeng_assets.orchestration.ledger.hold import HELD
from dataeng_assets.orchestration.ledger.plan import PlannedRun
from dataeng_assets.orchestration.ledger.sensor import LEDGER_RUN, plan_now
from dataeng_assets.orchestration.partitions import calendar, daily
from dataeng_assets.orchestration.pins import TAG as PINS
from dataeng_assets.orchestration.runs import AssetState, Notice, alone, asset_states, run_job

MOST_PLANS = 4
"""A plan follows one whose runs held back days, and one that had more ranges than it may ask for."""


def materialize(definitions: dg.Definitions, instance: dg.DagsterInstance, notice: Notice) -> tuple[AssetState, ...]:
    """Copy every source to bronze, rebuild what that touched, and run what hangs on it.

    Args:
        definitions: the code location.
        instance: where the runs are recorded.
        notice: is told what goes on, a line at a time.

    Returns:
        The state of every asset afterwards. It stops at the first run that fails.
    """
    results: list[dg.ExecuteInProcessResult] = []
    with alone(instance):
        for result in _results(definitions, instance, notice):
            results.append(result)
            if not result.success and not _held_back(instance, result):
                break
        states = tuple(asset_states(definitions, instance, results))
        if any(NONE_FAILED in state.failed for state in states):
            # a run that was killed leaves this check without a result, also where nothing is left to rebuild
            run_job(definitions.resolve_job_def("inventory"), instance, notice=notice)
            states = tuple(asset_states(definitions, instance, results))
    return states


def _held_back(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> bool:
    """Whether a failed run has said which days are bad, so that the others can go on without them."""
    run = instance.get_run_by_id(result.run_id)
    return run is not None and HELD in run.tags


def _results(
    definitions: dg.Definitions, instance: dg.DagsterInstance, notice: Notice
) -> Iterator[dg.ExecuteInProcessResult]:
    names = [job.name for job in definitions.resolve_all_job_defs()]
    for name in sorted(name for name in names if name.startswith("extract_")):
        days = batch_days(name.removeprefix("extract_"))
        notice(f"[bold]{name}[/] {days[0]} to {days[1]}")
        yield run_job(definitions.resolve_job_def(name), instance, notice=notice, days=days)
    for kind in ("stream_", "watch_"):
        for name in sorted(name for name in names if name.startswith(kind)):
            notice(f"[bold]{name}[/]")
            yield run_job(definitions.resolve_job_def(name), instance, notice=notice)
    yield from _rebuild(definitions, instance, notice)
    if not instance.get_latest_materialization_event(dg.AssetKey(FILES_KEY)):  # the nights' work, once
        notice("[bold]lake_upkeep[/]")
        yield run_job(definitions.resolve_job_def("lake_upkeep"), instance, notice=notice)


def _rebuild(
    definitions: dg.Definitions, instance: dg.DagsterInstance, notice: Notice
) -> Iterator[dg.ExecuteInProcessResult]:
    """Run what the ledger asks for until it asks for nothing; a failed run that held back days does not end it."""
    rebuilt: list[PlannedRun] = []
    for _ in range(MOST_PLANS):
        plan, pins = plan_now(instance)
        if not plan.runs:
            notice("Bronze holds nothing that is not rebuilt.")
            if plan.held:
                notice(f"[yellow]Held back by failed checks:[/yellow] {', '.join(plan.held)}")
            break
        for planned in plan.runs:
            notice(f"[bold]warehouse[/] {len(planned.assets)} assets{_days(planned)}")
            tags = {**LEDGER_RUN, PINS: json.dumps(pins)}
            job = definitions.resolve_job_def("warehouse")
            result = run_job(job, instance, notice=notice, assets=planned.assets, days=planned.days, tags=tags)
            yield result
            rebuilt += [planned] if result.success else []
    for following in _following(definitions, instance, rebuilt):
        if following.assets:
            notice(f"[bold]followers of gold[/] {len(following.assets)} assets{_days(following)}")
            job = definitions.resolve_implicit_global_asset_job_def()
            yield run_job(job, instance, notice=notice, assets=following.assets, days=following.days)


def _following(
    definitions: dg.Definitions, instance: dg.DagsterInstance, rebuilt: Iterable[PlannedRun]
) -> Iterator[PlannedRun]:
    """What hangs on each of the rebuilt; then, when that has run, what still was never made."""
    for planned in rebuilt:
        yield _followers(definitions, planned)
    yield _newcomers(definitions, instance)


def _followers(definitions: dg.Definitions, planned: PlannedRun) -> PlannedRun:
    """What has an automation condition and is made from what the run has rebuilt."""
    rebuilt = {dg.AssetKey(key) for key in planned.assets}
    graph = definitions.resolve_asset_graph()
    return PlannedRun(
        tuple(
            tuple(key.path)
            for key in _automated(graph)
            if key not in rebuilt and graph.get_ancestor_asset_keys(key) & rebuilt
        ),
        planned.days,
    )


def _newcomers(definitions: dg.Definitions, instance: dg.DagsterInstance) -> PlannedRun:
    """What has an automation condition and was never materialized: somebody has just added it. All of its days."""
    graph = definitions.resolve_asset_graph()
    new = [
        key
        for key in _automated(graph)
        if graph.get(key).partitions_def in (None, daily()) and not instance.get_latest_materialization_event(key)
    ]
    return PlannedRun(tuple(tuple(key.path) for key in new), calendar())


def _automated(graph: BaseAssetGraph[Any]) -> Iterator[dg.AssetKey]:
    return (key for key in graph.toposorted_asset_keys if graph.get(key).automation_condition)


def _days(planned: PlannedRun) -> str:
    return f", {planned.days[0]} to {planned.days[1]}" if planned.days else ""
