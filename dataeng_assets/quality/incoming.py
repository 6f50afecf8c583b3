"""Judging a bronze table after a run: the rows that came last by the rules of rows, what is there now by the others.

So the time that rules of rows and of uniqueness take follows what a run brings, not what the table holds. Where the
run brought nothing, the rows before it are judged again: a violation stays one until something better has come.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import duckdb

from dataeng_assets.contracts.checks.kinds import HasColumns, OfType, References, RowCheck, Unique
from dataeng_assets.contracts.checks.rule import Rule, Suite
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import explain_failure, open_input
from dataeng_assets.quality.inputs.opened import Input
from dataeng_assets.quality.others import Others
from dataeng_assets.quality.platform import current_rows
from dataeng_assets.quality.results import TableResult
from dataeng_assets.quality.scan.judge import judge

_PER_ROW = RowCheck | Unique | References
_TYPES = HasColumns | OfType


def judged_rules(suite: Suite) -> tuple[Rule, ...]:
    """The rules that are judged after a run: all but types and columns, which a run compares before it commits."""
    return tuple(rule for rule in suite.rules if not isinstance(rule.check, _TYPES))


def judge_incoming(key: Sequence[str], suite: Suite, *, now: datetime | None = None) -> TableResult:
    """Judge a bronze table by its contract.

    Args:
        key: of the table, in the current lake.
        suite: its contract's.
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
        try:
            parts = [
                judge(connection, rows, replace(demanded, rules=part), other=other.relation, now=now)
                for rows, part in _parts(connection, opened, tuple(key), suite, rules)
                if part
            ]
        except duckdb.Error as error:
            raise explain_failure(error, opened) from error
    return _together(demanded, parts)


def _parts(
    connection: duckdb.DuckDBPyConnection, opened: Input, key: tuple[str, ...], suite: Suite, rules: Sequence[Rule]
) -> list[tuple[Input, tuple[Rule, ...]]]:
    of_rows = tuple(rule for rule in rules if isinstance(rule.check, _PER_ROW))
    of_table = tuple(rule for rule in rules if rule not in of_rows)
    return [(_latest(connection, opened), of_rows), (current_rows(opened, key, suite), of_table)]


def _latest(connection: duckdb.DuckDBPyConnection, opened: Input) -> Input:
    """The rows of the last run that brought any; a delete has its key alone and is none of them."""
    names = {column.name for column in opened.columns}
    moment = "_extracted_at" if "_extracted_at" in names else "_ingested_at"
    there = "_op <> 'delete'" if "_op" in names else "true"
    newest = f"select arg_max(_run_id, {moment}) from {opened.relation} where {there}"
    run = connection.execute(newest).fetchall()[0][0]
    mine = f"_run_id = '{run}'" if run else "false"
    own = tuple(column for column in opened.columns if not column.name.startswith("_"))
    return replace(opened, relation=f"(select * from {opened.relation} where {mine} and {there})", columns=own)


def _together(suite: Suite, parts: Iterable[TableResult]) -> TableResult:
    """One result of all parts, in the order of the rules; the rows are those that came last."""
    first, *rest = parts
    results = {result.rule.name: result for part in (first, *rest) for result in part.results}
    ordered = tuple(results[rule.name] for rule in suite.rules)
    freshest = next((part.freshest for part in (first, *rest) if part.freshest), None)
    seconds = sum(part.seconds for part in (first, *rest))
    return replace(first, suite=suite, results=ordered, freshest=freshest, seconds=seconds)
