"""Spans of time in microseconds since 1970, in which derived rows lie, are computed and are replaced."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

Span = tuple[int, int]
"""Half-open, in microseconds since 1970 in UTC."""

MOMENT = pa.timestamp("us", tz="UTC")
DAY = 86_400_000_000
HOUR = DAY // 24
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    """A moment of microseconds since 1970; the first or the last that there is, beyond them."""
    return _EPOCH + timedelta(microseconds=min(max(microseconds, _FIRST), _LAST))


def ranges(spans: Iterable[Span]) -> tuple[tuple[datetime, datetime], ...]:
    """Spans as ranges of time."""
    return tuple((moment(lo), moment(hi)) for lo, hi in spans)


def of_days(first: date, last: date) -> Span:
    """The span of whole days in UTC, both ends included."""
    start, end = ((day.toordinal() - _EPOCH.toordinal()) * DAY for day in (first, last + timedelta(days=1)))
    return start, end


def merged(spans: Iterable[Span], *, until: int, near: int = HOUR) -> list[Span]:
    """Spans in order, what lies beyond an end cut off, and those together that are near each other."""
    found: list[Span] = []
    for lo, hi in sorted(spans):
        if found and lo - found[-1][1] <= near:
            found[-1] = (found[-1][0], max(found[-1][1], min(hi, until)))
        elif lo < min(hi, until):
            found.append((lo, min(hi, until)))
    return found
