"""Rules about how tables are joined: missing, loose and costly conditions.

What needs keys, types or statistics of the joined tables is in `join_facts`.
"""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.queries import Input, Query
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import (
    INEQUALITIES,
    columns,
    conjuncts,
    gives_one_row,
    inputs_of,
    is_constant,
    joined_equalities,
)

_FUNCTIONS = (exp.Lateral, exp.Unnest, exp.Values, exp.TableFromRows)


def _joined(query: Query) -> Iterator[tuple[Input, exp.Join]]:
    """The inputs that a join brings in, without rows made of the row before them."""
    for one in query.inputs:
        if one.join is None or isinstance(one.node, _FUNCTIONS) or one.join.args.get("using"):
            continue
        if one.join.method or one.join.kind in {"ARRAY", "POSITIONAL"} or _is_table_function(one.node):
            continue
        if _is_of_one_row(one) or _is_small(one.query) or _unnests(one, query):
            continue
        yield one, one.join


def _is_of_one_row(one: Input) -> bool:
    return isinstance(one.query, exp.Select) and (gives_one_row(one.query) or not one.query.args.get("from_"))


def _is_small(query: exp.Expr | None) -> bool:
    """Whether a query gives at most a row, or values that are written down."""
    limit = query.args.get("limit") if query is not None else None
    one = isinstance(limit, exp.Limit) and isinstance(limit.expression, exp.Literal) and limit.expression.name == "1"
    return one or isinstance(query, exp.Values)


def _is_table_function(node: exp.Expr) -> bool:
    return isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier)


def _unnests(one: Input, query: Query) -> bool:
    """Whether a table's name is a column of another input, as BigQuery writes `from t, t.items`."""
    return "." in one.table and one.table.split(".")[0] in {other.alias for other in query.inputs}


def _is_linked(one: Input, query: Query) -> bool:
    """Whether some condition of the query ties this input to another one, or may do so."""
    where = query.select.args.get("where")
    conditions = list(conjuncts(where.this if where else None))
    conditions += [part for other in query.inputs if other.join for part in conjuncts(other.join.args.get("on"))]
    for condition in conditions:
        if is_constant(condition):
            continue
        named = inputs_of(condition, query)
        if named is None or (len(named) > 1 and any(each.alias == one.alias for each in named)):
            return True
    return False


def _has_comma(statement: Statement, one: Input) -> bool:
    """Whether a comma stands before an input, not JOIN; the tree says it in some dialects only."""
    span = statement.source.span(one.node)
    if span is None or one.join is None or one.join.args.get("on") is not None:
        return False
    kinds = (TokenType.COMMA, TokenType.JOIN, TokenType.FROM)
    at = statement.source.back_to(span[0], *kinds)
    return statement.source.text[at : at + 1] == ","


def _comma_join(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one, join in _joined(query):
            if _has_comma(statement, one) and _is_linked(one, query):
                message = f"`{one.alias}` is joined by a comma, its condition stands in WHERE. Write JOIN … ON."
                yield Hit(statement.place(one.node), message, join)


def _cross_join(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one, join in _joined(query):
            comma = _has_comma(statement, one)
            if (comma or join.kind == "CROSS") and not _is_linked(one, query):
                said = "" if comma else " It says CROSS JOIN, so it may be meant."
                message = f"No condition ties `{one.alias}` to the other tables: each row meets each row.{said}"
                severity = Severity.INFO if said else None
                yield Hit(statement.place(one.node), message, join, severity=severity)


def _no_condition(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one, join in _joined(query):
            if join.kind in {"CROSS", "ASOF"} or join.args.get("match_condition") or _has_comma(statement, one):
                continue
            tied = _ties(one, join, query) if join.args.get("on") is not None else _is_linked(one, query)
            if not tied:
                message = f"JOIN of `{one.alias}` has no condition that ties it to another table."
                yield Hit(statement.place(one.node, since=(TokenType.JOIN,)), message, join)


def _ties(one: Input, join: exp.Join, query: Query) -> bool:
    for condition in conjuncts(join.args["on"]):
        if condition.find(exp.Query):
            return True
        named = inputs_of(condition, query)
        if named is None and columns(condition):
            return True
        if named is not None and (len(named) > 1 or (named and named[0].alias != one.alias and _is_linked(one, query))):
            return True
    return _is_linked(one, query)


def _inequality_join(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one, join in _joined(query):
            conditions = list(conjuncts(join.args.get("on")))
            if join.kind == "ASOF" or any(True for _ in joined_equalities(query, join)):
                continue
            if any(isinstance(each, exp.EQ) and inputs_of(each, query) is None for each in conditions):
                continue
            loose = next(
                (each for each in conditions if isinstance(each, INEQUALITIES) and _is_over_two(each, query)), None
            )
            if loose is not None:
                message = f"`{one.alias}` is joined by `{statement.written(loose)}` alone, with no equality."
                yield Hit(statement.place(loose), message, join)


def _is_over_two(node: exp.Expr, query: Query) -> bool:
    named = inputs_of(node, query)
    return named is not None and len(named) > 1


def _or_in_join(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one, join in _joined(query):
            for node in conjuncts(join.args.get("on")):
                if isinstance(node, exp.Or) and _is_over_two(node, query) and not _is_null_safe(node):
                    if any(True for _ in joined_equalities(query, join)):
                        continue
                    message = f"OR over two tables joins `{one.alias}`, so no key can be hashed or sorted by."
                    yield Hit(statement.place(node), message, join)


def _is_null_safe(node: exp.Or) -> bool:
    """Whether it says `a = b or (a is null and b is null)`, which is an equality."""
    return any(isinstance(one, exp.Is) for one in node.walk())


def _function_in_key(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for node, _left, _right in joined_equalities(query):
            over = [side for side in (node.this, node.expression) if isinstance(side, exp.Func) and columns(side)]
            if over and not isinstance(over[0], (exp.JSONExtract, exp.JSONExtractScalar)):
                message = f"The join key is computed: `{statement.written(over[0])}`."
                yield Hit(statement.place(node), message, node)


def _natural_join(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one in query.inputs:
            if one.join is not None and one.join.method == "NATURAL":
                message = f"NATURAL JOIN joins `{one.alias}` by every column of equal name, also by those added later."
                yield Hit(statement.place(one.node, since=(TokenType.NATURAL,)), message, one.join)


_SHUFFLED = (
    "Without an equality Spark cannot shuffle by key: it pairs all rows, in a nested loop or a Cartesian product."
)
_JOINED = "select o.order_id, c.name from orders o join customers c on c.customer_id = o.customer_id"

RULES = (
    Rule(
        id="comma-join",
        title="Tables joined by a comma",
        severity=Severity.INFO,
        example=Example(
            bad="select o.order_id, c.name from orders o, customers c where c.customer_id = o.customer_id",
            good=_JOINED,
        ),
        why={
            None: "The plan is the same, but a condition that is forgotten or removed makes a cross join, and nobody "
            "is told."
        },
        when_not="The statement is made by a tool.",
        find=_comma_join,
        effect="A forgotten condition becomes a syntax error.",
    ),
    Rule(
        id="cross-join",
        title="Cross join",
        severity=Severity.WARNING,
        example=Example(bad="select o.order_id, c.name from orders o, customers c", good=_JOINED),
        why={
            None: "The result has the product of both row counts: a million by a thousand is a billion.",
            Engine.SPARK: "The result has the product of both row counts, and Spark makes each pair in a Cartesian "
            "product or broadcasts one side whole.",
        },
        when_not="One side is small on purpose, such as a calendar or a list of parameters.",
        find=_cross_join,
        effect="Rows grow with the larger table, not with the product.",
    ),
    Rule(
        id="join-without-condition",
        title="JOIN without a condition",
        severity=Severity.ERROR,
        example=Example(
            bad="select o.order_id, c.name from orders o join customers c on o.status = 'open'",
            good=_JOINED,
        ),
        why={None: "Each row meets each row that passes: an implicit cross join, which is rarely what JOIN is to say."},
        when_not="A pairing of all rows is meant; then write CROSS JOIN.",
        find=_no_condition,
        effect="Rows grow with the larger table, not with the product.",
    ),
    Rule(
        id="inequality-join",
        title="Join on an inequality alone",
        severity=Severity.WARNING,
        example=Example(
            bad="select o.order_id from orders o join rates r on o.ordered_at >= r.valid_from",
            good="select o.order_id from orders o join rates r on r.currency = o.currency "
            "and o.ordered_at >= r.valid_from",
        ),
        why={
            None: "Without an equality there is no hash and no merge by key: every pair of rows is compared.",
            Engine.SPARK: _SHUFFLED,
            Engine.DATABRICKS: f"{_SHUFFLED} Databricks has a hint for range joins.",
            Engine.DUCKDB: "DuckDB has joins for inequalities and ASOF JOIN, still without a key to part the rows by.",
        },
        when_not="One side is small, or the engine has a join for it: ASOF JOIN, a range-join hint.",
        find=_inequality_join,
        effect="Rows are compared within a key only.",
    ),
    Rule(
        id="or-in-join",
        title="OR over two tables in a join",
        severity=Severity.WARNING,
        example=Example(
            bad="select o.order_id from orders o join customers c on o.customer_id = c.customer_id "
            "or o.email = c.email",
            good="select o.order_id from orders o join customers c on o.customer_id = c.customer_id",
        ),
        why={
            None: "Neither part alone is demanded, so no join by key is possible: every pair of rows is compared.",
            Engine.SPARK: _SHUFFLED,
        },
        when_not="Both tables are small.",
        find=_or_in_join,
        effect="Two joins by key and a UNION, each in proportion to its rows.",
    ),
    Rule(
        id="function-in-join-key",
        title="Computed join key",
        severity=Severity.WARNING,
        example=Example(
            bad="select o.order_id from orders o join customers c on lower(o.email) = c.email",
            good="select o.order_id from orders o join customers c on o.email = c.email",
        ),
        why={
            None: "The key is computed for each row, and the engine knows nothing of its values: neither how many "
            "match, nor that both sides lie by it.",
            Engine.POSTGRES: "An index on the column does not serve it, and the estimate of the matches is a guess.",
            Engine.REDSHIFT: "Tables that are distributed by the column are sent over the network all the same.",
        },
        when_not="The column cannot be cleaned where it is written; then compute it once, upstream.",
        find=_function_in_key,
        effect="Statistics, indexes, buckets and runtime filters on the key serve the join.",
    ),
    Rule(
        id="natural-join",
        title="NATURAL JOIN",
        severity=Severity.WARNING,
        example=Example(bad="select order_id, name from orders natural join customers", good=_JOINED),
        why={
            None: "A column of the same name that is added to both tables, such as updated_at, silently becomes part "
            "of the condition, and the result shrinks."
        },
        when_not="In a question by hand.",
        find=_natural_join,
        effect="The condition stays what it is when tables change.",
    ),
)
