"""One pass over the whole lineage from the command line: what the schedule, the sensors and the ledger do over time."""

import json
from collections.abc import Iterator

import dagster as dg

from dataeng_assets.orchestration.batch import batch_days
from dataeng_assets.orchestration.ledger.plan import PlannedRun
from dataeng_assets.orchestration.ledger.sensor import LEDGER_RUN, plan_now
from dataeng_assets.orchestration.pins import TAG as PINS
from dataeng_assets.orchestration.runs import AssetState, Notice, alone, asset_states, run_job


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
            if not result.success:
                break
    return tuple(asset_states(definitions, instance, results))


def _results(
    definitions: dg.Definitions, instance: dg.DagsterInstance, notice: Notice
) -> Iterator[dg.ExecuteInProcessResult]:
    names = [job.name for job in definitions.resolve_all_job_defs()]
    for name in sorted(name for name in names if name.startswith("extract_")):
        days = batch_days(name.removeprefix("extract_"))
        notice(f"[bold]{name}[/] {days[0]} to {days[1]}")
        yield run_job(definitions.resolve_job_def(name), instance, notice=notice, days=days)
    for name in sorted(name for name in names if name.startswith("stream_")):
        notice(f"[bold]{name}[/]")
        yield run_job(definitions.resolve_job_def(name), instance, notice=notice)
    plan, pins = plan_now()
    if not plan.runs:
        notice("Nothing has changed in bronze: nothing to rebuild.")
    for planned in plan.runs:
        notice(f"[bold]warehouse[/] {len(planned.assets)} assets{_days(planned)}")
        tags = {**LEDGER_RUN, PINS: json.dumps(pins)}
        job = definitions.resolve_job_def("warehouse")
        yield run_job(job, instance, notice=notice, assets=planned.assets, days=planned.days, tags=tags)
    for planned in plan.runs:
        followers = _followers(definitions, planned)
        if followers:
            notice(f"[bold]followers of gold[/] {len(followers)} assets{_days(planned)}")
            job = definitions.resolve_implicit_global_asset_job_def()
            yield run_job(job, instance, notice=notice, assets=followers, days=planned.days)


def _followers(definitions: dg.Definitions, planned: PlannedRun) -> list[tuple[str, ...]]:
    """What has an automation condition and is made from what the run has rebuilt."""
    rebuilt = {dg.AssetKey(key) for key in planned.assets}
    graph = definitions.resolve_asset_graph()
    return [
        tuple(key.path)
        for key in graph.toposorted_asset_keys
        if key not in rebuilt and graph.get(key).automation_condition and graph.get_ancestor_asset_keys(key) & rebuilt
    ]


def _days(planned: PlannedRun) -> str:
    return f", {planned.days[0]} to {planned.days[1]}" if planned.days else ""
