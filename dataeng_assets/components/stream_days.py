"""Days of the tables that follow from a stream's events: those that a person asks for, and those that a run has filled.

A run of the stream takes what is due, whatever day it is of, so it has no partition; it tells Dagster which days it has
filled. A run that a person asks for has days, and computes these anew from what is committed.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

import dagster as dg

from dataeng_assets.orchestration.partitions import calendar, days_of

Ranges = Iterable[tuple[datetime, datetime]]


def asked_days(context: dg.AssetExecutionContext) -> tuple[date, date] | None:
    """First and last day that a person has asked for; None in a run of the stream."""
    is_asked = context.has_partition_key or context.has_partition_key_range
    return days_of(context.partition_time_window) if is_asked else None


def filled_days(instance: dg.DagsterInstance, key: dg.AssetKey, replaced: Ranges) -> Iterator[dg.AssetMaterialization]:
    """What a run of the stream tells of days: those whose rows it has put in place, and today, where it stands.

    The first one tells every day of the calendar, so that days without an event are not left missing.

    Args:
        instance: where they are recorded.
        key: of the table.
        replaced: half-open ranges of time in which rows were put in place.
    """
    first, today = calendar()
    if instance.get_latest_materialization_event(key) is None:
        days = {*_days(first, today)}
    else:
        just_before = timedelta(microseconds=1)
        days = {today}.union(
            *(_days(max(start.date(), first), min((end - just_before).date(), today)) for start, end in replaced)
        )
    for day in sorted(days):
        yield dg.AssetMaterialization(key, partition=day.isoformat())


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
