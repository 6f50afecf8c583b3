"""Sensors that ask for the next run of a kind when none is under way."""

from collections.abc import Callable, Iterable
from typing import Any

import dagster as dg

from dataeng_assets.lake.location import TableMissing
from dataeng_assets.orchestration.in_flight import default_sensor_status, run_in_flight
from dataeng_assets.settings import Settings

VERSIONS = "dataeng/versions"
"""Tag of a run that says which versions of its tables asked for it."""

Asked = dg.RunRequest | dg.SensorResult | dg.SkipReason


def run_sensor(
    job: Any,
    name: str,
    ask: Callable[[dg.SensorEvaluationContext], Asked],
    *,
    kind: tuple[str, str],
    doing: str,
    seconds: int,
    description: str,
) -> dg.SensorDefinition:
    """A sensor that asks when no run of a kind is under way.

    Args:
        job: what it asks for; the type of a job of assets has no public name.
        name: of the sensor.
        ask: whether there should be a run.
        kind: tag and value that all runs of the kind have.
        doing: what such a run does, as in "Run 1 is draining clicks."
        seconds: least time between two questions.
        description: of the sensor.
    """

    @dg.sensor(
        name=name,
        job=job,
        minimum_interval_seconds=seconds,
        default_status=default_sensor_status(Settings.load().is_local),
        description=description,
    )
    def between_runs(context: dg.SensorEvaluationContext) -> Asked:
        under_way = run_in_flight(context.instance, *kind)
        return dg.SkipReason(f"Run {under_way} is {doing}.") if under_way else ask(context)

    return between_runs


def unless_known(
    kind: tuple[str, str], versions: Callable[[], Iterable[int]], knows: str
) -> Callable[[dg.SensorEvaluationContext], Asked]:
    """Asks for a run when tables have other versions than those for which a run of a kind has succeeded.

    Args:
        kind: tag and value that all runs of the kind have.
        versions: of the tables now; `TableMissing` where there is nothing to do yet.
        knows: what is so when nothing has changed; the versions stand behind it.
    """

    def ask(context: dg.SensorEvaluationContext) -> Asked:
        try:
            now = ",".join(map(str, versions()))
        except TableMissing as missing:
            return dg.SkipReason(str(missing))
        done = dg.RunsFilter(tags=dict([kind, (VERSIONS, now)]), statuses=[dg.DagsterRunStatus.SUCCESS])
        if context.instance.get_runs(filters=done, limit=1):
            return dg.SkipReason(f"{knows}: {now}.")
        return dg.RunRequest(tags={VERSIONS: now})

    return ask
