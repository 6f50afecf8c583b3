"""A resident worker of a declared stream, and what Dagster is told of it while it lives.

No run belongs to it: a minute's batches become one materialization per table, reported from outside, the windows that
closed meanwhile are published, and the check `keeps_up` is judged. That happens beside the batches, which never wait.
"""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Self

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.components.derived_results import table_results
from dataeng_assets.components.kafka_topic import find_topic
from dataeng_assets.components.stream_changes import tell_of_changes
from dataeng_assets.components.stream_days import filled_days
from dataeng_assets.components.stream_health import health_results
from dataeng_assets.components.stream_results import lag_result, window_results
from dataeng_assets.components.stream_states import tell_of_states
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.orchestration.runs import open_instance
from dataeng_assets.streams.derived.spans import ranges
from dataeng_assets.streams.derived.tables import publish_table
from dataeng_assets.streams.health.take import keep_sample
from dataeng_assets.streams.lag import Lag, lag
from dataeng_assets.streams.lease import Lease
from dataeng_assets.streams.merge import Merging
from dataeng_assets.streams.pace import Bounds
from dataeng_assets.streams.resident import Told, reside
from dataeng_assets.streams.session import BatchReport
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.windows import publish_windows

REPORT_EVERY = timedelta(minutes=1)


def work(
    name: str,
    *,
    stop: threading.Event,
    tell: Callable[[Told], None],
    trouble: Callable[[str], None],
) -> None:
    """Drain a declared stream until told to stop.

    Args:
        name: of the stream.
        stop: ends it after the batch that is under way.
        tell: called after each batch.
        trouble: told what went wrong that does not end it.

    Raises:
        LookupError: no such stream is declared.
        StreamStopped: a person must decide.
        TooManyBroken: more records of a batch break rules than the contract allows.
        KafkaProblem: one that trying again does not mend.
    """
    component, contract = find_topic(name)
    stream, cluster = component.stream(contract), component.cluster()
    bounds = Bounds(records=component.batch_records, records_per_second=component.max_records_per_second)

    def away(error: KafkaProblem, seconds: float) -> None:
        trouble(f"{error} Trying again in {seconds:.0f} s.")

    with (
        Lease(stream) as lease,
        Reports(stream, cluster, open_instance(), lease.name, trouble, component.resident_interval_seconds) as reports,
        Merging(stream, lease, trouble),
    ):

        def heard(told: Told) -> None:
            reports.add(told)
            tell(told)

        reside(
            stream,
            cluster,
            run_id=f"resident.{lease.name}",
            lease=lease,
            bounds=bounds,
            interval=component.resident_interval_seconds,
            stop=stop,
            tell=heard,
            trouble=away,
        )


class Reports:
    """Tells Dagster what a worker did, from time to time and at its end. Use it as a context.

    Args:
        stream: that is drained.
        cluster: where its topic is.
        instance: that is told.
        worker: name of the one whose batches these are.
        trouble: told what could not be reported; a worker drains on without it.
        interval: seconds between commits, as they are asked for.
        every: how often.
    """

    def __init__(
        self,
        stream: Stream,
        cluster: Cluster,
        instance: dg.DagsterInstance,
        worker: str,
        trouble: Callable[[str], None],
        interval: float,
        every: timedelta = REPORT_EVERY,
    ) -> None:
        self._stream, self._cluster, self._instance, self._worker = stream, cluster, instance, worker
        self._trouble, self._interval, self._every = trouble, interval, every
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._batches: list[BatchReport] = []
        self._last: Told | None = None
        self._sampled = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="reports", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def add(self, told: Told) -> None:
        """Keep what a batch did for the next report."""
        with self._lock:
            self._last = told
            if told.batch is not None:
                self._batches.append(told.batch)

    def _run(self) -> None:
        while not self._ended.wait(self._every.total_seconds()):
            self._report()
        self._report()

    def _report(self) -> None:
        with self._lock:
            batches, self._batches, last = self._batches, [], self._last
        if last is None:
            return
        try:
            if batches:
                self._tables(batches, last)
            behind = cache(lambda: lag(self._stream, self._cluster))
            self._sample(batches, behind)
            if last.is_first:
                self._windows()
                self._event(lag_result(self._stream, behind))
                for result in health_results(self._stream):
                    self._event(result)
                tell_of_states(self._instance, self._stream)
                tell_of_changes(self._instance, self._stream)
        except Exception as error:  # noqa: BLE001  # the tables are right without it, and the next report may succeed
            self._trouble(f"Dagster was not told of the last batches: {error}")

    def _tables(self, batches: list[BatchReport], last: Told) -> None:
        stream = self._stream
        added = {
            stream.main: sum(batch.main for batch in batches),
            stream.late: sum(batch.late for batch in batches),
            stream.dead_letters: sum(batch.dead_letters for batch in batches),
        }
        seconds = sum(batch.seconds for batch in batches)
        for key, rows in added.items():
            table = stream.lake.open(key)
            counts = pa.table(table.get_add_actions(flatten=True))["num_records"]
            metadata: dict[str, str | int | float] = {
                "dagster/row_count": int(pc.sum(counts).as_py() or 0),
                "table_version": table.version(),
                "uri": stream.lake.at(key),
                "rows_appended": rows,
                "micro_batches": len(batches),
                "lag": last.lag,
                "slowest_batch_seconds": round(max(batch.seconds for batch in batches), 3),
                "blocked_on_write": round(sum(batch.write_seconds for batch in batches) / seconds, 3),
                "resident_worker": self._worker,
                "partitions": ", ".join(map(str, last.partitions)),
            }
            self._instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    dg.AssetKey(key), description=f"{rows:,} rows by a resident worker", metadata=metadata
                )
            )

    def _sample(self, batches: list[BatchReport], behind: Callable[[], Lag]) -> None:
        now = time.monotonic()
        keep_sample(
            self._stream,
            batches,
            run_id=f"resident.{self._worker}",
            seconds=now - self._sampled,
            measure=behind,
            interval_seconds=self._interval,
        )
        self._sampled = now

    def _windows(self) -> None:
        for windows in self._stream.tables_of_windows():
            report = publish_windows(self._stream, self._cluster, run_id=f"resident.{self._worker}", windows=windows)
            if report.rows:
                for filled in filled_days(self._instance, dg.AssetKey(report.key), report.replaced):
                    self._instance.report_runless_asset_event(filled)
                for result in window_results(self._stream, report, windows):
                    self._event(result)
        for table in self._stream.tables():
            done = publish_table(self._stream, self._cluster, table, run_id=f"resident.{self._worker}")
            if done.replaced:
                for filled in filled_days(self._instance, dg.AssetKey(done.key), ranges(done.replaced)):
                    self._instance.report_runless_asset_event(filled)
                for result in table_results(self._stream, [done], table):
                    self._event(result)

    def _event(self, result: dg.MaterializeResult | dg.AssetCheckResult) -> None:  # type: ignore[type-arg]  # its parameter is the value of an IO manager, and there is none
        key = result.asset_key
        assert key is not None  # noqa: S101  # what results of several assets always name
        event: dg.AssetMaterialization | dg.AssetCheckEvaluation
        if isinstance(result, dg.AssetCheckResult):
            event = dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey.from_coercible(key),
                check_name=str(result.check_name),
                passed=result.passed,
                severity=result.severity,
                metadata=result.metadata or {},
            )
        else:
            event = dg.AssetMaterialization(dg.AssetKey.from_coercible(key), metadata=result.metadata)
        self._instance.report_runless_asset_event(event)
