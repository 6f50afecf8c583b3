"""Judging a table of Postgres where it lies: what the server answers exactly as the scan would, it answers.

That is one query for all rules of rows and metrics, one for each uniqueness, and one for the sample rows of each broken
rule, all in one moment. For the other rules the columns that they need are copied in the same moment, and judged here.
What is exact belongs in `exact`, reading the table in `inputs.postgres_table`.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from dataeng_assets.contracts.checks.conditions import SqlRefused, columns_in
from dataeng_assets.contracts.checks.consistent import named_columns
from dataeng_assets.contracts.checks.kinds import Holds, NoRows, Ordered, Query, SameResult
from dataeng_assets.contracts.checks.rule import Rule, Suite
from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.quality.inputs.open import explain_failure
from dataeng_assets.quality.inputs.opened import Input, folded
from dataeng_assets.quality.inputs.postgres_table import PostgresTable, pinned
from dataeng_assets.quality.results import RuleResult, TableResult
from dataeng_assets.quality.scan.exact import Exact, exact_columns, is_alike, needs_no_row
from dataeng_assets.quality.scan.judge import answered, answers, question, table_result, with_presence
from dataeng_assets.quality.scan.question import Facts
from dataeng_assets.quality.scan.subject import Subject, subject

_FREE = Holds | Query | NoRows | SameResult
"""What they read, or show of a row that breaks them, is not known."""
_MOST_VALUES = 1600
"""Of one row of Postgres."""


def judge_postgres(
    connection: duckdb.DuckDBPyConnection,
    where: str,
    suite: Suite,
    *,
    other: Callable[[str], str],
    now: datetime | None = None,
) -> TableResult:
    """Judge a table of Postgres by all rules of a suite; the result is that of `judge` on a copy of the table.

    Args:
        connection: where what is copied is judged.
        where: as `inputs.postgres_table.pinned` takes it.
        suite: what is demanded.
        other: opens another table by the name that a rule gives it, as SQL for after FROM.
        now: the moment that freshness is judged at; the present when None.

    Raises:
        InputUnreadable: the table, or a value that a rule speaks about.
    """
    started = time.monotonic()
    with ExitStack() as resources:
        with pinned(where) as table:
            with table.copied(connection, rows=False) as empty:
                here = subject(connection, empty, with_presence(suite), other=other, now=now or datetime.now(UTC))
            exact = exact_columns(table, here)
            there = _in_postgres(table, here, exact)
            facts, found = _asked(there, exact)
            rest = tuple(rule for rule in there.suite.rules if rule.name not in found)
            copied = resources.enter_context(table.copied(connection, _needed(rest, there))) if rest else None
        if copied:
            found |= _judged(rest, copied, here)
    result = table_result(there, facts, [found[rule.name] for rule in there.suite.rules], started)
    return replace(result, read=_told(len(there.suite.rules), len(rest), copied, len(there.types)))


def _in_postgres(table: PostgresTable, here: Subject, exact: dict[str, Exact]) -> Subject:
    """The table as a subject whose questions Postgres answers; a text that is held as text is never misread."""
    values = [f"{exact[name].value if name in exact else quoted(name)} as {quoted(name)}" for name in table.types]
    values += [f"{exact[name].value} as {quoted(name)}" for name in table.position if name in exact]
    place = f"{quoted(table.facts.schema)}.{quoted(table.facts.name)}"
    return replace(
        here,
        relation=f"(select {listed(values)} from {place}) as judged",
        misread=dict.fromkeys(here.misread, "false"),
        written={name: quoted(name) for name in here.written},
        elsewhere=table.ask,
    )


def _asked(there: Subject, exact: dict[str, Exact]) -> tuple[Facts, dict[str, RuleResult]]:
    """What the table is, and the results of the rules that Postgres answers, by name.

    A value that no copy would carry leaves every rule to the copy, which says which it is.
    """
    rules = [rule for rule in there.suite.rules if is_alike(rule, exact, there)]
    with_rows = [rule for rule in rules if not needs_no_row(rule, there)]
    questions = [question(rule, there) for rule in rules]
    spoken = {name for rule in with_rows for name in (*named_columns(rule.check), *there.identity)}
    lost = [f"count(*) filter (where {exact[name].lost})" for name in exact if name in spoken and exact[name].lost]
    counts = ["count(*)", *(f"count({quoted(name)})" for name in there.types)]
    values = _one_row(there, [*counts, *lost, *(part for one in questions for part in one.aggregates)])
    rows, *filled = (next(values) for _ in counts)
    facts = Facts(rows, {name: rows - count for name, count in zip(there.types, filled, strict=True)})
    if sum(next(values) for _ in lost):
        questions = [one for one in questions if needs_no_row(one.rule, there)]
    measured = {one.rule.name: [next(values) for _ in one.aggregates] for one in questions}
    return facts, {result.rule.name: result for result in answered(there, questions, facts, measured)}


def _one_row(there: Subject, expressions: Sequence[str]) -> Iterator[Any]:
    for start in range(0, len(expressions), _MOST_VALUES):
        yield from there.ask(f"select {listed(expressions[start : start + _MOST_VALUES])} from {there.relation}")[0]


def _needed(rules: Iterable[Rule], there: Subject) -> set[str] | None:
    """The columns that rules read, and what identifies a row; None when all may be."""
    wanted = set(there.identity)
    for rule in rules:
        if isinstance(rule.check, _FREE):
            return None
        try:
            wanted |= {*named_columns(rule.check), *(columns_in(rule.where) if rule.where else ())}
        except SqlRefused:
            return None
        wanted |= set(there.input.position) if isinstance(rule.check, Ordered) else set()
    known = {folded(name): name for name in (*there.types, *there.input.position)}
    names = {known.get(folded(name)) for name in wanted}
    return None if None in names else {name for name in names if name}


def _judged(rules: tuple[Rule, ...], copied: Input, whole: Subject) -> dict[str, RuleResult]:
    """The results of some rules; as what a text is read as is for the whole suite to say, the subject is made of it."""
    try:
        here = subject(whole.connection, copied, whole.suite, other=whole.other, now=whole.now)
        asked = replace(here, suite=replace(whole.suite, rules=rules))
        return {result.rule.name: result for result in answers(asked)[1]}
    except duckdb.Error as error:
        raise explain_failure(error, copied) from error


def _told(rules: int, rest: int, copied: Input | None, columns: int) -> str:
    by_server = f"{rules - rest:,} of {rules:,} rules were answered by Postgres"
    if copied is None:
        return f"{by_server}, nothing was copied"
    return f"{by_server}, {len(copied.columns):,} of {columns:,} columns were copied ({copied.bytes or 0:,} bytes)"
