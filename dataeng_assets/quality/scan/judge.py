"""Judging a table: every rule becomes a question, all that can share a pass share one, and each gets its result."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from dataeng_assets.contracts.checks.functions import JSON_VALID, register_functions
from dataeng_assets.contracts.checks.kinds import (
    Check,
    DistinctValues,
    HasColumns,
    JsonSchema,
    Measure,
    Metric,
    MostCommon,
    NoRows,
    OfType,
    Ordered,
    Query,
    Reconciles,
    References,
    SameResult,
    Unique,
    ZScore,
)
from dataeng_assets.contracts.checks.rule import Rule, Suite
from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.quality.inputs.opened import Input, InputUnreadable
from dataeng_assets.quality.results import ColumnProfile, RuleResult, Status, TableResult
from dataeng_assets.quality.scan.keys import ask_ordered, ask_references, ask_unique, ask_z_score
from dataeng_assets.quality.scan.metrics import ask_distinct_values, ask_measure, ask_most_common
from dataeng_assets.quality.scan.queries import ask_columns, ask_no_rows, ask_query, ask_reconciles, ask_same_result
from dataeng_assets.quality.scan.question import Facts, Question, Unanswerable, undecided
from dataeng_assets.quality.scan.rows import ask_rows, ask_type
from dataeng_assets.quality.scan.samples import Broken, samples
from dataeng_assets.quality.scan.subject import Subject, subject

_ASK: dict[type[Check], Callable[[Rule[Any], Subject], Question]] = {
    OfType: ask_type,
    HasColumns: ask_columns,
    Unique: ask_unique,
    References: ask_references,
    Ordered: ask_ordered,
    ZScore: ask_z_score,
    Measure: ask_measure,
    MostCommon: ask_most_common,
    DistinctValues: ask_distinct_values,
    Reconciles: ask_reconciles,
    Query: ask_query,
    NoRows: ask_no_rows,
    SameResult: ask_same_result,
}


def no_other_table(name: str) -> str:
    """For an input that has no tables beside it."""
    raise InputUnreadable(f"the rule names the table {name!r}, and nothing says where it is")


def judge(
    connection: duckdb.DuckDBPyConnection,
    opened: Input,
    suite: Suite,
    *,
    other: Callable[[str], str] = no_other_table,
    now: datetime | None = None,
) -> TableResult:
    """Judge an input by all rules of a suite.

    Args:
        connection: the one that the input was opened on.
        opened: what is judged.
        suite: what is demanded.
        other: opens another table by the name that a rule gives it, as SQL for after FROM.
        now: the moment that freshness is judged at; the present when None.

    Returns:
        One result per rule, in their order; a rule that cannot be evaluated is undecided and stops no other.
    """
    started = time.monotonic()
    judged = subject(connection, opened, with_presence(suite), other=other, now=now or datetime.now(UTC))
    return table_result(judged, *answers(judged), started)


def with_presence(suite: Suite) -> Suite:
    """A suite that names columns demands that they are there."""
    if not suite.columns or any(isinstance(rule.check, HasColumns) for rule in suite.rules):
        return suite
    presence = Rule(HasColumns(tuple(column.name for column in suite.columns)), "columns_present")
    return replace(suite, rules=(presence, *suite.rules))


def answers(judged: Subject) -> tuple[Facts, list[RuleResult]]:
    """What the table is, and what becomes of each rule of the suite."""
    if any(isinstance(rule.check, JsonSchema) for rule in judged.suite.rules):
        _register(judged.connection)
    questions = [question(rule, judged) for rule in judged.suite.rules]
    facts, values = _facts(judged), _shared_pass(judged, questions)
    return facts, answered(judged, questions, facts, values)


def table_result(judged: Subject, facts: Facts, results: Sequence[RuleResult], started: float) -> TableResult:
    """All results of a table together, with the time since `started` of the monotonic clock."""
    opened = judged.input
    return TableResult(
        suite=judged.suite,
        input=opened.name,
        data_version=opened.version or "",
        rows=facts.rows,
        columns=tuple(ColumnProfile(c.name, c.duckdb_type, facts.nulls[c.name]) for c in opened.columns),
        results=tuple(results),
        judged_at=judged.now,
        seconds=time.monotonic() - started,
        freshest=_freshest(results),
        not_executed=judged.suite.not_executed,
    )


def _register(connection: duckdb.DuckDBPyConnection) -> None:
    known = f"select count(*) from duckdb_functions() where function_name = '{JSON_VALID}'"
    if not connection.execute(known).fetchall()[0][0]:
        register_functions(connection)


def question(rule: Rule, judged: Subject) -> Question:
    """The rule as it is asked; one that cannot be asked is undecided."""
    try:
        return _ASK.get(type(rule.check), ask_rows)(rule, judged)
    except (Unanswerable, InputUnreadable, LookupError) as error:
        reason = str(error)
        return Question(rule, lambda _, __: undecided(rule, reason))


def _facts(judged: Subject) -> Facts:
    """Rows and missing values; of Parquet they stand in the footers, so that asking for them alone reads no column."""
    names = [column.name for column in judged.input.columns]
    counts = [judged.written.get(name, quoted(name)) for name in names]
    wanted = listed(["count(*)", *(f"count({name})" for name in counts)])
    rows, *there = judged.ask(f"select {wanted} from {judged.relation}")[0]
    return Facts(rows, {name: rows - count for name, count in zip(names, there, strict=True)})


def _shared_pass(judged: Subject, questions: Sequence[Question]) -> dict[str, Sequence[Any]]:
    """Run the one pass; aggregates that cannot be bound are left out, and their rules are undecided."""
    askable = [question for question in questions if question.aggregates]
    sound = askable if _binds(judged, askable) else [one for one in askable if _binds(judged, [one])]
    if not sound:
        return {}
    row = judged.ask(f"select {listed(a for q in sound for a in q.aggregates)} from {judged.relation}")[0]
    values: dict[str, Sequence[Any]] = {}
    at = 0
    for question in sound:
        values[question.rule.name] = row[at : at + len(question.aggregates)]
        at += len(question.aggregates)
    return values


def _binds(judged: Subject, questions: Iterable[Question]) -> bool:
    aggregates = listed(a for question in questions for a in question.aggregates)
    try:
        judged.connection.execute(f"explain select {aggregates or '1'} from {judged.relation}").fetchall()
    except duckdb.Error:
        return False
    return True


def answered(
    judged: Subject, questions: Sequence[Question], facts: Facts, values: Mapping[str, Sequence[Any]]
) -> list[RuleResult]:
    """The result of each question, from the values of its aggregates by the name of its rule, with sample rows."""
    results = [_answer(question, facts, values.get(question.rule.name)) for question in questions]
    failing = {
        q.rule.name: Broken(q.failing, result.failing, q.shown)
        for q, result in zip(questions, results, strict=True)
        if q.failing and result.failing and result.status is Status.VIOLATED
    }
    found = samples(judged, failing)
    return [replace(result, samples=found.get(result.rule.name, result.samples)) for result in results]


def _answer(question: Question, facts: Facts, values: Sequence[Any] | None) -> RuleResult:
    if question.aggregates and values is None:
        return undecided(question.rule, "its condition is no SQL that fits the columns")
    try:
        return question.answer(facts, values or ())
    except (Unanswerable, InputUnreadable, LookupError) as error:
        return undecided(question.rule, str(error))
    except duckdb.Error as error:
        return undecided(question.rule, str(error).splitlines()[0])


def _freshest(results: Iterable[RuleResult]) -> tuple[str, datetime] | None:
    for result in results:
        check = result.rule.check
        if isinstance(check, Measure) and check.metric is Metric.HOURS_OLD and "max_timestamp" in result.numbers:
            return check.column, datetime.fromisoformat(str(result.numbers["max_timestamp"]))
    return None
