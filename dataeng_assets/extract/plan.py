"""Which rows a run reads, and from where the next one reads on.

Pure: from the window asked for, the progress stored with the table and what the snapshot saw, to a predicate and new
progress. A row counts as seen when the transaction that wrote it had committed before the snapshot. Those that had not
are found by the next run in one of two ways:

- by time: what they write carries a watermark not before their start, so everything from the earliest start of a
  transaction then open is read again;
- by number: each row tells the transaction that wrote it, so everything from the oldest transaction then running is
  read, whatever its watermark says. Exact without any privilege, at the price of a scan.

A table without a watermark is read whole by every run, whatever is asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from psycopg import sql

from dataeng_assets.contracts.model import Contract
from dataeng_assets.postgres.errors import SourceBehind
from dataeng_assets.postgres.snapshot import Snapshot

Method = Literal["open transactions", "xmin", "window", "whole"]

# A session takes the time of its transaction before it shows it in pg_stat_activity: microseconds, unless the operating
# system halts it in between. Rows of these seconds are read once more, which appends nothing.
MARGIN = timedelta(seconds=10)
_XIDS = 2**32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SourceTable:
    """A table to copy.

    Attributes:
        schema: the schema in the source; the table's name is the contract's.
        watermark: the column that says when a row last changed; None for a table that is read whole.
        key: the bronze table's key in the lake.
        max_vanished: of a table that is read whole, the largest share of its living keys that may vanish between two
            runs; more is taken for a mistake.
        may_be_empty: of a table that is read whole, whether it is believed when it shows no row at all.
    """

    contract: Contract
    schema: str
    watermark: str | None
    key: tuple[str, ...]
    max_vanished: float = 0.2
    may_be_empty: bool = False

    @property
    def name(self) -> str:
        """Schema and table, for messages and transaction names."""
        return f"{self.schema}.{self.contract.name}"


@dataclass(frozen=True)
class Window:
    """Watermarks to read, half-open.

    Attributes:
        start: None reads from the beginning.
        end: None follows the table: reads up to now and moves progress. A given end moves nothing.
    """

    start: datetime | None
    end: datetime | None

    @property
    def follows(self) -> bool:
        """Whether the run reads up to now and moves progress."""
        return self.end is None


@dataclass(frozen=True)
class Progress:
    """What the last run that followed left with the table.

    Attributes:
        lower_bound: every row with an earlier watermark had been seen; None when that was never known.
        fresh: whether that run found the bound itself; otherwise it is older and only transaction numbers tell.
        xmin: every transaction below this number had ended; None when the numbers were another server's.
    """

    lower_bound: datetime | None
    fresh: bool
    xmin: int | None


@dataclass(frozen=True)
class Plan:
    """What is read of one table: rows whose watermark lies in `[since, until)`, or that were written lately.

    Attributes:
        since: None is the beginning.
        until: None is the end.
        written: transaction number and span: rows written by one of that many transactions from there on are read too.
        notes: why it is read in an unusual way.
    """

    since: datetime | None
    until: datetime | None
    method: Method
    written: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()

    def predicate(self, watermark: str | None) -> sql.Composable:
        """The condition in Postgres' SQL; without a watermark it holds for every row."""
        if watermark is None:
            return sql.SQL("true")
        column = sql.Identifier(watermark)
        bounds = []
        if self.since is not None:
            bounds.append(sql.SQL("{} >= {}").format(column, _moment(self.since)))
        if self.until is not None:
            bounds.append(sql.SQL("{} < {}").format(column, _moment(self.until)))
        condition = sql.SQL(" AND ").join(bounds) if bounds else sql.SQL("true")
        if self.written is None:
            return condition
        first, span = self.written
        # a row keeps the lower half of the number; old rows may look young by it, and are read in vain at worst
        return sql.SQL("({} OR (xmin::text::bigint - {} + {}) % {} < {})").format(
            condition, sql.Literal(first % _XIDS), sql.Literal(_XIDS), sql.Literal(_XIDS), sql.Literal(span)
        )


def plan_read(
    window: Window, progress: Progress | None, snapshot: Snapshot, *, has_row_xmin: bool, whole: bool = False
) -> Plan:
    """Decide what to read.

    Args:
        window: what was asked for.
        progress: what the last following run left; None before the first.
        snapshot: the moment that will be read.
        has_row_xmin: whether the rows tell which transaction wrote them; those of a view don't.
        whole: whether every run reads everything, because the table has no watermark.

    Returns:
        A plan that reads every row that the window asks for and, if it follows, every row that no earlier run saw.

    Raises:
        SourceBehind: the snapshot is older than the one that the last run read.
    """
    if progress and progress.xmin is not None and snapshot.xmin < progress.xmin:
        raise SourceBehind(
            "The source shows an older state than the last run read: a replica that lags behind. Nothing was read, "
            "because old values would look like new ones. Run again when it has caught up, or read from the primary."
        )
    if whole:
        return Plan(None, None, "whole")
    if not window.follows:
        return Plan(window.start, window.end, "window")
    seen = snapshot.open_transactions
    method: Method = "xmin" if seen.hidden else "open transactions"
    if window.start is None or progress is None:
        return Plan(window.start, None, method)
    if progress.xmin is None:
        return _everything(method, "the source is another server than last time, was restored, or has failed over")
    if progress.fresh and progress.lower_bound is not None and seen.seen_at >= progress.lower_bound:
        return Plan(min(window.start, progress.lower_bound), None, method)
    span = snapshot.xmax - progress.xmin
    if has_row_xmin and span < _XIDS:
        return Plan(window.start, None, "xmin", (progress.xmin, span))
    return _everything(method, "no lower bound is known, and its rows don't tell which transaction wrote them")


def advance(progress: Progress | None, snapshot: Snapshot) -> Progress:
    """What to store after everything that the snapshot sees has been read.

    A bound that could not be found stays what it was, and so does one that a clock set back would lower.
    """
    seen, stored = snapshot.open_transactions, progress.lower_bound if progress else None
    found = min(seen.earliest or seen.seen_at, seen.seen_at)
    if seen.hidden or (stored is not None and found < stored):
        return Progress(stored, fresh=False, xmin=snapshot.xmin)
    bound = found - MARGIN
    return Progress(bound if stored is None else max(bound, stored), fresh=True, xmin=snapshot.xmin)


@dataclass(frozen=True)
class ProgressNames:
    """The transactions of the bronze table in which a source table's progress is stored. None of them ever goes back.

    Attributes:
        guard: when rows were last extracted. In every commit of an extract, so that of two that overlap one is refused
            whatever they read.
        followed_at: the same, of the last run that followed.
        lower_bound: from which watermark on the next one reads.
        lower_bound_at: `followed_at` of the run that found it.
        xmin: the oldest transaction then running; numbers mean something on one server only, so its identity is part
            of the name.
    """

    guard: str
    followed_at: str
    lower_bound: str
    lower_bound_at: str
    xmin: str


def progress_names(table: str, server: str) -> ProgressNames:
    """The names for one source table.

    Args:
        table: schema and name in the source.
        server: the identity of the server that is read.
    """
    stem = f"extract/{table}"
    parts = ("followed_at", "lower_bound", "lower_bound_at", f"xmin/{server}")
    return ProgressNames(guard_name(table), *(f"{stem}/{part}" for part in parts))


def guard_name(table: str) -> str:
    """The transaction that every commit to a source table's bronze and quarantine carries."""
    return f"extract/{table}/guard"


def released_name(table: str) -> str:
    """The transaction in bronze that says up to which version of the quarantine its rows were validated again."""
    return f"release/{table}/quarantine_version"


def stored_progress(names: ProgressNames, value: Callable[[str], int | None]) -> Progress | None:
    """What the last run that followed left.

    Args:
        names: of the source table.
        value: looks a transaction up in the bronze table.
    """
    followed_at = value(names.followed_at)
    if followed_at is None:
        return None
    bound = value(names.lower_bound)
    return Progress(
        None if bound is None else moment(bound), value(names.lower_bound_at) == followed_at, value(names.xmin)
    )


def transactions(names: ProgressNames, progress: Progress | None, extracted_at: datetime) -> dict[str, int]:
    """The transactions that an extract's commit carries.

    Args:
        names: of the source table.
        progress: where the next run reads on; None when this run moves nothing.
        extracted_at: the time that the rows carry.
    """
    now = microseconds(extracted_at)
    values = {names.guard: now}
    if progress is None:
        return values
    values[names.followed_at] = now
    if progress.xmin is not None:
        values[names.xmin] = progress.xmin
    if progress.lower_bound is not None:
        values[names.lower_bound] = microseconds(progress.lower_bound)
    if progress.fresh:
        values[names.lower_bound_at] = now
    return values


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(microseconds_since_epoch: int) -> datetime:
    """The reverse of `microseconds`."""
    return _EPOCH + timedelta(microseconds=microseconds_since_epoch)


def _everything(method: Method, why: str) -> Plan:
    return Plan(None, None, method, notes=(f"the whole table was read: {why}",))


def _moment(at: datetime) -> sql.Composable:
    return sql.SQL("{}::timestamptz").format(sql.Literal(at.astimezone(UTC).isoformat()))
