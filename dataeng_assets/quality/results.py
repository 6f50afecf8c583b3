"""What judging a table gives, as values. Finding it belongs in `scan`, writing it down in `written` and `report`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from dataeng_assets.contracts.checks.kinds import Measure, Metric
from dataeng_assets.contracts.checks.rule import NotExecuted, Rule, Severity, Suite


class Status(StrEnum):
    """What became of one rule."""

    HOLDS = "holds"
    VIOLATED = "violated"
    NOTHING = "nothing_to_judge"
    """There was no row or no value that the rule speaks about: neither a pass nor a violation."""
    UNDECIDED = "undecided"
    """It could not be evaluated; the reason says why."""


class Overall(StrEnum):
    """What became of a table, and with which exit code a command ends."""

    HOLDS = "holds"
    WARNING = "warning"
    VIOLATED = "violated"
    UNDECIDED = "undecided"

    @property
    def exit_code(self) -> int:
        """0 when it holds (with warnings, too), 1 when it is violated, 2 when it could not be decided."""
        return {"violated": 1, "undecided": 2}.get(self.value, 0)


WORST_FIRST = (Overall.VIOLATED, Overall.UNDECIDED, Overall.WARNING, Overall.HOLDS)
"""The order in which people want to see tables."""


@dataclass(frozen=True)
class Sample:
    """One row that breaks a rule. Personal values were masked before they left the engine.

    Attributes:
        identity: its key, or its position in the input, by column.
        values: the columns that the rule speaks about, as text; None for a missing value.
    """

    identity: Mapping[str, str | None]
    values: Mapping[str, str | None]


@dataclass(frozen=True)
class RuleResult:
    """What became of one rule.

    Attributes:
        value: what was measured, as a number or text: rows that break it, or the metric; None when nothing was.
        judged: rows that the rule spoke about; None for a metric.
        failing: rows that break it; None for a metric.
        numbers: further numbers by name, such as groups, excess_rows and rows_involved of duplicates.
        reason: a sentence: what was found against what was demanded, or why nothing was judged.
        next_step: what to do about a violation.
        samples: at most three.
    """

    rule: Rule
    status: Status
    value: int | float | str | None = None
    judged: int | None = None
    failing: int | None = None
    numbers: Mapping[str, int | float | str | None] = field(default_factory=dict)
    reason: str = ""
    next_step: str = ""
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True)
class ColumnProfile:
    """What every scan tells of a column, whatever the rules are.

    Attributes:
        type: as the input delivers it.
        nulls: rows without a value.
    """

    name: str
    type: str
    nulls: int


@dataclass(frozen=True)
class TableResult:
    """What became of one table under one suite.

    Attributes:
        input: where it was read from, without secrets.
        data_version: which state was judged (Delta version, time of the file); empty when unknown.
        rows: how many there are.
        freshest: the column of time that freshness was judged by, with its largest value; None where there is none.
        judged_at: UTC.
        seconds: how long it took.
        read: in words, how much was judged where the table lies and how much was copied; empty where all was read.
    """

    suite: Suite
    input: str
    data_version: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    results: tuple[RuleResult, ...]
    judged_at: datetime
    seconds: float
    freshest: tuple[str, datetime] | None = None
    not_executed: tuple[NotExecuted, ...] = ()
    read: str = ""

    @property
    def overall(self) -> Overall:
        """Violated before undecided before warning.

        A rule that found nothing to judge, such as one on an optional column without any value, decides nothing. An
        input without rows is undecided, unless a rule on the number of rows allows none.
        """
        found = {(result.status, result.rule.severity) for result in self.results}
        if (Status.VIOLATED, Severity.ERROR) in found:
            return Overall.VIOLATED
        statuses = {status for status, _ in found}
        if Status.UNDECIDED in statuses or not (self.rows or self._may_be_empty):
            return Overall.UNDECIDED
        return Overall.WARNING if Status.VIOLATED in statuses else Overall.HOLDS

    @property
    def _may_be_empty(self) -> bool:
        counts = (result for result in self.results if result.rule.check == Measure(Metric.ROW_COUNT))
        return any(result.status is Status.HOLDS for result in counts)

    def by_status(self, status: Status) -> tuple[RuleResult, ...]:
        """The results of one status, in the order of the rules."""
        return tuple(result for result in self.results if result.status is status)


def share(part: int, whole: int) -> str:
    """A percentage that says 0 or 100 only when it is exactly that."""
    exact = Decimal(part) * 100 / Decimal(whole)
    for digits in (1, 2, 4, 8, 16):
        short = f"{exact:.{digits}f}"
        if Decimal(short) not in (0, 100):
            return f"{short} %"
    return f"{exact:f} %" if exact not in (0, 100) else f"{exact:.0f} %"
