"""What a stream has done, minute by minute, in one small Delta table of the platform.

Every process that drains writes here, whatever its kind, so whoever judges or shows a stream need not ask a process.
Nothing rests on these rows: a lost one is a gap in a curve. What they mean belongs in `judge`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.lake.append import append
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.location import Lake, TableMissing

KEY = ("health", "streams")
DURATION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, float("inf"))
"""Upper bounds, in seconds, of the classes in which durations of batches are counted."""
_MOMENT = pa.timestamp("us", tz="UTC")
_FIELDS: list["pa.Field[Any]"] = [
    pa.field("stream", pa.string(), nullable=False),
    pa.field("at", _MOMENT, nullable=False),
    pa.field("run_id", pa.string(), nullable=False),
    pa.field("seconds", pa.float64(), nullable=False),
    pa.field("interval_seconds", pa.float64(), nullable=False),
    pa.field("main", pa.int64(), nullable=False),
    pa.field("late", pa.int64(), nullable=False),
    pa.field("dead_letters", pa.int64(), nullable=False),
    pa.field("durations", pa.list_(pa.int64()), nullable=False),
    pa.field("batch_seconds", pa.float64(), nullable=False),
    pa.field("commit_seconds", pa.float64(), nullable=False),
    pa.field("blocked_seconds", pa.float64(), nullable=False),
    pa.field("lag_records", pa.int64()),
    pa.field("lag_seconds", pa.float64()),
    pa.field("largest_lag", pa.int64()),
    pa.field("median_lag", pa.float64()),
    pa.field("contract_version", pa.string(), nullable=False),
]
SCHEMA = pa.schema(_FIELDS)
_FILES = 60
"""So many files make one: each sample adds one, and whoever reads opens them all."""


@dataclass(frozen=True)
class Sample:
    """What one process did with one stream in a stretch of time.

    Attributes:
        at: when the stretch ended.
        seconds: how long it was.
        interval_seconds: in which commits are asked for.
        main: rows committed, as with `late` and `dead_letters`.
        durations: batches by how long they took, in the classes of `DURATION_BUCKETS`.
        batch_seconds: all batches together, from plan to commit.
        commit_seconds: of that, committing.
        blocked_seconds: of that, while more records were waiting at the broker.
        lag_records: at the end; None where the broker did not say, as with the other three.
        lag_seconds: how long the oldest record that is not in the tables has been waiting.
        largest_lag: of a partition, in records.
        median_lag: over the partitions.
    """

    stream: str
    at: datetime
    run_id: str
    seconds: float
    interval_seconds: float
    main: int = 0
    late: int = 0
    dead_letters: int = 0
    durations: Sequence[int] = field(default=(0,) * len(DURATION_BUCKETS))
    batch_seconds: float = 0.0
    commit_seconds: float = 0.0
    blocked_seconds: float = 0.0
    lag_records: int | None = None
    lag_seconds: float | None = None
    largest_lag: int | None = None
    median_lag: float | None = None
    contract_version: str = ""

    @property
    def records(self) -> int:
        """That were read."""
        return self.main + self.late + self.dead_letters

    @property
    def batches(self) -> int:
        """That were committed."""
        return sum(self.durations)


def counted(seconds: Sequence[float]) -> tuple[int, ...]:
    """Durations of batches by class."""
    classes = [0] * len(DURATION_BUCKETS)
    for duration in seconds:
        classes[next(i for i, bound in enumerate(DURATION_BUCKETS) if duration <= bound)] += 1
    return tuple(classes)


def record(lake: Lake, sample: Sample) -> None:
    """Keep a sample; beside others that do so at the same moment."""
    table = lake.create(KEY, SCHEMA, description="What each stream has done, minute by minute.")
    row = {name: getattr(sample, name) for name in SCHEMA.names}
    append(table, pa.Table.from_pylist([row], SCHEMA), transactions={})
    if len(table.file_uris()) >= _FILES:
        compact(table)


def samples(lake: Lake, stream: str, *, since: timedelta | None = None) -> tuple[Sample, ...]:
    """The samples of a stream in order of time; none before the first.

    Args:
        lake: where they are kept.
        stream: its name.
        since: how far back; None for all.
    """
    try:
        table = lake.open(KEY)
    except TableMissing:
        return ()
    wanted = pc.field("stream") == stream
    if since is not None:
        wanted = wanted & (pc.field("at") >= pa.scalar(datetime.now(UTC) - since, _MOMENT))
    rows = table.to_pyarrow_dataset().to_table(filter=wanted).sort_by("at").to_pylist()
    return tuple(Sample(**{**row, "durations": tuple(row["durations"])}) for row in rows)
