"""Taking a sample of what a process has just done with a stream; what it means belongs in `judge`."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median

from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.streams.health.samples import Sample, counted, record
from dataeng_assets.streams.lag import Lag
from dataeng_assets.streams.session import BatchReport
from dataeng_assets.streams.stream import Stream


def keep_sample(
    stream: Stream,
    batches: Sequence[BatchReport],
    *,
    run_id: str,
    seconds: float,
    measure: Callable[[], Lag],
    interval_seconds: float,
) -> Sample:
    """Record what was done in the last stretch of time, and how far the stream is behind now.

    Args:
        stream: what was drained.
        batches: that were committed, in order.
        run_id: of the process.
        seconds: length of the stretch.
        measure: asks for the lag; when the broker does not answer, the sample says nothing of it.
        interval_seconds: in which commits are asked for.
    """
    try:
        behind = measure()
    except (KafkaProblem, OSError):
        behind = None
    lags = sorted(behind.partitions.values()) if behind else []
    # while the last batch was written nothing waited, unless something waits now
    held_up = batches if behind and behind.records else batches[:-1]
    sample = Sample(
        stream.name,
        datetime.now(UTC),
        run_id,
        seconds,
        interval_seconds,
        main=sum(batch.main for batch in batches),
        late=sum(batch.late for batch in batches),
        dead_letters=sum(batch.dead_letters for batch in batches),
        durations=counted([batch.seconds for batch in batches]),
        batch_seconds=sum(batch.seconds for batch in batches),
        commit_seconds=sum(batch.write_seconds for batch in batches),
        blocked_seconds=sum(batch.write_seconds for batch in held_up),
        lag_records=behind.records if behind else None,
        lag_seconds=behind.seconds if behind else None,
        largest_lag=lags[-1] if lags else None,
        median_lag=float(median(lags)) if lags else None,
        contract_version=stream.contract.version,
    )
    record(stream.lake, sample)
    return sample
