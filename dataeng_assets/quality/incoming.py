"""Judging a bronze table after a run: the rows that came last by the rules of rows, what is there now by the others.

So the time that rules of rows and of uniqueness take follows what a run brings, not what the table holds. Where the
run brought nothing, the rows before it are judged again; and rows in which an error was found are judged with those
that came after them, until a better version of them has come.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb

from dataeng_assets.contracts.checks.kinds import HasColumns, Nulls, OfType, References, RowCheck, Unique
from dataeng_assets.contracts.checks.predicates import Types, violation_sql
from dataeng_assets.contracts.checks.rule import Rule, Severity, Suite
from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import explain_failure, open_input
from dataeng_assets.quality.inputs.opened import Input
from dataeng_assets.quality.others import Others
from dataeng_assets.quality.platform import current_rows
from dataeng_assets.quality.results import Status, TableResult
from dataeng_assets.quality.scan.judge import judge

_TABLE = "{table}"
_PER_ROW = RowCheck | Unique | References
_TYPES = HasColumns | OfType


@dataclass(frozen=True)
class Incoming:
    """What judging a bronze table gives.

    Attributes:
        broken: SQL over `{table}` that gives the rows that break a rule whose severity is error; all rows judged where
            a broken rule does not tell them apart; empty where no such rule is broken.
    """

    result: TableResult
    broken: str


def judged_rules(suite: Suite) -> tuple[Rule, ...]:
    """The rules that are judged after a run: all but types and columns, which a run compares before it commits."""
    return tuple(rule for rule in suite.rules if not isinstance(rule.check, _TYPES))


def judge_incoming(
    key: Sequence[str], suite: Suite, *, doubted: Collection[str] = (), now: datetime | None = None
) -> Incoming:
    """Judge a bronze table by its contract.

    Args:
        key: of the table, in the current lake.
        suite: its contract's.
        doubted: the runs that brought rows in which an error was found; they are judged again.
        now: the moment that freshness is judged at.

    Raises:
        InputUnreadable: the table cannot be read.
    """
    rules = judged_rules(suite)
    demanded = replace(suite, rules=rules, columns=tuple(column for column in suite.columns if column.personal))
    name = ".".join(key)
    with (
        connect() as connection,
        open_input(name, connection, table=True) as opened,
        Others(connection, near=tuple(key)) as other,
    ):
        brought = _brought(connection, opened, suite, doubted)
        try:
            parts = [
                judge(connection, rows, replace(demanded, rules=part), other=other.relation, now=now)
                for rows, part in _parts(opened, brought, tuple(key), suite, rules)
                if part
            ]
        except duckdb.Error as error:
            raise explain_failure(error, opened) from error
        result = _together(demanded, parts)
        return Incoming(result, _broken(result, brought, {c.name: c.duckdb_type for c in opened.columns}))


@dataclass(frozen=True)
class _Brought:
    """What runs brought, as SQL over `{table}`: the rows that are there now, and all of it.

    A delete has its key alone, and is none of the rows.
    """

    rows: str
    everything: str


def _parts(
    opened: Input, brought: _Brought, key: tuple[str, ...], suite: Suite, rules: Sequence[Rule]
) -> list[tuple[Input, tuple[Rule, ...]]]:
    """The inputs, and the rules by which each is judged."""
    of_rows = tuple(rule for rule in rules if isinstance(rule.check, _PER_ROW))
    of_table = tuple(rule for rule in rules if rule not in of_rows)
    own = tuple(column for column in opened.columns if not column.name.startswith("_"))
    incoming = replace(opened, relation=brought.rows.replace(_TABLE, opened.relation), columns=own)
    return [(incoming, of_rows), (current_rows(opened, key, suite), of_table)]


def _brought(connection: duckdb.DuckDBPyConnection, opened: Input, suite: Suite, doubted: Collection[str]) -> _Brought:
    """The rows of the last run that brought any, and of the doubted ones those that nothing newer has come for."""
    names = {column.name for column in opened.columns}
    moment = "_extracted_at" if "_extracted_at" in names else "_ingested_at"
    there = "_op <> 'delete'" if "_op" in names else "true"
    last = f"arg_max(_run_id, {moment})"
    latest, of_any = connection.execute(f"select {last} filter ({there}), {last} from {opened.relation}").fetchall()[0]
    mine = _by_runs({*doubted, latest})
    everything = f"select * from {_TABLE} where {_by_runs({*doubted, of_any})}"
    if not doubted or not suite.key or "_op" not in names:
        return _Brought(f"(select * from {_TABLE} where {mine} and {there})", everything)
    key = listed(map(quoted, suite.key))
    theirs = f"({key}) in (select ({key}) from {_TABLE} where {mine})"
    newest = f"row_number() over (partition by {key} order by {moment} desc) = 1"
    rows = f"(select * from (select * from {_TABLE} where {theirs} qualify {newest}) where {mine} and {there})"
    return _Brought(rows, everything)


def _by_runs(runs: Collection[str | None]) -> str:
    named = sorted(run for run in runs if run)
    return f"_run_id in ({listed(map(literal, named))})" if named else "false"


def _broken(result: TableResult, brought: _Brought, types: Types) -> str:
    errors = (one.rule for one in result.by_status(Status.VIOLATED) if one.rule.severity is Severity.ERROR)
    rows = [_rows_that_break(rule, brought.rows, types) for rule in errors]
    return " union all ".join(rows) if all(rows) else brought.everything


def _rows_that_break(rule: Rule, brought: str, types: Types) -> str:
    """The rows that break a rule; empty where it does not tell them apart."""
    check = rule.check
    if isinstance(check, RowCheck):
        return f"select * from {brought} where {violation_sql(rule, types)}"
    if not isinstance(check, Unique) or check.nulls is Nulls.REFUSED:
        return ""
    scope = [f"({rule.where})"] if rule.where else []
    scope += [f"{quoted(name)} is not null" for name in check.columns] if check.nulls is Nulls.IGNORED else []
    same = f"count(*) over (partition by {listed(map(quoted, check.columns))}) > 1"
    return f"select * from {brought} where {' and '.join(scope) or 'true'} qualify {same}"


def _together(suite: Suite, parts: Iterable[TableResult]) -> TableResult:
    """One result of all parts, in the order of the rules; the rows are those that came last."""
    first, *rest = parts
    results = {result.rule.name: result for part in (first, *rest) for result in part.results}
    ordered = tuple(results[rule.name] for rule in suite.rules)
    freshest = next((part.freshest for part in (first, *rest) if part.freshest), None)
    seconds = sum(part.seconds for part in (first, *rest))
    return replace(first, suite=suite, results=ordered, freshest=freshest, seconds=seconds)
