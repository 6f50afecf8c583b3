"""All series of a table, judged together.

One table has dozens of series, so those of columns must stand out further before they raise an alarm. Reading and
writing points belongs in `history`, the rule itself in `detect`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from dataeng_assets.quality.anomalies.backtest import Replay, backtest, with_false_alarms
from dataeng_assets.quality.anomalies.detect import LIMIT, Finding, Outcome, judge
from dataeng_assets.quality.anomalies.history import Name, Series

COLUMN_LIMIT = 6.0


def judge_series(
    series: Mapping[Name, Series], moments: Collection[datetime] | None = None, *, back_test: bool = True
) -> list[Finding]:
    """Judge points of every series, each by those before it.

    Args:
        series: by metric and column.
        moments: of the points that are judged; the newest of each series when not given.
        back_test: whether an anomaly carries how often the rule was wrong before it.
    """
    found = []
    for (metric, column), one in series.items():
        limit = _limit(column)
        for point in one.points[-1:] if moments is None else one.points:
            if moments is not None and point.at not in moments:
                continue
            changed_at = max((change for change in one.changes if change <= point.at), default=None)
            finding = judge(one.points, point, metric=metric, column=column, changed_at=changed_at, limit=limit)
            if back_test and finding.outcome is Outcome.ANOMALY:
                finding = with_false_alarms(finding, one.points, changes=one.changes, limit=limit)
            found.append(finding)
    return found


def replay_series(name: Name, series: Series) -> Replay:
    """The rule over a whole series."""
    metric, column = name
    return backtest(series.points, metric=metric, column=column, changes=series.changes, limit=_limit(column))


def _limit(column: str | None) -> float:
    return COLUMN_LIMIT if column else LIMIT
