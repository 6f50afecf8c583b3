"""All series of a table, judged together.

One table has dozens of series, so those of columns must stand out further before they raise an alarm. Reading and
writing points belongs in `history`, the rule itself in `detect`.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from dataeng_assets.quality.anomalies.backtest import Replay, backtest, with_false_alarms
from dataeng_assets.quality.anomalies.detect import LIMIT, Finding, Outcome, judge
from dataeng_assets.quality.anomalies.history import Name, Series

COLUMN_LIMIT = 6.0
BACK_TESTED = 3
"""So many findings of a table tell their false alarms: each takes as long as to judge the whole table."""


def judge_series(series: Mapping[Name, Series], moments: Collection[datetime] | None = None) -> list[Finding]:
    """Judge points of every series, each by those before it.

    Args:
        series: by metric and column.
        moments: of the points that are judged; the newest of each series when not given.
    """
    found = []
    for (metric, column), one in series.items():
        for point in one.points[-1:] if moments is None else one.points:
            if moments is None or point.at in moments:
                changed_at = max((change for change in one.changes if change <= point.at), default=None)
                limit = _limit(column)
                found.append(judge(one.points, point, metric=metric, column=column, changed_at=changed_at, limit=limit))
    return found


def most_unusual(series: Mapping[Name, Series], findings: Iterable[Finding]) -> list[Finding]:
    """The anomalies among findings, the most unusual first; the first of them with their false alarms so far.

    Args:
        series: that the findings are of.
        findings: of any outcome.
    """
    anomalies = sorted((one for one in findings if one.outcome is Outcome.ANOMALY), key=_excess, reverse=True)
    return [_back_tested(one, series) for one in anomalies[:BACK_TESTED]] + anomalies[BACK_TESTED:]


def replay_series(name: Name, series: Series) -> Replay:
    """The rule over a whole series."""
    metric, column = name
    return backtest(series.points, metric=metric, column=column, changes=series.changes, limit=_limit(column))


def _back_tested(finding: Finding, series: Mapping[Name, Series]) -> Finding:
    of = series[finding.metric, finding.column]
    return with_false_alarms(finding, of.points, changes=of.changes, limit=_limit(finding.column))


def _excess(finding: Finding) -> float:
    """How many times further than usual; a change of the columns is the most unusual of all."""
    return abs(finding.score) / finding.allowed if finding.score is not None and finding.allowed else math.inf


def _limit(column: str | None) -> float:
    return COLUMN_LIMIT if column else LIMIT
