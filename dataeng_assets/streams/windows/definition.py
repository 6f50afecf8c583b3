"""What a table of windows is: its kind, what it groups by, what it tells of each window, and so its columns.

Which windows there are is declared with the topic. Computing them belongs in `compute`.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa

from dataeng_assets.contracts.checks.conditions import SqlRefused, columns_in, refuse_changing
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.streams.derived.spans import MOMENT
from dataeng_assets.streams.windows.kinds import Grid, Kind, Panes

EXACT = pa.decimal128(38, 0)
_FIELDS: "Sequence[pa.Field[Any]]" = (
    pa.field("window_start", MOMENT, nullable=False),
    pa.field("window_end", MOMENT, nullable=False),
    pa.field("event_type", pa.string()),
    pa.field("records", pa.int64(), nullable=False),
    pa.field("events", pa.int64(), nullable=False),
    pa.field("unique_users", pa.int64(), nullable=False),
    pa.field("window_date", pa.date32(), nullable=False),
)
WINDOWS_SCHEMA = pa.schema(_FIELDS)
"""Of `default_windows`: `records` counts what was delivered, `events` each key once, `unique_users` each `user_id`."""
_RULES = "windows 1"  # raised when this code computes other rows
_CALL = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_OWN = ("window_start", "window_end", "window_date", "fired_by")


class Function(StrEnum):
    """What can be told of the events in a window."""

    COUNT = "count"
    """Events; with a column, those that have a value there."""
    SUM = "sum"
    """Of integers exact, of doubles the exact sum rounded once."""
    MIN = "min"
    MAX = "max"
    MEAN = "mean"
    DISTINCT = "distinct"
    """Different values; of several columns, different combinations without a missing value."""
    APPROX_DISTINCT = "approx_distinct"
    """The estimate of a theta sketch, with the sketch, which can be merged with others, in a column beside it."""
    FIRST = "first"
    """Value in the first event, by event time, partition and offset; a missing one, too."""
    LAST = "last"
    QUANTILE = "quantile"
    """The smallest value that is not exceeded by at least that share of the values."""


VALUES = (Function.MIN, Function.MAX, Function.FIRST, Function.LAST, Function.QUANTILE)
"""What tells a value as it is in an event."""
_NUMBERS = (Function.SUM, Function.MEAN)


class WindowsRefused(ValueError):
    """A declaration of windows that cannot be followed; nothing was read or written."""

    retryable = False


@dataclass(frozen=True)
class Aggregate:
    """One column of a table of windows.

    Attributes:
        columns: of the contract; several for combinations only.
        share: of a quantile, between 0 and 1.
    """

    name: str
    function: Function
    columns: tuple[str, ...] = ()
    share: Fraction | None = None


@dataclass(frozen=True)
class Windows:
    """One table of windows over a stream.

    Attributes:
        name: follows the stream's in the name of the table.
        by: columns that divide the events; a missing value is a value like any other.
        where: SQL over the event; only events for which it is true are in the windows.
    """

    name: str
    kind: Kind
    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...] = ()
    where: str = ""

    def columns(self) -> tuple[str, ...]:
        """The contract's columns that are read, without the event time."""
        named = [*self.by, *(column for one in self.aggregates for column in one.columns)]
        return tuple(
            dict.fromkeys([*named, *(column for sql in self.conditions() for column in sorted(columns_in(sql)))])
        )

    def conditions(self) -> tuple[str, ...]:
        """All SQL in the declaration."""
        until = self.kind.condition if isinstance(self.kind, Panes) else ""
        return tuple(sql for sql in (self.where, until) if sql)

    def fingerprint(self, contract: Contract) -> str:
        """Changes with everything that the rows depend on beside the events."""
        time = contract.event_time.column if contract.event_time else ""
        return hashlib.sha256(f"{_RULES} {time} {self!r}".encode()).hexdigest()[:16]


def default_windows(contract: Contract, minutes: int) -> Windows:
    """Tumbling windows by event type that count deliveries, events and users.

    Raises:
        WindowsRefused: the contract lacks a column that is counted.
    """
    names = {column.name for column in contract.columns}
    missing = [name for name in ("event_type", "user_id") if name not in names]
    if missing or not contract.key:
        raise WindowsRefused(
            f"{contract.path}: windows of {contract.name} need the columns event_type and user_id and a primary key; "
            f"missing: {', '.join(missing) or 'a primary key'}. Nothing was published; the events are safe. Or declare "
            "windows of your own in defs.yaml, and window_minutes: 0."
        )
    length = minutes * 60_000_000
    aggregates = (
        Aggregate("records", Function.COUNT),
        Aggregate("events", Function.DISTINCT, contract.key),
        Aggregate("unique_users", Function.DISTINCT, ("user_id",)),
    )
    return Windows(f"{minutes}m", Grid(length, length), aggregates, ("event_type",))


def aggregate(name: str, text: str) -> Aggregate:
    """Read an aggregate such as `count`, `sum(amount)`, `distinct(user_id, page)` or `quantile(amount, 0.95)`.

    Raises:
        WindowsRefused: it is none.
    """
    match = _CALL.fullmatch(text)
    known = [one.value for one in Function]
    if match is None or match[1] not in known:
        said = match[1] if match else text
        raise WindowsRefused(f"{name}: {text!r} is no aggregate; one of {', '.join(known)}{did_you_mean(said, known)}")
    function = Function(match[1])
    parts = [part.strip() for part in match[2].split(",")] if match[2] and match[2].strip() else []
    share = None
    if function is Function.QUANTILE:
        share = _share(name, text, parts.pop() if len(parts) == 2 else "")
    most = {Function.COUNT: (0, 1), Function.DISTINCT: (1, 99)}.get(function, (1, 1))
    if not most[0] <= len(parts) <= most[1]:
        raise WindowsRefused(f"{name}: {text!r} does not name {'a column' if most[0] else 'one column at most'}")
    return Aggregate(name, function, tuple(parts), share)


def _share(name: str, text: str, said: str) -> Fraction:
    try:
        share = Fraction(said)
    except (ValueError, ZeroDivisionError):
        share = Fraction(-1)
    if not 0 < share <= 1:
        raise WindowsRefused(f"{name}: {text!r} needs a column and a share above 0 and at most 1, as quantile(x, 0.95)")
    return share


def check(windows: Windows, contract: Contract) -> None:
    """Raise when windows cannot be computed over the contract's events.

    Raises:
        WindowsRefused: says which part and why.
    """
    problems = list(_problems(windows, {column.name: column for column in contract.columns}))
    if problems:
        raise WindowsRefused(
            f"The windows {windows.name} of {contract.name} cannot be computed: {'; '.join(problems)}. Nothing was "
            "published; the events are safe. Correct defs.yaml."
        )


def _problems(windows: Windows, columns: Mapping[str, Column]) -> Iterator[str]:
    if not _NAME.fullmatch(windows.name) and not re.fullmatch(r"[A-Za-z0-9_]+", windows.name):
        yield f"the name {windows.name!r} is not made of letters, digits and underscores"
    for sql in windows.conditions():
        try:
            columns_in(sql)
            refuse_changing(sql)
        except SqlRefused as refused:
            yield f"{sql!r} is no condition over an event: {refused}"
            return
    for name in windows.columns():
        if name not in columns:
            yield f"the contract has no column {name!r}{did_you_mean(name, list(columns))}"
            return
    yield from _unbound(windows, columns)
    for name in windows.by:
        if columns[name].type.family == "float":
            yield f"{name} is a double, and equal doubles may be written differently; group by something else"
    for one in windows.aggregates:
        if one.function in _NUMBERS and columns[one.columns[0]].type.family not in ("integer", "float"):
            column = columns[one.columns[0]]
            yield f"{one.name}: {one.function} needs numbers, and {column.name} is {column.physical}"
    yield from _names(windows)


def _unbound(windows: Windows, columns: Mapping[str, Column]) -> Iterator[str]:
    """What DuckDB says of the conditions over such columns, without any event."""
    with duckdb.connect() as connection:
        connection.register("events", pa.schema([(c.name, c.type.arrow) for c in columns.values()]).empty_table())
        for sql in windows.conditions():
            try:
                connection.execute(f"SELECT 1 FROM events WHERE ({sql}\n)")
            except duckdb.Error as error:
                yield f"{sql!r} does not fit the columns: {str(error).splitlines()[0]}"


def _names(windows: Windows) -> Iterator[str]:
    if not windows.aggregates:
        yield "they tell nothing; name an aggregate, such as records: count"
    given = [*_OWN, *windows.by]
    for one in windows.aggregates:
        if not _NAME.fullmatch(one.name):
            yield f"the name {one.name!r} of an aggregate is not made of letters, digits and underscores"
        names = [one.name, sketch_column(one.name)] if one.function is Function.APPROX_DISTINCT else [one.name]
        yield from (f"the name {name} is taken" for name in names if name in given)
        given += names


def sketch_column(name: str) -> str:
    """The column that holds the sketch behind an estimate."""
    return f"{name}_sketch"


def schema(windows: Windows, contract: Contract) -> pa.Schema:
    """Columns of the table."""
    fields: list[pa.Field[Any]] = [
        pa.field("window_start", MOMENT, nullable=False),
        pa.field("window_end", MOMENT, nullable=False),
        *(pa.field(name, contract.column(name).type.arrow) for name in windows.by),
    ]
    for one in windows.aggregates:
        fields.append(pa.field(one.name, _type(one, contract), one.function not in _COUNTS))
        if one.function is Function.APPROX_DISTINCT:
            fields.append(pa.field(sketch_column(one.name), pa.binary(), nullable=False))
    if isinstance(windows.kind, Panes):
        fields += PANE_FIELDS
    return pa.schema([*fields, pa.field("window_date", pa.date32(), nullable=False)])


_COUNTS = (Function.COUNT, Function.DISTINCT, Function.APPROX_DISTINCT)
PANE_FIELDS: "Sequence[pa.Field[Any]]" = (
    pa.field("fired_by", pa.string(), nullable=False),
    pa.field("_kafka_partition", pa.int32(), nullable=False),
    pa.field("_kafka_offset", pa.int64(), nullable=False),
)
"""What ended a pane (`count`, `condition` or `time`), and where its last event stands."""


def _type(one: Aggregate, contract: Contract) -> pa.DataType:
    if one.function in _COUNTS:
        return pa.int64()
    column = contract.column(one.columns[0]).type
    if one.function is Function.MEAN:
        return pa.float64()
    if one.function is Function.SUM:
        return EXACT if column.family == "integer" else pa.float64()
    return column.arrow


def micros(length: timedelta) -> int:
    """A length in whole microseconds."""
    return length // timedelta(microseconds=1)
