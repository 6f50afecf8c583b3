"""Which rows a run reads, and from where the next one reads on. Pure: no server is asked.

A row counts as seen when the transaction that wrote it had committed before the snapshot. Those that had not are found
by the next run in one of two ways:

- by time: what they write carries a watermark not before their start, so everything from the earliest start of a
  transaction then open is read again;
- by number: each row tells the transaction that wrote it, so everything from the oldest transaction then running is
  read, whatever its watermark says. Exact without any privilege, at the price of a scan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from .errors import Refused, Retryable
from .progress import Progress, microseconds, moment

# A session takes the time of its transaction before it shows it: microseconds, unless it is halted in between.
MARGIN = timedelta(seconds=10)
_XIDS = 2**32


@dataclass(frozen=True)
class Snapshot:
    """What an exported snapshot sees, and who was writing just before it was taken.

    Attributes:
        taken_at: the server's clock when it was taken.
        xmin: every transaction below this number had ended; 64 bits, so that it never wraps.
        xmax: no transaction from this number on had begun to write.
        server: identity of the cluster and its timeline; transaction numbers mean something within it only.
        seen_at: the server's clock before the open transactions were listed.
        earliest: the earliest start among them; None when none was open.
        hidden: why the list may be incomplete; empty when it is complete.
    """

    taken_at: datetime
    xmin: int
    xmax: int
    server: str
    seen_at: datetime
    earliest: datetime | None
    hidden: tuple[str, ...]


@dataclass(frozen=True)
class Window:
    """Watermarks to read again, `[start, end)`. Reading a window moves no progress."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Plan:
    """What is read of one table: rows whose watermark lies in `[since, until)`, or that were written lately.

    Attributes:
        written: transaction number and span: rows written by one of that many transactions from there on are read too.
        method: how that was decided.
        notes: why it is read in an unusual way.
    """

    method: str
    since: datetime | None = None
    until: datetime | None = None
    written: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every row is read."""
        return self.since is None and self.until is None and self.written is None

    def predicate(self, watermark: str | None) -> sql.Composable:
        """The condition in Postgres' SQL."""
        if watermark is None or self.whole:
            return sql.SQL("true")
        column = sql.Identifier(watermark)
        bounds = [
            sql.SQL("{} {} {}").format(column, sql.SQL(sign), _timestamp(bound))
            for sign, bound in ((">=", self.since), ("<", self.until))
            if bound is not None
        ]
        condition = sql.SQL(" AND ").join(bounds) if bounds else sql.SQL("false")
        if self.written is None:
            return condition
        first, span = self.written
        # a row keeps the lower half of the number; old rows may look young by it, and are read in vain at worst
        return sql.SQL("({} OR (xmin::text::bigint - {} + {}) % {} < {})").format(
            condition, sql.Literal(first % _XIDS), sql.Literal(_XIDS), sql.Literal(_XIDS), sql.Literal(span)
        )


def plan_read(
    watermark: str | None, window: Window | None, stored: Progress | None, snapshot: Snapshot, *, has_row_xmin: bool
) -> Plan:
    """Decide what to read.

    Args:
        watermark: None for a table that every run reads whole.
        window: what a person asked for; None reads all that no earlier run has seen.
        stored: what the last run left; None before the first.
        snapshot: the moment that will be read.
        has_row_xmin: whether the rows tell which transaction wrote them; those of a view don't.

    Raises:
        Retryable: the snapshot is older than the one that the last run read.
    """
    position: Mapping[str, Any] = stored.position if stored else {}
    same_server = position.get("server") == snapshot.server
    xmin = int(position["xmin"]) if same_server else None
    if xmin is not None and snapshot.xmin < xmin:
        raise Retryable(
            "The source shows an older state than the last run read: a replica that lags behind. Nothing was read, "
            "because old values would look like new ones. Run again when it has caught up, or read from the primary."
        )
    if watermark is None:
        return Plan("whole")
    if window is not None:
        return Plan("window", window.start, window.end)
    if not position:
        return Plan("first run")
    if xmin is None:
        return Plan("whole", notes=("the source is another server than last time, was restored, or has failed over",))
    bound = _bound(position)
    if position["fresh"] and bound is not None and snapshot.seen_at >= bound:
        return Plan("open transactions", bound)
    if has_row_xmin and snapshot.xmax - xmin < _XIDS:
        return Plan("transaction numbers", written=(xmin, snapshot.xmax - xmin), notes=tuple(position["hidden"]))
    return Plan("whole", notes=("no lower bound is known, and the rows don't tell which transaction wrote them",))


def advance(stored: Progress | None, snapshot: Snapshot) -> dict[str, Any]:
    """The position to store after all that the snapshot sees has been read.

    A bound that could not be found is not trusted by the next run, nor one that a clock set back would lower.
    """
    before = _bound(stored.position) if stored else None
    found = min(snapshot.earliest or snapshot.seen_at, snapshot.seen_at) - MARGIN
    fresh = not snapshot.hidden and (before is None or found + MARGIN >= before)
    bound = (found if before is None else max(found, before)) if fresh else before
    return {
        "server": snapshot.server,
        "xmin": snapshot.xmin,
        "lower_bound": None if bound is None else microseconds(bound),
        "fresh": fresh,
        "hidden": list(snapshot.hidden),
    }


def _bound(position: Mapping[str, Any]) -> datetime | None:
    stored = position.get("lower_bound")
    return None if stored is None else moment(int(stored))


def _timestamp(at: datetime) -> sql.Composable:
    return sql.SQL("{}::timestamptz").format(sql.Literal(at.astimezone(UTC).isoformat()))


def window_of(start: str | None, end: str | None) -> Window | None:
    """The window that a person asked for, in ISO 8601; None when none was.

    Raises:
        Refused: only one end was given, one has no time zone, or they do not follow each other.
    """
    if not start and not end:
        return None
    if not start or not end:
        raise Refused("A window needs both window_start and window_end. Nothing was read.")
    window = Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
    if window.start.tzinfo is None or window.end.tzinfo is None or window.start >= window.end:
        raise Refused("A window is two times with their zone, the earlier one first. Nothing was read.")
    return window
