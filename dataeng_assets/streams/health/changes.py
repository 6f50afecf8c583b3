"""What changed about a stream that nobody need do anything about: who drains it, and how its records are read.

A small table beside the stream's own says, for each kind of state, what stands from when on; a change is the difference
of a row from the one before it of its kind. So whoever sees a state may write it down: what stands already is not
written again, and of several processes that see the same at once one is taken. What is seen, and when, belongs in
`notice`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa

from dataeng_assets.lake.append import append
from dataeng_assets.lake.attempts import until_committed
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.streams.stream import Stream

CONTRACT, RULES = "contract", "rules"
COLUMN = "column "
"""With the name of a column it is a part of the rules that records are read by; its type is what stands there."""
_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("number", pa.int64(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),
    pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("told_by", pa.string(), nullable=False),
    pa.field("state", pa.map_(pa.string(), pa.string()), nullable=False),
    pa.field("offsets", pa.map_(pa.int32(), pa.int64()), nullable=False),
]
CHANGES_SCHEMA = pa.schema(_FIELDS)


class Kind(StrEnum):
    """What a state is of.

    `OWNERS` gives for each partition who drains it, `READ_BY` the contract, its rules and columns, `SCHEMAS` every
    schema of a registry that records came with.
    """

    OWNERS = "rebalance"
    READ_BY = "contract change"
    SCHEMAS = "registry schema"

    @property
    def is_rebalance(self) -> bool:
        """Whether a change of it is a rebalance; else it is a schema change."""
        return self is Kind.OWNERS


@dataclass(frozen=True)
class Change:
    """One change of a state.

    Attributes:
        number: counts what is written down of the stream; it grows.
        told_by: the run or worker that saw it.
        before: the state until then, by its parts.
        after: the state from then on.
        offsets: per partition, the first that it holds for; none of a rebalance.
    """

    number: int
    kind: Kind
    at: datetime
    told_by: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    offsets: Mapping[int, int] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """What is not as it was: partitions that have another owner, columns, numbers of schemas."""
        either = sorted({*self.before, *self.after}, key=lambda part: (len(part), part))
        return tuple(part for part in either if self.before.get(part) != self.after.get(part))

    @property
    def says(self) -> str:
        """The change in a sentence or two."""
        say = {Kind.OWNERS: _owners, Kind.READ_BY: _read_by, Kind.SCHEMAS: _schemas}
        return say[self.kind](self)


def changes(stream: Stream) -> tuple[Change, ...]:
    """Every change that was ever written down, oldest first; what a stream began with is none."""
    return tuple(_changes(_rows(stream)))


def note(
    stream: Stream,
    kind: Kind,
    becomes: Callable[[Mapping[str, str]], Mapping[str, str]],
    *,
    told_by: str,
    offsets: Callable[[Collection[str]], Mapping[int, int]] = lambda _: {},
) -> None:
    """Write down how a state is now, unless it stands so already.

    Args:
        stream: whose.
        kind: of the state.
        becomes: the state, given the one that stands; empty when none does.
        told_by: the run or worker that sees it.
        offsets: per partition, the first that it holds for, given the parts of the state that are not as they were.

    Raises:
        Superseded: others wrote down changes at the same moment, several times.
        ProgressGoesBack: likewise.
    """
    counter = f"{stream.progress}changes"

    def attempt(_: Path) -> None:
        table = stream.lake.create(stream.changes, CHANGES_SCHEMA, description=f"What changed about {stream.name}")
        rows = _read(table)
        stands: Mapping[str, str] = next((row["state"] for row in reversed(rows) if row["kind"] == kind), {})
        state = becomes(stands)
        if state == stands:
            return
        number = rows[-1]["number"] + 1 if rows else 1
        row = {
            "number": number,
            "kind": kind.value,
            "at": datetime.now(UTC),
            "told_by": told_by,
            "state": dict(state),
            "offsets": dict(offsets([part for part in state if stands.get(part) != state[part]])),
        }
        append(table, pa.Table.from_pylist([row], CHANGES_SCHEMA), transactions={counter: number})

    until_committed(attempt)


def _rows(stream: Stream) -> list[dict[str, Any]]:
    try:
        return _read(stream.lake.open(stream.changes))
    except TableMissing:
        return []


def _read(table: Any) -> list[dict[str, Any]]:
    rows = table.to_pyarrow_dataset().to_table().sort_by("number").to_pylist()
    return [{**row, "state": dict(row["state"]), "offsets": dict(row["offsets"])} for row in rows]


def _changes(rows: Iterable[Mapping[str, Any]]) -> Iterator[Change]:
    stands: dict[str, Mapping[str, str]] = {}
    for row in rows:
        before = stands.get(row["kind"])
        stands[row["kind"]] = row["state"]
        if before is not None:
            yield Change(
                row["number"], Kind(row["kind"]), row["at"], row["told_by"], before, row["state"], row["offsets"]
            )


def _owners(change: Change) -> str:
    moves: dict[tuple[str | None, str | None], list[str]] = {}
    for part in change.parts:
        moves.setdefault((change.before.get(part), change.after.get(part)), []).append(part)
    said = [
        f"{', '.join(parts)} {f'from {old}' if old else '(added to the topic)'} to {new or 'nobody'}"
        for (old, new), parts in moves.items()
    ]
    return f"{len(change.parts)} of {len(change.after)} partitions changed hands: {'; '.join(said)}."


def _read_by(change: Change) -> str:
    before, after = change.before, change.after
    said = f"Records are read by contract {after.get(CONTRACT)}, rules {after.get(RULES)}; before, by "
    said += f"{before.get(CONTRACT)}, {before.get(RULES)}."
    columns = [part for part in change.parts if part.startswith(COLUMN)]
    if columns:
        shown = [f"{part.removeprefix(COLUMN)} ({_step(before.get(part), after.get(part))})" for part in columns]
        said += f" Columns: {', '.join(shown)}."
    return f"{said} {_from(change.offsets)}"


def _step(old: str | None, new: str | None) -> str:
    if old is None:
        return f"new, {new}"
    return "gone" if new is None else f"{old} to {new}"


def _schemas(change: Change) -> str:
    known = ", ".join(sorted(change.before, key=lambda part: (len(part), part)))
    new = ", ".join(change.parts)
    return f"Records came with schema {new} of the registry; before, with {known}. {_from(change.offsets)}"


def _from(offsets: Mapping[int, int]) -> str:
    if not offsets:
        return "From the first offset."
    return f"From {', '.join(f'offset {at} of partition {p}' for p, at in sorted(offsets.items()))}."
