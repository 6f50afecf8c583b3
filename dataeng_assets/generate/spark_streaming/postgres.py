"""The tables that a Spark job writes in Postgres: events, dead letters and windows of each topic.

How rows come into them stands in the templates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataeng_assets.generate.request import RequestRefused
from dataeng_assets.generate.streaming.events import Event
from dataeng_assets.generate.streaming.sql_types import sql_type

_LONGEST_NAME = 63
"""Bytes; Postgres cuts a longer name short without a word."""


@dataclass(frozen=True)
class Written:
    """A table that the job writes.

    Attributes:
        columns: their types, in order.
        required: the columns that always hold something.
        key: identifies a row however often it is sent.
    """

    name: str
    columns: Mapping[str, str]
    required: tuple[str, ...]
    key: tuple[str, ...]


def tables(events: Sequence[Event], place: Sequence[str]) -> tuple[Written, ...]:
    """The tables of each topic.

    Args:
        events: of the topics.
        place: the columns that say where a record lay in its topic, which it was there, and when it was sent.

    Raises:
        RequestRefused: a name is longer than Postgres takes.
    """
    found = tuple(table for event in events for table in _tables(event, place))
    names = {name for table in found for name in (table.name, *table.columns)}
    long = sorted(name for name in names if len(name.encode()) > _LONGEST_NAME)
    if long:
        raise RequestRefused(
            f"Postgres takes names of {_LONGEST_NAME} bytes, and these are longer: {', '.join(long)}. "
            "--destination delta takes them."
        )
    return found


def _tables(event: Event, place: Sequence[str]) -> list[Written]:
    partition, offset, timestamp = place
    record = {partition: "integer", offset: "bigint", timestamp: sql_type("postgres", "timestamp")}
    fields = {one.name: sql_type("postgres", one.kind) for one in event.fields}
    required = tuple(one.name for one in event.fields if not one.nullable)
    key = (partition, offset)
    made = [
        Written(event.name, {**fields, "_rescued": "json", **record}, (*required, timestamp), key),
        Written(
            f"{event.name}_dead_letters",
            {**record, "_reason": "text", "key": "bytea", "value": "bytea"},
            (timestamp, "_reason"),
            key,
        ),
    ]
    if event.event_time:
        times = dict.fromkeys(("window_start", "window_end"), sql_type("postgres", "timestamp"))
        groups = dict.fromkeys(event.group_by, "text")
        made.append(
            Written(
                f"{event.name}_windows",
                {**times, **groups, "records": "bigint"},
                ("window_end", "records"),
                ("window_start", *event.group_by),
            )
        )
    return made
