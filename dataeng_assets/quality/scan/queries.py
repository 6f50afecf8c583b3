"""Rules made of free SQL, on the structure of the table, and on its agreement with another one."""

import re
from collections.abc import Sequence
from typing import Any

import duckdb

from dataeng_assets.contracts.checks.kinds import HasColumns, NoRows, Query, Reconciles, SameResult
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.quality.results import RuleResult, Sample, Status
from dataeng_assets.quality.scan.question import Facts, Question, Unanswerable, metric_result, nothing, undecided
from dataeng_assets.quality.scan.rows import require
from dataeng_assets.quality.scan.samples import MASK
from dataeng_assets.quality.scan.subject import Subject


def ask_columns(rule: Rule[HasColumns], subject: Subject) -> Question:
    """The columns that must be there, their order, and whether there may be others."""
    check = rule.check
    there = [column.name for column in subject.input.columns]
    missing = [name for name in check.columns if name not in there]
    extra = [name for name in there if name not in check.columns] if check.exactly else []
    shared = [name for name in there if name in check.columns]
    moved = check.ordered and not missing and shared != list(check.columns)
    problems = [
        *([f"missing: {', '.join(missing)}"] if missing else []),
        *([f"not expected: {', '.join(extra)}"] if extra else []),
        *([f"in another order: {', '.join(shared)}"] if moved else []),
    ]
    result = RuleResult(
        rule,
        Status.VIOLATED if problems else Status.HOLDS,
        value=len(missing) + len(extra) + int(moved),
        numbers={"columns": len(there), "missing": len(missing), "unexpected": len(extra)},
        reason="; ".join(problems) or f"all {len(check.columns)} are there",
        next_step="Deliver the columns of the contract, or change the contract." if problems else "",
    )
    return Question(rule, lambda _, __: result)


def ask_query(rule: Rule[Query], subject: Subject) -> Question:
    """One number from a query, within the bounds."""
    check = rule.check

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        rows = _free(subject, check.sql)
        if len(rows) != 1 or len(rows[0]) != 1:
            return undecided(rule, f"the query must return one number, and it returned {len(rows):,} rows")
        value = rows[0][0]
        if value is None:
            return nothing(rule, "the query returned NULL")
        number = int(value) if isinstance(value, bool) else value
        if isinstance(number, str):
            return undecided(rule, "the query must return a number, and it returned a text")
        return metric_result(rule, number, f"the query returned {number}")

    return Question(rule, answer)


def ask_no_rows(rule: Rule[NoRows], subject: Subject) -> Question:
    """Each row that a query returns breaks the rule."""
    check = rule.check

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        sql = _written(subject, check.sql)
        count = subject.ask(f"select count(*) from ({sql})")[0][0]
        shown: tuple[Sample, ...] = ()
        if count:
            cursor = subject.connection.execute(f"select * from ({sql}) limit 3")
            names = [column[0] for column in cursor.description or ()]
            shown = tuple(Sample({}, _masked(subject, names, row)) for row in cursor.fetchall())
        return metric_result(rule, count, f"the query returned {count:,} rows", samples=shown)

    return Question(rule, answer)


def ask_same_result(rule: Rule[SameResult], subject: Subject) -> Question:
    """Two queries return the same rows, each as often."""
    check = rule.check

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        one, two = _written(subject, check.sql), _written(subject, check.other_sql)
        differing = subject.ask(
            f"select (select count(*) from (({one}) except all ({two}))) + "
            f"(select count(*) from (({two}) except all ({one})))"
        )[0][0]
        return metric_result(rule, differing, f"{differing:,} rows stand in one result only")

    return Question(rule, answer)


def ask_reconciles(rule: Rule[Reconciles], subject: Subject) -> Question:
    """The same number of two tables; the bounds speak of the difference."""
    check = rule.check
    require(subject, check.columns)
    other = subject.other(check.table)
    scope = f" where {rule.where}" if rule.where else ""

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        here = subject.ask(f"select {_measured(check.measure, check.columns)} from {subject.relation}{scope}")[0]
        names = check.other_columns or check.columns
        there = subject.ask(f"select {_measured(check.measure, names)} from {other}")[0]
        numbers = {f"here_{n}": _plain(v) for n, v in enumerate(here)} | {
            f"there_{n}": _plain(v) for n, v in enumerate(there)
        }
        if check.measure == "hash":
            difference = sum(a != b for a, b in zip(here, there, strict=True))
        else:
            difference = max((abs(a - b) for a, b in zip(here, there, strict=True)), default=0)
        return metric_result(rule, difference, f"{here[0]} here, {there[0]} in {check.table}", numbers=numbers)

    return Question(rule, answer)


def _measured(measure: str, columns: Sequence[str]) -> str:
    match measure:
        case "row_count":
            return "count(*)"
        case "sum":
            return listed(f"coalesce(sum({quoted(name)}), 0)" for name in columns)
        case "hash":
            return listed(f"coalesce(sum(hash({quoted(name)}::varchar)::hugeint), 0)" for name in columns)
    raise Unanswerable(f"no measure {measure!r}; there are row_count, sum and hash")


def _plain(value: Any) -> int | float | str:
    return value if isinstance(value, int | float) else str(value)


def _written(subject: Subject, sql: str) -> str:
    """The query with the table in its place; one statement that reads, as nothing else may stand in parentheses."""
    text = sql.strip().rstrip(";").replace("{table}", f"(select * from {subject.relation})")
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise Unanswerable(f"the query is no SQL: {str(error).splitlines()[0]}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Unanswerable("the query must be one SELECT")
    _make_known(subject, text)
    return text


def _make_known(subject: Subject, sql: str) -> None:
    """Make a view of each other table that the query names, as DuckDB asks for one after the other.

    Raises:
        InputUnreadable: one of them is nowhere.
    """
    asked: set[str] = set()
    while True:
        try:
            subject.connection.execute(f"explain {sql}").fetchall()
        except duckdb.CatalogException as missing:
            found = re.search(r"Table with name (.+?) does not exist", str(missing))
            if found is None or found[1] in asked:
                raise
            asked.add(found[1])
            view = f"create temp view {quoted(found[1])} as select * from {subject.other(found[1])}"
            subject.connection.execute(view)
        else:
            return


def _free(subject: Subject, sql: str) -> list[tuple[Any, ...]]:
    return subject.ask(f"select * from ({_written(subject, sql)}) limit 2")


def _masked(subject: Subject, names: Sequence[str], row: Sequence[Any]) -> dict[str, str | None]:
    """A column that the table does not have may have been made of a personal one."""
    personal = subject.suite.personal
    hidden = personal | ({name for name in names if name not in subject.types} if personal else set())
    return {
        name: None if value is None else MASK if name in hidden else str(value)[:120]
        for name, value in zip(names, row, strict=True)
    }
