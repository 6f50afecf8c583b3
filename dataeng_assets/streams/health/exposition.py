"""The state of streams in the words of Prometheus: names, units and labels as its conventions have them.

A counter here is what the tables hold, so it stays true when the process that shows it is started again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from dataeng_assets.streams.health.judge import Severity
from dataeng_assets.streams.health.samples import DURATION_BUCKETS
from dataeng_assets.streams.health.state import StreamState

_STREAM = "stream_name"
Family = TypeVar("Family", CounterMetricFamily, GaugeMetricFamily)


class Streams(Collector):
    """Gives the metrics of streams, asked for anew each time.

    Args:
        states: looks at the streams.
    """

    def __init__(self, states: Callable[[], Iterable[StreamState]]) -> None:
        self._states = states

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is, is said when it is asked for, so that being registered asks no broker."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics of all streams."""
        yield from families(list(self._states()))


def write_textfile(states: Iterable[StreamState], path: Path) -> None:
    """Write the metrics into a file for the textfile collector of a node exporter; it appears whole or not at all."""
    found = list(states)
    registry = CollectorRegistry()
    registry.register(Streams(lambda: found))
    write_to_textfile(str(path), registry)


def families(states: Iterable[StreamState]) -> Iterator[Metric]:
    """The metrics of some streams."""
    found = list(states)
    yield _processed(found)
    yield from _lags(found)
    yield _durations(found)
    yield from _times(found)
    yield from _changes(found)
    yield from _health(found)


def _processed(states: list[StreamState]) -> Metric:
    metric = CounterMetricFamily(
        "stream_records_processed_total",
        "Records that were read and committed, by what became of them; released ones stand in the main table, too.",
        labels=[_STREAM, "status"],
    )
    for state in states:
        for status, count in state.rows.items():
            metric.add_metric([state.name, status], count)
    return metric


def _lags(states: list[StreamState]) -> Iterator[Metric]:
    seconds = GaugeMetricFamily(
        "stream_processing_lag_seconds",
        "How long the oldest record that is not in the tables has been waiting at the broker.",
        labels=[_STREAM],
    )
    records = GaugeMetricFamily(
        "stream_lag_records", "Records at the broker that the tables do not have.", labels=[_STREAM, "partition"]
    )
    for state in states:
        if state.lag is not None:
            seconds.add_metric([state.name], state.lag.seconds)
            for partition, behind in sorted(state.lag.partitions.items()):
                records.add_metric([state.name, str(partition)], behind)
    yield seconds
    yield records


def _durations(states: list[StreamState]) -> Metric:
    metric = HistogramMetricFamily(
        "stream_batch_duration_seconds", "Time of a micro-batch, from its plan to its commit.", labels=[_STREAM]
    )
    for state in states:
        total = 0
        buckets = []
        for index, bound in enumerate(DURATION_BUCKETS):
            total += sum(sample.durations[index] for sample in state.samples)
            buckets.append(("+Inf" if bound == float("inf") else str(bound), total))
        metric.add_metric([state.name], buckets, sum(sample.batch_seconds for sample in state.samples))
    return metric


def _times(states: list[StreamState]) -> Iterator[Metric]:
    yield _by_stream(
        CounterMetricFamily, "stream_commit_seconds_total", "Time spent in commits.",
        ((s.name, sum(sample.commit_seconds for sample in s.samples)) for s in states),
    )  # fmt: skip
    yield _by_stream(
        CounterMetricFamily, "stream_blocked_seconds_total", "Time in commits while more records were waiting.",
        ((s.name, sum(sample.blocked_seconds for sample in s.samples)) for s in states),
    )  # fmt: skip
    yield _by_stream(
        GaugeMetricFamily, "stream_last_commit_timestamp_seconds", "When the main table was committed to last.",
        ((s.name, s.last_commit.timestamp()) for s in states if s.last_commit is not None),
    )  # fmt: skip


def _changes(states: list[StreamState]) -> Iterator[Metric]:
    yield _by_stream(
        CounterMetricFamily, "stream_rebalances_total", "Changes of who drains which partitions.",
        ((s.name, sum(change.kind.is_rebalance for change in s.changes)) for s in states),
    )  # fmt: skip
    yield _by_stream(
        CounterMetricFamily, "stream_schema_changes_total", "Changes of the contract or schema that records follow.",
        ((s.name, sum(not change.kind.is_rebalance for change in s.changes)) for s in states),
    )  # fmt: skip


def _health(states: list[StreamState]) -> Iterator[Metric]:
    yield _by_stream(
        GaugeMetricFamily, "stream_broker_reachable", "Whether the broker answered.",
        ((s.name, not s.unreachable) for s in states),
    )  # fmt: skip
    stopped = GaugeMetricFamily(
        "stream_stopped", "Whether the stream waits for a person, and for which reason.", labels=[_STREAM, "reason"]
    )
    well = GaugeMetricFamily("stream_check_passed", "Whether a check of health passes.", labels=[_STREAM, "check"])
    value = GaugeMetricFamily("stream_check_value", "What a check of health has measured.", labels=[_STREAM, "check"])
    limit = GaugeMetricFamily("stream_check_limit", "The limit of a check of health.", labels=[_STREAM, "check"])
    troubles = GaugeMetricFamily("stream_troubles", "What is wrong now, by severity.", labels=[_STREAM, "severity"])
    for state in states:
        stopped.add_metric([state.name, state.stopped], bool(state.stopped))
        wrong = Counter(finding.severity for finding in state.findings if finding.is_well is False)
        wrong[Severity.CRITICAL] += bool(state.stopped)
        for severity in Severity:
            troubles.add_metric([state.name, severity.value], wrong[severity])
        for finding in state.findings:
            limit.add_metric([state.name, finding.name], finding.limit)
            if finding.is_well is not None and finding.value is not None:
                well.add_metric([state.name, finding.name], finding.is_well)
                value.add_metric([state.name, finding.name], finding.value)
    yield from (stopped, troubles, well, value, limit)


def _by_stream(kind: type[Family], name: str, text: str, values: Iterable[tuple[str, float]]) -> Family:
    metric = kind(name, text, labels=[_STREAM])
    for stream, value in values:
        metric.add_metric([stream], value)
    return metric
