"""From a profile to a proposed contract: rules that the data keeps and that somebody probably means.

Few and cautious ones: what is proposed is read by a person, and each rule that turns out wrong costs trust in all.
Measuring belongs in `profile`.
"""

import re
from collections.abc import Iterator, Sequence

from dataeng_assets.contracts.checks.implied import implied_rules
from dataeng_assets.contracts.checks.kinds import Between, Check, Format, Length, OneOf
from dataeng_assets.contracts.checks.naming import derived_name, unique_name
from dataeng_assets.contracts.checks.rule import NotExecuted, Rule, Suite, SuiteColumn
from dataeng_assets.contracts.convert.odcs_write import odcs_text
from dataeng_assets.quality.profile import ColumnShape, Profile
from dataeng_assets.quality.profile_keys import identifies
from dataeng_assets.quality.written.words import utc, visible

ENOUGH_ROWS = 10
"""With fewer rows nothing is proposed beside types and forms: that a column is full says little then."""
ENOUGH_VALUES = 3
"""So many values are enough to propose a form, which hardly fits by chance."""
MOST_ACCEPTED = 20
ROWS_PER_VALUE = 20
"""A set of accepted values is proposed when there are so many rows per value on average, and"""
ROWS_OF_EACH = 5
"""so many of each: a value that is rare has sisters that did not turn up yet."""

VERSION = "0.1.0"
_SIGNED = re.compile(
    r"lat|lon|lng|temp|balance|delta|diff|change|offset|score|profit|loss|margin|depth|elev|alt|deviation|residual"
    r"|coord|(^|_)[xyz](_|$)",
    re.IGNORECASE,
)
"""Names of numbers that may well be below 0, though none is today."""
_LIMITS = {"latitude": 90, "lat": 90, "longitude": 180, "lon": 180, "lng": 180}
_NEWEST = (
    re.compile(r"load|ingest|extract|import", re.IGNORECASE),
    re.compile(r"updat|modif|chang", re.IGNORECASE),
    re.compile(r"creat|insert|record|event|occur|order", re.IGNORECASE),
    re.compile(r"_at$|time|date|day|(?<=[a-z])At$", re.IGNORECASE),
)
"""What moves with every delivery, most telling name first."""
_FIXED_LEAST, _FIXED_MOST = 2, 40


def propose(profile: Profile) -> Suite:
    """A contract for a table as it was found: a first draft, for a person to correct."""
    said = [shape for shape in profile.columns if not _unsayable(shape.name, profile)]
    enough = profile.rows >= ENOUGH_ROWS
    columns = tuple(_column(shape, complete=enough and not shape.nulls) for shape in said)
    names = {shape.name for shape in said}
    key = next((key for key in profile.keys if set(key) <= names), ()) if enough else ()
    rules: dict[str, Rule] = {}
    for implied in implied_rules(columns, key):
        _add(rules, implied.check)
    for shape in said:
        for check in _checks(shape, key, enough=enough):
            _add(rules, check)
    left = [
        *(_left_out(shape.name) for shape in profile.columns if shape not in said),
        *_freshness(profile.table, said),
    ]
    return Suite(
        name=profile.table,
        id=profile.table,
        version=VERSION,
        columns=columns,
        rules=tuple(rules.values()),
        key=key,
        not_executed=tuple(left),
    )


def proposal_text(profile: Profile, suite: Suite) -> str:
    """The proposed contract as a document of ODCS, with what a person should look at on top of it."""
    lines = [
        f"Proposed by `dataeng contract infer` on {utc(profile.taken_at)} from {profile.input}:",
        f"{profile.size}. Data shows what is, not what is meant. Before anybody relies",
        "on this, a person reviews it, sets `status: active`, and answers:",
        *(f"- {question}" for question in review(profile, suite)),
    ]
    return "".join(f"# {visible(line)}\n" for line in lines) + odcs_text([suite], status="draft")


def review(profile: Profile, suite: Suite) -> list[str]:
    """What a person should look at, as questions."""
    personal = [column.name for column in suite.columns if column.personal]
    sets = [rule.check.column for rule in suite.rules if isinstance(rule.check, OneOf)]
    few = profile.rows < ENOUGH_ROWS
    untyped = [column.name for column in suite.columns if not column.logical]
    asked = [
        (few, "are there more rows? These are too few to say which columns must be filled, or what identifies a row"),
        (not suite.key and not few, "what identifies a row? Nothing tried here tells any two rows apart"),
        (bool(suite.key), f"is {', '.join(suite.key)} meant to identify a row, or is it just different today?"),
        (bool(personal), f"personal: {', '.join(personal)}? Guessed by name and form; values are masked in reports"),
        (
            not personal,
            "does a column tell who a person is? None was recognised; mark it with `classification: personal`",
        ),
        (bool(sets), f"do {', '.join(sets)} have other values that did not turn up?"),
        (bool(untyped), f"what is in {', '.join(untyped)}? There is no value, or not of one type"),
        (True, "who owns the table (`team`), what do its columns mean (`description`), how old may it be?"),
    ]
    return [question for applies, question in asked if applies]


def _column(shape: ColumnShape, *, complete: bool) -> SuiteColumn:
    return SuiteColumn(
        name=shape.name,
        logical=shape.logical,
        physical=(shape.type and shape.type.physical) or "",
        nullable=not complete,
        personal=bool(shape.personal),
        description=f"Taken for personal, as {shape.personal}: please review." if shape.personal else "",
    )


def _add(rules: dict[str, Rule], check: Check) -> None:
    name = unique_name(derived_name(check), check, rules)
    rules[name] = Rule(check, name)


def _checks(shape: ColumnShape, key: Sequence[str], *, enough: bool) -> Iterator[Check]:
    if shape.logical == "string" and shape.values >= ENOUGH_VALUES:
        yield from (Format(shape.name, form) for form in shape.formats[:1])
    if not enough:
        return
    if shape.logical == "string" and not shape.formats:
        if _is_set(shape) and shape.name not in key:
            yield OneOf(shape.name, tuple(sorted(value for value, _ in shape.frequent)))
        elif _is_fixed(shape):
            yield Length(shape.name, shape.shortest, shape.longest)
    elif shape.logical in ("integer", "number") and shape.values >= ENOUGH_ROWS and shape.name not in key:
        yield from _range(shape)


def _is_set(shape: ColumnShape) -> bool:
    counts = [count for _, count in shape.frequent]
    return (
        2 <= len(counts) <= MOST_ACCEPTED
        and not shape.personal
        and not identifies(shape.name)
        and min(counts) >= ROWS_OF_EACH
        and sum(counts) >= ROWS_PER_VALUE * len(counts)
    )


def _is_fixed(shape: ColumnShape) -> bool:
    """Whether it is a code: all texts have one length, and there are enough different ones to say so."""
    length = shape.shortest or 0
    is_fixed = length == shape.longest and _FIXED_LEAST <= length <= _FIXED_MOST and not shape.has_blanks
    return is_fixed and not shape.personal and shape.values >= 2 * ENOUGH_ROWS and shape.distinct >= ENOUGH_ROWS // 2


def _range(shape: ColumnShape) -> Iterator[Check]:
    limit = _LIMITS.get(shape.name.lower())
    if limit and shape.minimum and shape.maximum:
        if -limit <= float(shape.minimum) and float(shape.maximum) <= limit:
            yield Between(shape.name, -limit, limit)
    elif not (shape.is_negative_somewhere or identifies(shape.name) or _SIGNED.search(shape.name) or shape.personal):
        yield Between(shape.name, 0)


def _freshness(table: str, shapes: Sequence[ColumnShape]) -> Iterator[NotExecuted]:
    times = [shape for shape in shapes if shape.logical in ("timestamp", "date") and not shape.personal]
    ranked = [(rank, place) for place, shape in enumerate(times) for rank in [_rank(shape.name)] if rank is not None]
    if ranked:
        name = times[min(ranked)[1]].name
        yield NotExecuted(
            "",
            f"freshness by {name}",
            "proposed without a limit, as no data says how old it may be: write slaProperties with property latency, "
            f"element {table}.{name}, value and unit",
        )


def _rank(name: str) -> int | None:
    return next((rank for rank, pattern in enumerate(_NEWEST) if pattern.search(name)), None)


def _unsayable(name: str, profile: Profile) -> bool:
    """Whether a contract could not name the column so that it means this one."""
    alike = [shape.name for shape in profile.columns if shape.name.lower() == name.lower()]
    return name != name.strip() or len(alike) > 1


def _left_out(name: str) -> NotExecuted:
    return NotExecuted(
        "",
        f"column {name!r}",
        "a contract cannot name it: its name begins or ends with a blank, or differs from another one in upper and "
        "lower case only; rename it at its source",
    )
