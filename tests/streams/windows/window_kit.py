"""Windows by a plain reading of the rules, event by event."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from bronze_kit import EPOCH, Committed, Event, stream_of

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.windows.definition import Aggregate, Windows, aggregate
from dataeng_assets.streams.windows.kinds import Grid, Panes, Session
from dataeng_assets.streams.windows.publish import WindowReport, publish

ALL = {
    "records": "count",
    "with_n": "count(n)",
    "total": "sum(n)",
    "amount": "sum(x)",
    "least": "min(x)",
    "most": "max(n)",
    "mean_n": "mean(n)",
    "mean_x": "mean(x)",
    "kinds": "distinct(n)",
    "pairs": "distinct(n, x)",
    "about": "approx_distinct(x)",
    "first_n": "first(n)",
    "last_x": "last(x)",
    "half": "quantile(x, 0.5)",
    "most_of_n": "quantile(n, 0.95)",
}


def aggregates(texts: dict[str, str] | None = None) -> tuple[Aggregate, ...]:
    return tuple(aggregate(name, text) for name, text in (texts or ALL).items())


class Bronze(Committed):
    """A stream whose windows are published."""

    def publish(self, windows: Windows, behind: Iterable[int] = ()) -> WindowReport:
        return publish(self.stream, windows, self.topic(behind), "run")

    def rows(self, windows: Windows) -> list[dict[str, Any]]:
        """What stands in the table, in an order, without sketches."""
        stored = self.stream.lake.open(self.stream.window_table(windows.name)).to_pyarrow_dataset().to_table()
        names = [name for name in stored.column_names if not name.endswith("_sketch") and name != "window_date"]
        rows: list[dict[str, Any]] = stored.select(names).to_pylist()
        return ordered(rows)


@contextmanager
def bronze(allowed: int = 0) -> Iterator[Bronze]:
    """A stream in a lake of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield Bronze(stream_of("clicks", Lake(str(Path(folder) / "lake"))), allowed)


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    places = ("window_start", "window_end", "who", "_kafka_partition", "_kafka_offset")
    return sorted(rows, key=lambda row: [str(row.get(name)) for name in places])


def reference(windows: Windows, events: Iterable[Event], closed: datetime | None) -> list[dict[str, Any]]:
    """The rules in plain words: each window that ends at or before a moment, from all events."""
    if closed is None:
        return []
    groups: dict[Any, list[Event]] = {}
    for event in sorted(events, key=lambda one: one.place):
        if windows.where != "n > 1" or (event.n is not None and event.n > 1):
            groups.setdefault(event.who if windows.by else None, []).append(event)
    rows = []
    for who, of in groups.items():
        for start, end, inside, more in _windows(windows, of):
            if EPOCH + timedelta(microseconds=end) <= closed:
                row = {"window_start": start, "window_end": end}
                row = {name: EPOCH + timedelta(microseconds=moment) for name, moment in row.items()}
                told = {one.name: _told(one, inside) for one in windows.aggregates}
                rows.append(row | ({"who": who} if windows.by else {}) | told | more)
    return ordered(rows)


def _windows(windows: Windows, events: list[Event]) -> Iterator[tuple[int, int, list[Event], dict[str, Any]]]:
    match windows.kind:
        case Grid(size, every, offset):
            found: dict[int, list[Event]] = {}
            for event in events:
                start = (event.moment - offset) // every * every + offset
                while start + size > event.moment:
                    found.setdefault(start, []).append(event)
                    start -= every
            for start, inside in found.items():
                yield start, start + size, inside, {}
        case Session() as kind:
            for inside, cut in _sessions(kind, events):
                yield inside[0].moment, min(inside[-1].moment + kind.gap, cut), inside, {}
        case Panes() as kind:
            for inside, end, fired in _panes(kind, events):
                last = {"_kafka_partition": inside[-1].partition, "_kafka_offset": inside[-1].offset}
                yield inside[0].moment, end, inside, {"fired_by": fired, **last}


def _sessions(kind: Session, events: list[Event]) -> Iterator[tuple[list[Event], int]]:
    inside: list[Event] = []
    cut = 0
    for event in events:
        is_apart = not inside or event.moment - inside[-1].moment >= kind.gap
        if inside and (is_apart or event.moment >= cut):
            yield inside, cut
            inside = []
        if is_apart:
            cut = -(-(event.moment + kind.longest) // kind.longest) * kind.longest
        while event.moment >= cut:
            cut += kind.longest
        inside.append(event)
    if inside:
        yield inside, cut


def _panes(kind: Panes, events: list[Event]) -> Iterator[tuple[list[Event], int, str]]:
    inside: list[Event] = []
    for event in events:
        if inside and event.moment >= inside[0].moment + kind.every:
            yield inside, inside[0].moment + kind.every, "time"
            inside = []
        inside.append(event)
        is_met = kind.condition == "n = 3" and event.n == 3
        if is_met or len(inside) == kind.count:
            yield inside, event.moment + 1, "condition" if is_met else "count"
            inside = []
    if inside:
        yield inside, inside[0].moment + kind.every, "time"


def _told(one: Aggregate, events: list[Event]) -> Any:
    values = [tuple(getattr(event, name) for name in one.columns) for event in events]
    there: list[Any] = [value[0] for value in values if value and value[0] is not None]
    whole = {value for value in values if None not in value}
    match one.function:
        case "count":
            return len(there) if one.columns else len(events)
        case "distinct" | "approx_distinct":
            return len(whole)
        case "first":
            return values[0][0]
        case "last":
            return values[-1][0]
    if not there:
        return None
    exact = sum(map(Fraction, there), Fraction())
    match one.function:
        case "sum":
            return float(exact) if one.columns == ("x",) else int(exact)
        case "mean":
            return float(exact) / len(there) if one.columns == ("x",) else float(exact / len(there))
        case "quantile":
            assert one.share is not None
            return sorted(there)[ceil(one.share * len(there)) - 1]
    return min(there) if one.function == "min" else max(there)
