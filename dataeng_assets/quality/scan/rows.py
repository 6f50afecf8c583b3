"""Rules that judge each row by itself, and the types of columns: all in the shared pass."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from dataeng_assets.contracts.checks.kinds import Holds, IsNull, NotNull, OfType, RowCheck
from dataeng_assets.contracts.checks.predicates import columns_of, judged_columns, judged_sql, violation_sql
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.quality.inputs.opened import Held
from dataeng_assets.quality.results import RuleResult, Status
from dataeng_assets.quality.scan.question import Facts, Question, Unanswerable, rows_result, undecided
from dataeng_assets.quality.scan.subject import Subject
from dataeng_assets.quality.scan.typed import type_result


def ask_rows(rule: Rule[RowCheck], subject: Subject) -> Question:
    """A check of rows."""
    check = rule.check
    require(subject, columns_of(check))
    try:
        failing = violation_sql(rule, subject.types)
    except KeyError as unknown:
        raise Unanswerable(str(unknown.args[0])) from None
    columns = columns_of(check)
    judged = judged_columns(check)
    if isinstance(check, NotNull | IsNull) and not rule.where and not getattr(check, "also_missing", ()):
        written = subject.written.get(check.column, quoted(check.column))
        missing = f"{written} is {'' if isinstance(check, NotNull) else 'not '}null"
        return Question(rule, partial(_presence, rule, check), (), missing, columns)
    misread = any(name in subject.misread for name in judged)
    counted = bool(rule.where) or misread or len(judged) > 1 or isinstance(check, Holds)
    aggregates = [
        f"count(*) filter (where {failing})",
        *([f"count(*) filter (where {judged_sql(rule)})"] if counted else []),
    ]
    return Question(rule, partial(_answer, rule, subject, judged), tuple(aggregates), failing, _shown(columns, subject))


def _presence(rule: Rule, check: NotNull | IsNull, facts: Facts, _: Sequence[Any]) -> RuleResult:
    """What is missing was counted already."""
    missing = facts.nulls[check.column]
    return rows_result(rule, missing if isinstance(check, NotNull) else facts.rows - missing, facts.rows)


def _answer(
    rule: Rule[RowCheck], subject: Subject, judged: Sequence[str], facts: Facts, values: Sequence[Any]
) -> RuleResult:
    failing, *counted = values
    spoken = counted[0] if counted else facts.rows - (facts.nulls[judged[0]] if judged else 0)
    result = rows_result(rule, failing, spoken)
    misread = [name for name in columns_of(rule.check) if name in subject.misread]
    if result.status is Status.NOTHING and misread and not isinstance(rule.check, NotNull):
        return undecided(rule, f"no value of {', '.join(misread)} can be read as {subject.types[misread[0]]}")
    return result


def ask_type(rule: Rule[OfType], subject: Subject) -> Question:
    """The type of a column: by the format where it has types, else value by value."""
    check = rule.check
    require(subject, (check.column,))
    column = subject.column(check.column)
    if column is None or column.held is Held.TYPED:
        return Question(rule, lambda _, __: type_result(rule, check, column))
    failing = subject.misread[check.column]

    def answer(facts: Facts, values: Sequence[Any]) -> RuleResult:
        return rows_result(rule, values[0], facts.rows - facts.nulls[check.column])

    return Question(rule, answer, (f"count(*) filter (where {failing})",), failing, _shown((check.column,), subject))


def require(subject: Subject, columns: Sequence[str]) -> None:
    """Refuse a rule on columns that the input does not have.

    Raises:
        Unanswerable: names the columns, with the nearest that there are.
    """
    there = [column.name for column in subject.input.columns]
    for name in columns:
        if name not in there:
            raise Unanswerable(f"there is no column {name!r}{did_you_mean(name, there)}")


def _shown(columns: Sequence[str], subject: Subject) -> tuple[str, ...]:
    """What a sample shows: the columns judged; of a free condition all, as nothing says which it speaks about."""
    return tuple(columns) or tuple(column.name for column in subject.input.columns)[:12]
