"""The pools of the instance and who holds their places, as plain values; and giving back what nobody can use."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

Instance = dg.DagsterInstance


@dataclass(frozen=True)
class Place:
    """A place in a pool that is taken.

    Attributes:
        run_status: of the run that holds it, in Dagster's words; empty when the instance does not know the run.
        waiting: steps that wait for a place in this pool.
    """

    pool: str
    places: int
    run_id: str
    step: str
    run_status: str
    waiting: int

    @property
    def is_leaked(self) -> bool:
        """Whether nobody can give it back any more: its run has ended, or is not known."""
        return not self.run_status or dg.DagsterRunStatus(self.run_status) in _ENDED


_ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def pools(instance: Instance) -> list[str]:
    """The names of all pools that were ever used, in order."""
    return sorted(instance.event_log_storage.get_concurrency_keys())


def taken_places(instance: Instance) -> Iterator[Place]:
    """Every place that is taken, in every pool."""
    for pool in pools(instance):
        info = instance.event_log_storage.get_concurrency_info(pool)
        for slot in info.claimed_slots:
            run = instance.get_run_by_id(slot.run_id)
            status = run.status.value if run else ""
            yield Place(pool, info.slot_count, slot.run_id, slot.step_key, status, info.pending_step_count)


def free_places(instance: Instance, run_id: str) -> int:
    """Give back the places of a run that has ended, or is not known; how many those were. A run under way keeps its."""
    held = [place for place in taken_places(instance) if place.run_id == run_id]
    if not held or not held[0].is_leaked:
        return 0
    instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return len(held)
