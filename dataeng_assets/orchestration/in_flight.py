"""Whether a run of one kind is under way, told by a tag. A sensor asks before it requests the next."""

import dagster as dg

IN_FLIGHT = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def run_in_flight(instance: dg.DagsterInstance, tag: str, value: str) -> str | None:
    """Id of a run with this tag that has not ended."""
    runs = instance.get_runs(filters=dg.RunsFilter(tags={tag: value}, statuses=IN_FLIGHT), limit=1)
    return runs[0].run_id if runs else None


def default_sensor_status(is_local: bool) -> dg.DefaultSensorStatus:
    """Running on the laptop; elsewhere a person switches sensors on."""
    return dg.DefaultSensorStatus.RUNNING if is_local else dg.DefaultSensorStatus.STOPPED
