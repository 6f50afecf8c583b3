"""Streams against their topics: lag, lost offsets, and what their workers have measured."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from dataeng_assets.doctor.finding import Finding, Looked, NotLooked, Said, safe
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster, InsecureCluster
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.settings import SettingMissing
from dataeng_assets.streams.errors import StreamStopped
from dataeng_assets.streams.health.judge import HISTORY
from dataeng_assets.streams.health.judge import Finding as Measured
from dataeng_assets.streams.health.samples import Sample
from dataeng_assets.streams.health.state import StreamState, state
from dataeng_assets.streams.lag import Tier
from dataeng_assets.streams.plan import read_committed, retention_passed, starts_of, truncated
from dataeng_assets.streams.stream import Stream

_PATIENCE = timedelta(seconds=5)
_SAMPLES = 3
_MEASURED = {"backpressure": "backpressure", "partition_skew": "partition-skew"}
_UNREACHABLE = (KafkaProblem, InsecureCluster, SettingMissing, OSError)


def troubled_streams(scope: Scope) -> Iterator[Said]:
    """Every declared stream of interest."""
    wanted = [component.stream(contract) for component, contract in scope.topics]
    clusters = [component.cluster for component, _ in scope.topics]
    count = 0
    for stream, cluster in zip(wanted, clusters, strict=True):
        if scope.concerns({".".join(stream.main)}):
            count += 1
            yield from _lost(stream, cluster)
            yield from _standing(stream, cluster)
    yield Looked(count, "streams")


def _lost(stream: Stream, cluster: Callable[[], Cluster]) -> Iterator[Said]:
    """Offsets that the broker no longer has, or not any more; that it cannot be asked is said by `_standing`."""
    try:
        main = stream.lake.open(stream.main)
        with Admin(cluster(), timeout=_PATIENCE) as admin:
            topic = admin.describe(stream.topic)
    except (TableMissing, *_UNREACHABLE):
        return
    try:
        starts = starts_of(read_committed(main, stream, topic), topic)
    except StreamStopped as error:
        yield _finding("stream-stopped", stream, (safe(f"{type(error).__name__}: {error}"),))
        return
    yield from _gone(stream, topic, starts)


def _gone(stream: Stream, topic: TopicState, starts: dict[int, int]) -> Iterator[Finding]:
    passed = [
        f"partition {p}: offsets {gone.start:,} to {gone.end - 1:,} ({gone.end - gone.start:,}) are no longer retained"
        for p, gone in retention_passed(starts, topic).items()
    ]
    if passed:
        yield _finding("offsets-past-retention", stream, tuple(passed))
    behind = [
        f"partition {p} ends at {gone.start:,}, and {gone.end:,} was committed"
        for p, gone in truncated(starts, topic).items()
    ]
    if behind:
        yield _finding("stream-stopped", stream, ("OffsetsBehind", *behind))


def _standing(stream: Stream, cluster: Callable[[], Cluster]) -> Iterator[Said]:
    now = state(stream, cluster)
    if now.unreachable:
        why = f"its broker could not be asked ({now.unreachable}). See `dataeng status` and the settings"
        yield NotLooked(f"the lag of stream {stream.name}", why)
    yield from _lagging(stream, now)
    for found in now.findings:
        yield from _measured(stream, found)


def _lagging(stream: Stream, now: StreamState) -> Iterator[Finding]:
    if now.lag is None or now.lag.tier is Tier.OK or not _is_not_falling([*_lags(now.samples), now.lag.records]):
        return
    slowest = max(now.lag.partitions.items(), key=lambda one: one[1])
    limit = stream.contract.health.lag.total_seconds()
    proof = (
        f"{now.lag.records:,} records behind; the oldest waits for {now.lag.seconds:,.0f} s, limit {limit:,.0f} s",
        f"in the last samples {', '.join(f'{lag:,}' for lag in _lags(now.samples)) or 'nothing was measured'}",
        f"partition {slowest[0]} is furthest behind: {slowest[1]:,}",
    )
    yield _finding("consumer-lag-grows", stream, proof)


def _lags(taken: Sequence[Sample]) -> list[int]:
    return [sample.lag_records for sample in taken if sample.lag_records is not None][-_SAMPLES:]


def _is_not_falling(lags: list[int]) -> bool:
    """Whether it never fell; where nobody measures, nobody drains."""
    return all(before <= after for before, after in pairwise(lags))


def _measured(stream: Stream, found: Measured) -> Iterator[Finding]:
    cause = _MEASURED.get(found.name)
    if cause and found.is_well is False:
        yield _finding(cause, stream, (found.says, f"by the samples of the last {HISTORY.days} days"))


def _finding(cause: str, stream: Stream, proof: tuple[str, ...]) -> Finding:
    names = {"STREAM": stream.name, "TOPIC": stream.topic}
    tables = (stream.main, stream.late, stream.dead_letters)
    return Finding(cause, f"stream {stream.name}", proof, None, names, frozenset(".".join(key) for key in tables))
