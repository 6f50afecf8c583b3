"""Reading what the site tells from the lake: results, and metrics over time."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.anomalies.detect import SCHEMA
from dataeng_assets.quality.anomalies.history import series
from dataeng_assets.quality.report.story import DAYS, Known, Story, story
from dataeng_assets.quality.report.trends import Trend, of_judgements, trend
from dataeng_assets.quality.results_store import Judgement, read

BASELINE = timedelta(days=60)
"""So much further back metrics are read, so that what is usual is known."""


def stories(lake: Lake, platform: Mapping[str, Known], *, now: datetime) -> list[Story]:
    """What is told of every table that was judged in the last days.

    Args:
        lake: where results and metrics lie.
        platform: what is known of all tables.
        now: the moment of the site; its day in UTC is the last one.
    """
    today = now.astimezone(UTC).date()
    since = datetime.combine(today - timedelta(days=DAYS - 1), datetime.min.time(), UTC)
    by_table: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in read(lake, since=since):
        by_table[judgement.table_key].append(judgement)
    return [
        story(
            key,
            judgements,
            trends=_trends(lake, key, judgements, since - BASELINE),
            known=platform.get(key, Known()),
            today=today,
        )
        for key, judgements in sorted(by_table.items())
    ]


def _trends(lake: Lake, key: str, judgements: list[Judgement], since: datetime) -> list[Trend]:
    """The measured metrics; what was not measured is taken from the judgements."""
    measured = [
        trend(metric, column, found.points, found.changes)
        for (metric, column), found in series(lake, key, since=since).items()
        if metric != SCHEMA
    ]
    known = [one for one in measured if one is not None]
    names = {(one.metric, one.column) for one in known}
    return known + [one for one in of_judgements(judgements) if (one.metric, one.column) not in names]
