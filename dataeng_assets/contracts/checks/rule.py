"""A rule: a check with its name, severity, condition and tolerance; and the suite of all rules of one table.

The kinds of checks belong in `kinds`, their SQL in `predicates`, reading documents in `load` and `convert`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Generic

from typing_extensions import TypeVar

from dataeng_assets.contracts.checks.kinds import Check

C_co = TypeVar("C_co", bound=Check, default=Check, covariant=True)


class Severity(StrEnum):
    """What a violation means: an error stops what comes after it, a warning is told."""

    ERROR = "error"
    WARNING = "warning"


class Unit(StrEnum):
    """What the bounds of a rule count."""

    ROWS = "rows"
    PERCENT = "percent"


Number = int | float | Decimal


@dataclass(frozen=True)
class Bounds:
    """A range of numbers; `excluded` turns it into everything outside of it.

    For a check of rows, uniqueness or references it says how many rows (or what percentage of those judged) may break
    it, by default none; for a metric, what it may be.
    """

    lower: Number | None = None
    upper: Number | None = None
    lower_open: bool = False
    upper_open: bool = False
    unit: Unit = Unit.ROWS
    excluded: bool = False

    def hold(self, value: Number, of: int | None = None) -> bool:
        """Whether a number satisfies them, exactly: nothing is rounded, so 99.999 % is not 100 %.

        Args:
            value: the number, or the count when the unit is percent; NaN satisfies nothing.
            of: what the count is a part of, for percent.
        """
        if value != value:
            return False
        exact = _exact(value)
        if self.unit is Unit.PERCENT and of is not None:
            exact = exact * 100 / of if of else Fraction(0)
        above = (
            self.lower is None or exact > _exact(self.lower) or (exact == _exact(self.lower) and not self.lower_open)
        )
        below = (
            self.upper is None or exact < _exact(self.upper) or (exact == _exact(self.upper) and not self.upper_open)
        )
        return (above and below) != self.excluded

    def __str__(self) -> str:
        unit = " %" if self.unit is Unit.PERCENT else ""
        if self.lower is not None and self.lower == self.upper:
            return f"{'not ' if self.excluded else ''}{self.lower}{unit}"
        parts = []
        if self.lower is not None:
            parts.append(f"{'more than' if self.lower_open else 'at least'} {self.lower}{unit}")
        if self.upper is not None:
            parts.append(f"{'less than' if self.upper_open else 'at most'} {self.upper}{unit}")
        said = " and ".join(parts) or "any"
        return f"not ({said})" if self.excluded else said


NONE = Bounds(upper=0)
"""Not one row may break it."""


@dataclass(frozen=True)
class Rule(Generic[C_co]):
    """What is demanded of a table; `Rule[Unique]` where the kind of check is known.

    Attributes:
        check: what is judged.
        name: unique in its suite; letters, digits and underscores.
        bounds: see `Bounds`.
        severity: what a violation means.
        where: an SQL condition; only rows for which it is true are judged. Empty: all.
        dimension: in ODCS' words: accuracy, completeness, conformity, consistency, coverage, timeliness, uniqueness.
        description: why, in the document's words.
        place: where it stands, as `file:line` or a path in the document; empty when it was made by code.
    """

    check: C_co
    name: str
    bounds: Bounds = NONE
    severity: Severity = Severity.ERROR
    where: str = ""
    dimension: str = ""
    description: str = ""
    place: str = field(default="", compare=False)


@dataclass(frozen=True)
class NotExecuted:
    """Something that a document says and that is not checked.

    Attributes:
        place: where it stands in the document.
        said: what it says, shortened.
        reason: why it is not checked, and what would be.
    """

    place: str
    said: str
    reason: str


@dataclass(frozen=True)
class SuiteColumn:
    """What a suite knows of a column beside its rules.

    Attributes:
        logical: type in the words of ODCS; empty when unknown.
        physical: exact type as the document writes it; empty when unknown.
        personal: whether its values must never be shown.
    """

    name: str
    logical: str = ""
    physical: str = ""
    nullable: bool = True
    personal: bool = False
    description: str = ""


@dataclass(frozen=True)
class Consumer:
    """Who reads the table, and which columns; none named means all."""

    name: str
    columns: tuple[str, ...] = ()
    contact: str = ""


@dataclass(frozen=True)
class Quarantine:
    """Whether rows that break a rule of rows are set aside, and how many of a batch may be before nothing is released.

    Attributes:
        limit: the run fails, and releases nothing, when what is set aside does not satisfy it.
    """

    limit: Bounds = Bounds(upper=10, unit=Unit.PERCENT)


@dataclass(frozen=True)
class Suite:
    """All that one document says of one table, ready to be judged.

    Attributes:
        name: the table's or topic's.
        id: the contract's; its name when it has none.
        key: columns that identify a row; they are shown with failing rows.
        not_executed: what the document says and what is not checked.
        owner: empty when unknown.
        sla: other promises by name, in words, such as `retention`.
    """

    name: str
    columns: tuple[SuiteColumn, ...] = ()
    rules: tuple[Rule, ...] = ()
    key: tuple[str, ...] = ()
    id: str = ""
    version: str = ""
    description: str = ""
    owner: str = ""
    not_executed: tuple[NotExecuted, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    quarantine: Quarantine | None = None
    sla: Mapping[str, str] = field(default_factory=dict)

    @property
    def personal(self) -> frozenset[str]:
        """The columns whose values must never be shown."""
        return frozenset(column.name for column in self.columns if column.personal)


def _exact(number: Number) -> Fraction | float:
    """The number as it is written: 0.1 is a tenth, not the double nearest to it. Infinity stays what it is."""
    if isinstance(number, float):
        return number if math.isinf(number) else Fraction(str(number))
    return Fraction(number)
