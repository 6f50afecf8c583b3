"""What an interval join is: which events of two streams belong together, what is shown of them, and so its columns.

Which joins there are is declared in `defs/`. Computing them belongs in `compute`.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import duckdb
import pyarrow as pa

from dataeng_assets.contracts.checks.conditions import SqlRefused, columns_in, refuse_changing
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.streams.derived.spans import MOMENT
from dataeng_assets.streams.stream import EVENT_DATE, Stream

LEFT_TIME, RIGHT_TIME = "left_time", "right_time"
PLACE = ("_kafka_generation", "_kafka_partition", "_kafka_offset")
"""What tells an event from every other of its stream; the generation is missing until offsets come to mean others."""
_RULES = "interval join 1"  # raised when this code computes other rows
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

Keeps = Literal["inner", "left"]
End = Literal["left", "right"]


class JoinRefused(ValueError):
    """A declaration of a join that cannot be followed; nothing was read or written."""

    retryable = False


@dataclass(frozen=True)
class Side:
    """What a join takes of one stream.

    Attributes:
        key: columns that equal those of the other side, in the same order. A missing value equals nothing.
        columns: names in the table, each with the column of the contract that it shows.
        where: SQL over the event; only events for which it is true take part.
    """

    key: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    where: str = ""

    def reads(self) -> tuple[str, ...]:
        """The contract's columns that are read, without the event time."""
        shown = [column for _, column in self.columns]
        return tuple(dict.fromkeys([*self.key, *shown, *(sorted(columns_in(self.where)) if self.where else ())]))


@dataclass(frozen=True)
class IntervalJoin:
    """Each event on the left with the events on the right that have its key and lie near it.

    An event on the right belongs to one on the left when its time is no more than `before` earlier and no more than
    `after` later, both ends included.

    Attributes:
        name: of the table.
        before: microseconds.
        after: microseconds.
        keeps: `inner` for pairs alone; `left` for events on the left without any, too.
    """

    name: str
    left: Side
    right: Side
    before: int
    after: int
    keeps: Keeps = "inner"

    def fingerprint(self, left: Stream, right: Stream) -> str:
        """Changes with everything that the rows depend on beside the events."""
        read = [(stream.main, stream.event_time.column) for stream in (left, right)]
        return hashlib.sha256(f"{_RULES} {read} {self!r}".encode()).hexdigest()[:16]


def place_column(end: End, name: str) -> str:
    """The column that says where an event of one side stands in its topic."""
    return f"_{end}{name}"


def schema(join: IntervalJoin, left: Contract, right: Contract) -> pa.Schema:
    """Columns of the table. Those of the right are empty for an event on the left that has none."""
    fields: list[pa.Field[Any]] = [
        pa.field(LEFT_TIME, MOMENT, nullable=False),
        pa.field(RIGHT_TIME, MOMENT),
        *(pa.field(name, left.column(column).type.arrow) for name, column in join.left.columns),
        *(pa.field(name, right.column(column).type.arrow) for name, column in join.right.columns),
    ]
    types = (pa.int32(), pa.int32(), pa.int64())
    for end in ("left", "right"):
        is_optional = [True, end == "right", end == "right"]
        fields += [pa.field(place_column(end, n), t, o) for n, t, o in zip(PLACE, types, is_optional, strict=True)]
    return pa.schema([*fields, pa.field(EVENT_DATE, pa.date32(), nullable=False)])


def check(join: IntervalJoin, left: Contract, right: Contract) -> None:
    """Raise when a join cannot be computed over the events of two contracts.

    Raises:
        JoinRefused: says which part and why.
    """
    problems = list(_problems(join, left, right))
    if problems:
        raise JoinRefused(
            f"The join {join.name} of {left.name} and {right.name} cannot be computed: {'; '.join(problems)}. Nothing "
            "was published; the events are safe. Correct its defs.yaml."
        )


def _problems(join: IntervalJoin, left: Contract, right: Contract) -> Iterator[str]:
    if not _NAME.fullmatch(join.name):
        yield f"the name {join.name!r} is not made of letters, digits and underscores"
    if join.before < 0 or join.after < 0:
        yield "`before` and `after` must not be below zero"
    sides = [*_of_side("left", join.left, left), *_of_side("right", join.right, right)]
    yield from sides
    if not sides:
        yield from _keys(join, left, right)
    yield from _names(join)


def _of_side(end: End, side: Side, contract: Contract) -> Iterator[str]:
    """What is wrong with one side by itself."""
    columns = {column.name: column for column in contract.columns}
    if side.where:
        try:
            columns_in(side.where)
            refuse_changing(side.where)
        except SqlRefused as refused:
            yield f"{end}: {side.where!r} is no condition over an event: {refused}"
            return
    for name in side.reads():
        if name not in columns:
            yield f"{end}: the contract has no column {name!r}{did_you_mean(name, list(columns))}"
            return
    if side.where:
        yield from _unbound(end, side.where, list(columns.values()))


def _unbound(end: End, where: str, columns: list[Column]) -> Iterator[str]:
    """What DuckDB says of a condition over such columns, without any event."""
    with duckdb.connect() as connection:
        connection.register("events", pa.schema([(c.name, c.type.arrow) for c in columns]).empty_table())
        try:
            connection.execute(f"SELECT 1 FROM events WHERE ({where}\n)")
        except duckdb.Error as error:
            yield f"{end}: {where!r} does not fit the columns: {str(error).splitlines()[0]}"


def _keys(join: IntervalJoin, left: Contract, right: Contract) -> Iterator[str]:
    """What keeps the keys of both sides from being equal."""
    if not join.left.key or len(join.left.key) != len(join.right.key):
        yield "both sides need keys, as many on the left as on the right: the first equals the first, and so on"
        return
    for one, other in zip(join.left.key, join.right.key, strict=True):
        mine, theirs = left.column(one), right.column(other)
        both = f"{one} is {mine.physical} on the left, and {other} is {theirs.physical} on the right"
        families = {mine.type.family, theirs.type.family}
        if families & {"float", "list"}:
            yield f"{both}: doubles and lists are no keys"
        elif mine.type.arrow != theirs.type.arrow and families != {"integer"}:
            yield f"{both}: they are never equal without a cast"


def _names(join: IntervalJoin) -> Iterator[str]:
    given = {LEFT_TIME, RIGHT_TIME, EVENT_DATE}
    for name, _ in (*join.left.columns, *join.right.columns):
        if not _NAME.fullmatch(name):
            yield f"the name {name!r} of a column is not made of letters, digits and underscores"
        elif name in given:
            yield f"the name {name} is taken"
        given.add(name)
