"""What all formats say alike: outcomes, numbers, times, and text that shows what cannot be seen.

What a rule demands is said by `contracts.checks.words`. Where it stands on a page, and how it is escaped there,
belongs in the module of each format.
"""

import math
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from dataeng_assets.contracts.checks.conditions import SqlRefused
from dataeng_assets.contracts.checks.consistent import named_columns
from dataeng_assets.contracts.checks.kinds import (
    Check,
    Measure,
    NoRows,
    Ordered,
    Query,
    Reconciles,
    References,
    RowCheck,
    Unique,
    ZScore,
)
from dataeng_assets.contracts.checks.rule import NONE, Rule, Severity, Unit
from dataeng_assets.quality.results import WORST_FIRST, Overall, RuleResult, Status, TableResult, share
from dataeng_assets.settings import ROOT

Value = int | float | str | None

NO_ROWS = "The input has no rows, so nothing could be judged. An empty table is not a pass."
_JOINERS = "\u200c\u200d"
"""They shape letters and emoji, and hide nothing."""
_OF_ROWS = RowCheck | Ordered | ZScore | Unique | References | NoRows
"""Checks that rows may break."""
_HUGE = 1e15


class Outcome(StrEnum):
    """What became of one rule, with its severity."""

    VIOLATED = "violated"
    UNDECIDED = "undecided"
    WARNING = "warning"
    NOTHING = "nothing to judge"
    HOLDS = "holds"


def outcome(result: RuleResult) -> Outcome:
    """The outcome of a rule in one word or three."""
    if result.status is Status.VIOLATED:
        return Outcome.WARNING if result.rule.severity is Severity.WARNING else Outcome.VIOLATED
    return {Status.HOLDS: Outcome.HOLDS, Status.NOTHING: Outcome.NOTHING}.get(result.status, Outcome.UNDECIDED)


def worst_first(results: Sequence[RuleResult]) -> list[RuleResult]:
    """Violations, then what is undecided, then warnings; each in the order of the rules."""
    order = list(Outcome)
    return sorted(results, key=lambda result: order.index(outcome(result)))


def together(results: Sequence[TableResult]) -> Overall:
    """What became of several tables: the worst of them. No table at all is undecided."""
    found = {result.overall for result in results}
    return next((overall for overall in WORST_FIRST if overall in found), Overall.UNDECIDED)


def empty_input(result: TableResult) -> str:
    """Why a table without rows is undecided, for the formats that would show no rule that says so; else empty."""
    is_told = result.by_status(Status.UNDECIDED)
    return NO_ROWS if result.overall is Overall.UNDECIDED and not is_told else ""


def told_columns(check: Check) -> tuple[str, ...]:
    """The columns that a check speaks about, each once; none where its condition cannot be read."""
    try:
        return tuple(dict.fromkeys(named_columns(check)))
    except SqlRefused:
        return ()


def allowed(rule: Rule) -> str:
    """What the bounds of a rule allow, in words; nothing where the rule itself says it all."""
    if isinstance(rule.check, Measure | Query | Reconciles):
        return str(rule.bounds)
    if rule.bounds == NONE:
        return "no row" if isinstance(rule.check, _OF_ROWS) else ""
    return f"{rule.bounds} of rows" if rule.bounds.unit is Unit.PERCENT else f"{rule.bounds} rows"


def numbers(result: RuleResult) -> list[tuple[str, str]]:
    """The numbers of a result with their names, as people read them; what is allowed where that was not kept."""
    told: list[tuple[str, str]] = []
    if result.failing is not None and result.judged is not None:
        part = f" ({share(result.failing, result.judged)})" if result.judged else ""
        told.append(("failing", f"{number(result.failing)} of {number(result.judged)}{part}"))
    elif result.value is not None:
        told.append(("value", number(result.value)))
    told += [(visible(name.replace("_", " ")), number(value)) for name, value in result.numbers.items()]
    is_told = result.status is Status.VIOLATED and result.rule.bounds != NONE
    return [*told, ("allowed", allowed(result.rule))] if is_told else told


def number(value: Value) -> str:
    """A number with thousands separated and at most six digits that count; texts as they are, and nothing as none."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    short = f"{value:,.6g}"
    if "e+" in short and abs(value) < _HUGE:
        return f"{value:,.0f}"
    # what is nearly a whole number is not shown as one
    return str(value) if value != round(value) and float(short.replace(",", "")).is_integer() else short


def hours_old(result: TableResult) -> float | None:
    """Hours from the largest time in the table to when it was judged."""
    if result.freshest is None:
        return None
    return (_aware(result.judged_at) - _aware(result.freshest[1])).total_seconds() / 3600


def iso(moment: datetime) -> str:
    """A moment in UTC as ISO 8601 writes it, to the second."""
    return _aware(moment).isoformat(timespec="seconds").replace("+00:00", "Z")


def utc(moment: datetime) -> str:
    """A moment in UTC for people."""
    return f"{_aware(moment):%Y-%m-%d %H:%M} UTC"


def from_root(place: str) -> str:
    """A place in a document of this project as seen from its root, so that it is the same on every machine."""
    return place.removeprefix(f"{ROOT}/")


def visible(text: str) -> str:
    """Text on one line in which whatever is hidden is written out: line ends, escapes, marks of direction.

    What a terminal, a page or XML must not see is gone from it. Letters of every script are as they were.
    """
    return "".join(character if _is_shown(character) else _written_out(character) for character in text)


def _is_shown(character: str) -> bool:
    if character in _JOINERS:
        return True
    is_no_character = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    return not is_no_character and unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _written_out(character: str) -> str:
    known = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
    code = ord(character)
    return known.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
