"""Pandera over polars: `python pandera_peer.py INPUT ANSWERS`.

It tells which values break a rule, so that they are counted here; of a metric it tells only whether it holds. It counts
every row whose value is not unique.
"""

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pandera.polars as pa
import polars as pl
from rules import COLUMNS, METRICS, RULES, Rule, write_answers

MEASURED: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "mean": pl.Expr.mean,
    "sum": pl.Expr.sum,
    "row_count": lambda _: pl.len(),
    "maximum": pl.Expr.max,
    "null_share": lambda column: column.is_null().mean(),
    "stdev": pl.Expr.std,
    "median": pl.Expr.median,
}


def check(rule: Rule) -> Any:
    arguments: tuple[Any, ...] = rule.arguments
    match rule.kind:
        case "uuid" | "matches":
            return pa.Check.str_matches(*arguments, name=rule.name)
        case "one_of":
            return pa.Check.isin(list(arguments), name=rule.name)
        case "between":
            return pa.Check.in_range(*arguments, name=rule.name)
        case "length":
            return pa.Check.str_length(*arguments, name=rule.name)
        case "at_most":
            return pa.Check(
                lambda data: data.lazyframe.select(pl.col(rule.column) <= pl.col(arguments[0])), name=rule.name
            )
    measured = MEASURED[rule.kind](pl.col(rule.column or "order_id"))
    return pa.Check(lambda data: data.lazyframe.select(measured.is_between(*arguments)), name=rule.name)


def schema() -> pa.DataFrameSchema:
    def rules(kind: str) -> set[str]:
        return {rule.column for rule in RULES if rule.kind == kind}

    of_rows = [rule for rule in RULES if rule.kind in ("uuid", "matches", "one_of", "between", "length")]
    columns = {
        name: pa.Column(
            checks=[check(rule) for rule in of_rows if rule.column == name],
            nullable=name not in rules("not_null"),
            unique=name in rules("unique"),
        )
        for name in COLUMNS
    }
    of_table = [check(rule) for rule in RULES if rule.kind in ("at_most", *METRICS)]
    return pa.DataFrameSchema(columns, checks=of_table)


def main() -> None:
    path, answers = sys.argv[1:]
    failing = Counter[str]()
    try:
        schema().validate(pl.read_parquet(path), lazy=True)
    except pa.errors.SchemaErrors as broken:
        for error in broken.schema_errors:
            name = getattr(error.check, "name", None) or f"{error.schema.name} {error.check}"
            failing[name] += len(error.failure_cases)
    answered = {}
    for rule in RULES:
        written = {"not_null": f"{rule.column} not_nullable", "unique": f"{rule.column} field_uniqueness"}
        count = failing.pop(written.get(rule.kind, rule.name), 0)
        counted = {"unique": "involved"}.get(rule.kind, "failing")
        answered[rule.name] = {"holds": not count} | ({} if rule.kind in METRICS else {counted: count})
    if failing:
        sys.exit(f"not about any rule: {failing}")
    write_answers(answers, answered)


if __name__ == "__main__":
    main()
