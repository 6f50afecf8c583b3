"""Dividing what is to be computed, so that no piece reads more than a bounded number of events at once."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.streams.derived.spans import HOUR, Span
from dataeng_assets.streams.stream import EVENT_DATE

ROWS_AT_ONCE = 1_000_000


def rows_by_hour(main: DeltaTable, column: str) -> dict[int, int]:
    """About how many events lie in each hour since 1970, from the statistics of the files."""
    actions = pa.table(main.get_add_actions(flatten=True))
    days: list[Any] = actions[f"partition.{EVENT_DATE}"].to_pylist()
    counts: list[Any] = actions["num_records"].to_pylist()
    bounds = [
        actions[f"{end}.{column}"].to_pylist() if f"{end}.{column}" in actions.column_names else [None] * len(days)
        for end in ("min", "max")
    ]
    sizes: dict[int, int] = {}
    for day, count, first, last in zip(days, counts, *bounds, strict=True):
        hours = _hours(day, first, last)
        share = -(-(count or 0) // len(hours))
        for hour in hours:
            sizes[hour] = sizes.get(hour, 0) + share
    return sizes


def _hours(day: date, first: Any, last: Any) -> range:
    """The hours that a file of a day has events in; all of the day's where its statistics don't say."""
    start = (day.toordinal() - date(1970, 1, 1).toordinal()) * 24
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return range(start, start + 24)
    ends = [int(one.astimezone(UTC).timestamp() // 3600) for one in (first, last)]
    return range(max(start, ends[0]), min(start + 23, ends[1]) + 1) or range(start, start + 24)


def divided(
    span: Span, sizes: Mapping[int, int], align: Callable[[int], int] = lambda moment: moment
) -> Iterator[Span]:
    """Cut a span so that the events between two cuts are `ROWS_AT_ONCE` at most.

    Args:
        span: to be cut.
        sizes: rows by hour.
        align: the last moment at or before another on which may be cut; any when not given. An hour, and what lies
            between two such moments, is never divided.
    """
    start, rows = span[0], 0
    for hour in sorted(sizes):
        border = align(hour * HOUR)
        if border + HOUR <= span[0] or border >= span[1]:
            continue
        if rows and rows + sizes[hour] > ROWS_AT_ONCE and border > start:
            yield start, border
            start, rows = border, 0
        rows += sizes[hour]
    yield start, span[1]
