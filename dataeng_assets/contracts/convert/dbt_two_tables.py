"""The tests of dbt-expectations that set a table beside another. Those of one table belong in `dbt_expectations`."""

from dataeng_assets.contracts.checks.kinds import NoRows, Reconciles
from dataeng_assets.contracts.checks.rule import Bounds
from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.contracts.convert import dbt_queries as queries
from dataeng_assets.contracts.convert.dbt_arguments import TestArguments
from dataeng_assets.contracts.convert.dbt_tests import Demanded


def aggregation(said: TestArguments, expression: str = "") -> Demanded:
    """An aggregate of this table against that of another."""
    ours = expression or str(said.need("expression", str, "an SQL aggregate"))
    by = said.texts("group_by", default=[])
    share, fixed = said.get("tolerance_percent"), said.get("tolerance")
    within = f"{share} * abs(theirs)" if share is not None else str(fixed) if fixed is not None else "0"
    sql = queries.groups_differ(
        said.table("compare_model"),
        ours=ours,
        theirs=str(said.get("compare_expression", ours)),
        by=by,
        other_by=said.texts("compare_group_by", default=list(by)),
        where=said.where,
        other_where=str(said.get("compare_row_condition", "")),
        within=within,
    )
    return Demanded(NoRows(sql))


def same_row_count(said: TestArguments) -> Demanded:
    """As many rows as another table has, or so many times as many."""
    factor = said.get("factor", 1)
    simple = not any(said.get(name) for name in ("group_by", "row_condition", "compare_row_condition"))
    if factor == 1 and simple:
        said.get("compare_group_by")
        return Demanded(Reconciles(said.table("compare_model")), Bounds(upper=0))
    by = said.texts("group_by", default=[])
    sql = queries.groups_differ(
        said.table("compare_model"),
        ours="count(*)",
        theirs=f"count(*) * {literal(factor)}",
        by=by,
        other_by=said.texts("compare_group_by", default=list(by)),
        where=said.where,
        other_where=str(said.get("compare_row_condition", "")),
    )
    return Demanded(NoRows(sql))


def same_distinct_count(said: TestArguments) -> Demanded:
    """As many distinct values as a column of another table has."""
    (other,) = said.texts("compare_column", default=[said.one_column])
    sql = queries.groups_differ(
        said.table("compare_model"),
        ours=f"count(distinct {said.name})",
        theirs=f"count(distinct {quoted(other)})",
        where=said.where,
        other_where=str(said.get("compare_row_condition", "")),
    )
    return Demanded(NoRows(sql))
