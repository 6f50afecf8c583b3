"""What a person accepted as lost, in a table of its own beside the stream's: it outlives the log of the others.

With it, promise 6 reads: main + late + dead letters + accepted gaps is what was read. Finding gaps and accepting them
belongs in `accept`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.lake.append import append, progress
from dataeng_assets.streams.stored import Run
from dataeng_assets.streams.stream import Stream

_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("gap_id", pa.string(), nullable=False),
    pa.field("state", pa.string(), nullable=False),
    pa.field("table", pa.string(), nullable=False),
    pa.field("topic_id", pa.string(), nullable=False),
    pa.field("generation", pa.int32(), nullable=False),
    pa.field("partition", pa.int32(), nullable=False),
    pa.field("first_offset", pa.int64(), nullable=False),
    pa.field("end_offset", pa.int64()),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("accepted_by", pa.string(), nullable=False),
    pa.field("accepted_at", pa.timestamp("us", tz="UTC"), nullable=False),
]
GAPS_SCHEMA = pa.schema(_FIELDS)


class State(StrEnum):
    """Why records are missing."""

    RETENTION = "retention passed"
    RECREATED = "topic made again"
    TRUNCATED = "log truncated"
    REMOVED = "rows removed"
    SIDE_TABLE = "side table gone"
    MAIN_TABLE = "main table gone"


@dataclass(frozen=True)
class Gap:
    """Offsets of one partition that the stream goes on without.

    Attributes:
        table: that lacks them, its key with dots.
        topic_id: of the topic that they are offsets of.
        generation: of that topic's offsets.
        end: exclusive; None where nobody knows it any more.
    """

    state: State
    table: str
    topic_id: str
    generation: int
    partition: int
    start: int
    end: int | None

    @property
    def offsets(self) -> int | None:
        """How many; None where nobody knows. Some may never have held a record."""
        return None if self.end is None else self.end - self.start

    @property
    def run(self) -> Run | None:
        """Its offsets, where it has an end."""
        return None if self.end is None else Run(self.generation, self.partition, self.start, self.end)


@dataclass(frozen=True)
class AcceptedGap:
    """A gap as it stands in the table: who accepted it, when and why."""

    gap: Gap
    gap_id: str
    reason: str
    accepted_by: str
    accepted_at: datetime


@dataclass(frozen=True)
class Decision:
    """One acceptance.

    Attributes:
        gap_id: what its gaps carry, and the commits that move progress.
    """

    gap_id: str
    reason: str
    accepted_by: str
    accepted_at: datetime

    @property
    def metadata(self) -> Mapping[str, str]:
        """What is told in the history of every table that it touches."""
        return {"gap_id": self.gap_id, "gap_reason": self.reason, "gap_accepted_by": self.accepted_by}


def accepted_gaps(stream: Stream) -> list[AcceptedGap]:
    """Everything that was ever accepted, oldest first."""
    return _rows(stream.lake.open(stream.gaps)) if stream.lake.exists(stream.gaps) else []


def record(stream: Stream, gaps: Iterable[Gap], decision: Decision) -> None:
    """Write gaps down, but for what is written down already.

    Raises:
        Superseded: somebody else accepts gaps at the same moment.
    """
    description = f"Records of {stream.topic} that were lost and accepted as lost"
    table = stream.lake.create(stream.gaps, GAPS_SCHEMA, description=description)
    there = {accepted.gap for accepted in _rows(table)}
    new = [gap for gap in gaps if gap not in there]
    if new:
        count = f"{stream.progress}gaps"
        rows = pa.Table.from_pylist([_row(gap, decision) for gap in new], GAPS_SCHEMA)
        numbers = {count: (progress(table, count) or 0) + 1}
        append(table, rows, transactions=numbers, metadata=decision.metadata)


def _row(gap: Gap, decision: Decision) -> dict[str, object]:
    return {
        "gap_id": decision.gap_id,
        "state": str(gap.state),
        "table": gap.table,
        "topic_id": gap.topic_id,
        "generation": gap.generation,
        "partition": gap.partition,
        "first_offset": gap.start,
        "end_offset": gap.end,
        "reason": decision.reason,
        "accepted_by": decision.accepted_by,
        "accepted_at": decision.accepted_at,
    }


def _rows(table: DeltaTable) -> list[AcceptedGap]:
    places = ("topic_id", "generation", "partition", "first_offset", "end_offset")
    rows: list[Any] = table.to_pyarrow_dataset().to_table().to_pylist()
    found = [
        AcceptedGap(
            Gap(State(row["state"]), row["table"], *(row[name] for name in places)),
            *(row[name] for name in ("gap_id", "reason", "accepted_by", "accepted_at")),
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.accepted_at, one.gap.partition, one.gap.start))
