"""A resident worker: one process that goes on draining, a batch every few tenths of a second.

It is the drain's session in a loop that does not end. What a batch is belongs in `session`, how large it may be in
`pace`, and which partitions are whose in `lease`. What is told to people and to Dagster is the caller's.
"""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.lake.append import ProgressGoesBack, Superseded
from dataeng_assets.streams.health.notice import notice_workers
from dataeng_assets.streams.ingest import StalePlan
from dataeng_assets.streams.lease import Lease
from dataeng_assets.streams.pace import Bounds, Measured, Pace
from dataeng_assets.streams.session import BatchReport, Session
from dataeng_assets.streams.stream import Stream

_PATIENCE = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before each further attempt to reach the broker


@dataclass(frozen=True)
class Told:
    """What a worker tells after each batch, and when others are given partitions or give them up.

    Attributes:
        batch: that was committed; None when only the partitions changed.
        partitions: that this worker drains.
        workers: how many drain the stream, this one included.
        is_first: whether of these this one does what needs to be done once.
        lag: offsets that the topic held beyond the batch in these partitions, when it was planned.
    """

    batch: BatchReport | None
    partitions: tuple[int, ...]
    workers: int
    is_first: bool
    lag: int


def reside(
    stream: Stream,
    cluster: Cluster,
    *,
    run_id: str,
    lease: Lease,
    bounds: Bounds,
    interval: float,
    stop: threading.Event,
    tell: Callable[[Told], None],
    trouble: Callable[[KafkaProblem, float], None],
) -> None:
    """Drain until told to stop; the batch that is under way is finished.

    Args:
        stream: what to fill.
        cluster: where its topic is.
        run_id: written into every row.
        lease: entered; says which partitions are this worker's.
        bounds: of a batch.
        interval: seconds from the start of a batch to that of the next, when there is little to do.
        stop: ends it.
        tell: called after each commit.
        trouble: called when the broker is away, with the seconds after which it is tried again.

    Raises:
        StreamStopped: a person must decide; see `streams.errors`.
        TooManyBroken: more records of a batch break rules than the contract allows.
        KafkaProblem: one that trying again does not mend.
    """
    failures = 0

    def heard(told: Told) -> None:
        nonlocal failures
        failures = 0
        tell(told)

    while not stop.is_set():
        try:
            with Session(stream, cluster, run_id=run_id) as session:
                share_changed = partial(notice_workers, stream, told_by=run_id)
                _Loop(session, lease, bounds, interval, stop, heard, share_changed).run()
        except KafkaProblem as error:
            if not error.retryable:
                raise
            seconds = _PATIENCE[min(failures, len(_PATIENCE) - 1)]
            failures += 1
            trouble(error, seconds)
            stop.wait(seconds)


class _Loop:
    """One session, a batch after the other."""

    def __init__(
        self,
        session: Session,
        lease: Lease,
        bounds: Bounds,
        interval: float,
        stop: threading.Event,
        tell: Callable[[Told], None],
        share_changed: Callable[[Collection[int]], None],
    ) -> None:
        self._session, self._lease, self._interval = session, lease, interval
        self._stop, self._tell, self._share_changed = stop, tell, share_changed
        self._pace = Pace.first(bounds)
        self._mine: tuple[int, ...] = ()
        self._reached: dict[int, int] = {}  # by this session; spares opening the table when nothing has come

    def run(self) -> None:
        while not self._stop.is_set():
            started = time.monotonic()
            self._take(self._lease.partitions(self._session.topic.ends))
            batch = self._batch() if self._waiting(self._mine) else None
            if batch is not None:
                took = time.monotonic() - started
                self._pace = self._pace.after(Measured(batch.offsets, batch.bytes, started, took))
                self._say(batch)
            self._stop.wait(max(started + self._interval, self._pace.not_before) - time.monotonic())
            self._session.look()

    def _take(self, mine: tuple[int, ...]) -> None:
        if mine != self._mine:
            # others may have moved what comes back
            self._reached = {p: offset for p, offset in self._reached.items() if p in self._mine and p in mine}
            self._mine = mine
            self._say(None)
            self._share_changed(self._session.topic.ends)

    def _waiting(self, mine: Collection[int]) -> bool:
        ends = self._session.topic.ends
        return any(self._reached.get(p, -1) < ends[p] for p in mine if p in ends)

    def _batch(self) -> BatchReport | None:
        plan = self._session.plan(self._pace.most, {}, self._mine)
        self._reached |= {p: offset for p, offset in plan.committed.next_offsets.items() if p in self._mine}
        if plan.is_empty:
            return None
        try:
            batch = self._session.run(plan)
        except (StalePlan, Superseded, ProgressGoesBack):
            # another worker, or a run, has these partitions for the moment; what it committed is the next plan's start
            self._reached.clear()
            return None
        self._reached |= {p: range_.end for p, range_ in plan.ranges.items() if p in self._mine}
        return batch

    def _say(self, batch: BatchReport | None) -> None:
        ends = self._session.topic.ends
        lag = sum(max(0, ends[p] - self._reached.get(p, ends[p])) for p in self._mine if p in ends)
        self._tell(Told(batch, self._mine, self._lease.workers, self._lease.is_first, lag))
