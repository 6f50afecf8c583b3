"""Rules about NULL and about rows that vanish or appear with outer joins."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.queries import Input, Query, queries_of
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import (
    bare,
    column_facts,
    columns,
    conjuncts,
    is_constant,
    is_windowed,
)


def _equals_null(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.EQ, exp.NEQ):
        if not isinstance(node.expression, exp.Null) or _is_assignment(node):
            continue
        test = "is" if isinstance(node, exp.EQ) else "is not"
        message = f"A comparison with NULL is never true. Write `{statement.written(node.this)} {test} null`."
        yield Hit(statement.place(node, until=(TokenType.NULL,)), message, node)


def _is_assignment(node: exp.Expr) -> bool:
    """Whether `a = null` sets a value: in UPDATE, in a SET, or as a property."""
    parents = (exp.Update, exp.SetItem, exp.Property, exp.Properties, exp.Set, exp.OnConflict, exp.Partition)
    return isinstance(node.parent, parents)


def _not_in_nullable(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Not):
        in_ = bare(node.this)
        subquery = in_.args.get("query") if isinstance(in_, exp.In) else None
        select = subquery.this if isinstance(subquery, exp.Subquery) else None
        if not isinstance(select, exp.Select) or len(select.expressions) != 1:
            continue
        inner = queries_of(select)[0]
        if _cannot_be_null(select.expressions[0], inner, facts):
            continue
        message = "If the subquery gives one NULL, NOT IN keeps no row at all. Use NOT EXISTS."
        yield Hit(statement.place(node), message, node)


def _cannot_be_null(selected: exp.Expr, query: Query, facts: Facts) -> bool:
    value = bare(selected.this if isinstance(selected, exp.Alias) else selected)
    if isinstance(value, (exp.Literal, exp.Count)):
        return True
    if isinstance(value, exp.Coalesce):
        return any(is_constant(one) and not isinstance(one, exp.Null) for one in value.expressions)
    known = column_facts(value, query, facts)
    if known is not None and known.nullable is False:
        return True
    where = query.select.args.get("where")
    return any(_demands(one, value) for one in conjuncts(where.this if where else None))


def _demands(condition: exp.Expr, value: exp.Expr) -> bool:
    """Whether a condition keeps only rows in which the value is not NULL."""
    if isinstance(condition, exp.Not):
        inner = bare(condition.this)
        return isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null) and bare(inner.this) == value
    if isinstance(condition, (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NEQ)):
        return value in (bare(condition.this), bare(condition.expression))
    return isinstance(condition, (exp.Between, exp.Like, exp.In)) and bare(condition.this) == value


def _left_join_turned_inner(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        where = query.select.args.get("where")
        optional = {one.alias: one for one in query.inputs if _is_left(one)}
        for condition in conjuncts(where.this) if where and optional else ():
            hit = next((side for side in map(bare, _not_null(condition)) if isinstance(side, exp.Column)), None)
            if isinstance(hit, exp.Column) and hit.table.lower() in optional:
                message = (
                    f"`{statement.written(condition)}` drops the rows that LEFT JOIN adds for `{hit.table}`. "
                    "Move it into ON, or write JOIN."
                )
                yield Hit(statement.place(condition), message, condition)


def _not_null(condition: exp.Expr) -> list[exp.Expr]:
    """The expressions that cannot be NULL in a row that meets a condition."""
    inner = bare(condition.this) if isinstance(condition, exp.Not) else None
    if isinstance(inner, exp.Is):
        return [inner.this] if isinstance(inner.expression, exp.Null) else []
    plain = inner or condition
    if isinstance(plain, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)):
        return [plain.this, plain.expression]
    return [plain.this] if isinstance(plain, (exp.Between, exp.Like, exp.In)) else []


def _is_left(one: Input) -> bool:
    return one.join is not None and one.join.side == "LEFT" and one.join.kind not in {"ANTI", "SEMI"}


def _outer_join_count(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        left = [one for one in query.inputs if _is_left(one)]
        if not left or not query.select.args.get("group"):
            continue
        grouped = [node for one in query.select.args["group"].expressions for node in columns(one)]
        if any(column.table.lower() == one.alias for column in grouped for one in left):
            continue
        for node in query.own(exp.Count):
            if isinstance(node.this, exp.Star | exp.Literal) and not is_windowed(node):
                counted = statement.written(node.this)
                message = (
                    f"COUNT({counted}) counts 1 where `{left[0].alias}` has no row. "
                    "Count a column of it that is never NULL."
                )
                yield Hit(statement.place(node), message, node)


RULES = (
    Rule(
        id="equals-null",
        title="Comparison with NULL",
        severity=Severity.ERROR,
        example=Example(
            bad="select order_id from orders where shipped_at = null",
            good="select order_id from orders where shipped_at is null",
        ),
        why={None: "`= NULL` and `<> NULL` give NULL for every row, so the filter keeps none, whatever the data is."},
        when_not="Never: where NULLs are to be equal, write `is not distinct from`.",
        find=_equals_null,
        effect="The rows that were meant are returned.",
    ),
    Rule(
        id="not-in-nullable",
        title="NOT IN over a subquery that may give NULL",
        severity=Severity.ERROR,
        example=Example(
            bad="select customer_id from customers where customer_id not in (select customer_id from orders)",
            good="select c.customer_id from customers c where not exists "
            "(select 1 from orders o where o.customer_id = c.customer_id)",
        ),
        why={
            None: "One NULL in the subquery makes the condition unknown for every row, so nothing is returned; the "
            "engine must also look for that NULL for each row.",
        },
        when_not="The column is declared NOT NULL, or the subquery filters NULLs; with the contract known, "
        "the rule stays silent then.",
        find=_not_in_nullable,
        effect="The right rows, by an anti-join instead of a null-aware one.",
    ),
    Rule(
        id="left-join-turned-inner",
        title="LEFT JOIN that WHERE makes an inner one",
        severity=Severity.WARNING,
        example=Example(
            bad="select c.customer_id from customers c left join orders o on o.customer_id = c.customer_id "
            "where o.status = 'open'",
            good="select c.customer_id from customers c join orders o on o.customer_id = c.customer_id "
            "where o.status = 'open'",
        ),
        why={
            None: "Where there is no match the column is NULL, and a comparison with NULL keeps no row: the statement "
            "says one thing and does another, and some engines read more for it."
        },
        when_not="Never: write what is meant.",
        find=_left_join_turned_inner,
        effect="The rows that were meant, or a plan that may begin with the filtered table.",
    ),
    Rule(
        id="outer-join-count",
        title="COUNT(*) over a LEFT JOIN",
        severity=Severity.WARNING,
        example=Example(
            bad="select c.customer_id, count(*) as orders from customers c "
            "left join orders o on o.customer_id = c.customer_id group by c.customer_id",
            good="select c.customer_id, count(o.order_id) as orders from customers c "
            "left join orders o on o.customer_id = c.customer_id group by c.customer_id",
        ),
        why={None: "A row without a match is kept with NULLs and counts as one: nobody has zero."},
        when_not="Rows of the result are counted on purpose, matched or not.",
        find=_outer_join_count,
        effect="Zero is counted as zero.",
    ),
)
