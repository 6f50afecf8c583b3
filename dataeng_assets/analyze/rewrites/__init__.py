"""Statements as they would be without a hit, each with its proof.

A rewrite changes the place that was hit and leaves the rest of the text as it was written. How a proof is made belongs
in `proof`.
"""

import zlib
from collections.abc import Callable, Mapping

from sqlglot.errors import SqlglotError

from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.proof import Proof, Rewrite, Verdict, prove
from dataeng_assets.analyze.rewrites import predicates, stars, subqueries, words
from dataeng_assets.analyze.rule import Hit, Rule
from dataeng_assets.analyze.statement import Statement

Make = Callable[[Statement, Hit, Facts], str | None]

REWRITES: Mapping[str, Make] = {
    "function-on-column": predicates.range_of_function,
    "arithmetic-on-column": predicates.moved_arithmetic,
    "coalesce-in-filter": predicates.without_coalesce,
    "implicit-cast": predicates.unquoted_number,
    "equals-null": predicates.is_null,
    "distinct-with-group-by": words.without_distinct,
    "distinct-in-subquery": words.without_distinct,
    "distinct-of-key": words.without_distinct,
    "disjoint-union": words.union_all,
    "left-join-turned-inner": words.inner_join,
    "order-by-in-subquery": words.without_order,
    "select-star": stars.used_columns,
    "count-instead-of-exists": subqueries.exists,
    "not-in-nullable": subqueries.not_exists,
    "having-without-aggregate": subqueries.where_instead_of_having,
    "correlated-scalar-subquery": subqueries.joined,
    "or-in-join": subqueries.union_of_joins,
    "offset-paging": subqueries.keyset,
    "redundant-cast": subqueries.same_type,
}
"""By rule. A rule that is not here has no rewrite that could be made without knowing what was meant."""

# What these find gives other rows than was meant, so that the rewrite gives others, too; the example shows which.
_CORRECTIONS = frozenset({"equals-null", "not-in-nullable"})


def recommended(statement: Statement, rule: Rule, hit: Hit, facts: Facts) -> Rewrite | None:
    """The statement as it would be without a hit; None where no rewrite is known, or where it was shown to be wrong.

    What a rewrite was refuted on is shown only for rules that find mistakes, whose correction has to give other rows.
    """
    make = REWRITES.get(rule.id)
    if make is None:
        return None
    try:
        sql = make(statement, hit, facts)
    except (SqlglotError, RecursionError):
        return None
    if sql is None or sql == statement.sql:
        return None
    proof = proof_of(statement, sql, facts)
    if proof.verdict is Verdict.REFUTED and rule.id not in _CORRECTIONS:
        return None
    return Rewrite(sql, proof)


def proof_of(statement: Statement, sql: str, facts: Facts) -> Proof:
    """Whether a rewrite gives what the statement gives; the same two texts always give the same proof."""
    seed = zlib.crc32(f"{statement.sql}\0{sql}".encode())
    return prove(statement.sql, sql, facts, seed=seed, dialect=statement.engine.dialect)
