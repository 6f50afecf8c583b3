"""The calendar: one daily partitioning, UTC, with the current day in it."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg

from dataeng_assets.settings import Settings


def daily() -> dg.DailyPartitionsDefinition:
    """Daily partitions from the first day that the settings name up to today."""
    return dg.DailyPartitionsDefinition(start_date=Settings.load().first_day.isoformat(), end_offset=1, timezone="UTC")


def newest_day() -> date:
    """The newest partition: today, UTC."""
    return datetime.now(UTC).date()


def calendar() -> tuple[date, date]:
    """First and newest partition."""
    return Settings.load().first_day, newest_day()


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags with which Dagster asks for a range of partitions in one run, both ends included."""
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }


def days_of(window: dg.TimeWindow) -> tuple[date, date]:
    """First and last day of a half-open window of whole days."""
    return window.start.date(), window.end.date() - timedelta(days=1)
