"""What an expression is: a constant, a column alone, a condition over certain inputs.

Which inputs a query has belongs in `queries`.
"""

from collections.abc import Iterator

from sqlglot import exp

from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.analyze.queries import Input, Query, Scope, own_nodes

COMPARISONS = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ)
INEQUALITIES = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NEQ, exp.Between)


def bare(node: exp.Expr) -> exp.Expr:
    """The expression without brackets around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def conjuncts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that all must hold."""
    yield from _parts(node, exp.And)


def disjuncts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions of which one must hold."""
    yield from _parts(node, exp.Or)


def _parts(node: exp.Expr | None, kind: type[exp.Connector]) -> Iterator[exp.Expr]:
    waiting = [node] if node is not None else []
    while waiting:
        one = bare(waiting.pop())
        if isinstance(one, kind):
            waiting += [one.expression, one.this]
        else:
            yield one


def filters(query: Query) -> Iterator[exp.Expr]:
    """What every row of a query must meet: WHERE and the ON of inner joins."""
    where = query.select.args.get("where")
    yield from conjuncts(where.this if where else None)
    for one in query.inputs:
        if one.join is not None and not one.join.side:
            yield from conjuncts(one.join.args.get("on"))


def columns(node: exp.Expr) -> list[exp.Column]:
    """The columns that an expression names itself, not in queries inside it."""
    return [one for one in own_nodes(node) if isinstance(one, exp.Column)]


def is_constant(node: exp.Expr) -> bool:
    """Whether an expression has one value for the whole statement: no column, no query, no star."""
    if isinstance(node, exp.Literal):
        return True
    return not any(isinstance(one, (exp.Column, exp.Query, exp.Star, exp.AggFunc)) for one in node.walk())


def is_aggregated(select: exp.Select) -> bool:
    """Whether a SELECT gives a row per group."""
    return bool(select.args.get("group")) or gives_one_row(select)


def gives_one_row(select: exp.Select) -> bool:
    """Whether a SELECT aggregates without groups."""
    return not select.args.get("group") and any(
        isinstance(node, exp.AggFunc) and not is_windowed(node) for one in select.expressions for node in own_nodes(one)
    )


def is_windowed(node: exp.Expr) -> bool:
    """Whether an aggregate is that of a window."""
    parent = node.parent
    while isinstance(parent, (exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup)):
        parent = parent.parent
    return isinstance(parent, exp.Window)


def constant_pair(node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    """The side with columns and the constant one of a comparison; None where it is not such a one."""
    if isinstance(node, COMPARISONS):
        left, right = bare(node.this), bare(node.expression)
        if is_constant(left) and not is_constant(right):
            left, right = right, left
        return (left, right) if is_constant(right) and not is_constant(left) else None
    if isinstance(node, exp.Between) and is_constant(node.args["low"]) and is_constant(node.args["high"]):
        return bare(node.this), node.args["low"]
    if isinstance(node, exp.In) and node.expressions and all(is_constant(one) for one in node.expressions):
        return bare(node.this), node.expressions[0]
    return None


def inputs_of(node: exp.Expr, query: Query) -> list[Input] | None:
    """The inputs that an expression names; None where the text does not say for one of its columns."""
    found: dict[str, Input] = {}
    for column in columns(node):
        one = query.input_of(column)
        if one is None:
            return None
        found[one.alias] = one
    return list(found.values())


def joined_equalities(query: Query, join: exp.Join | None = None) -> Iterator[tuple[exp.Binary, Input, Input]]:
    """Equalities between one input and one other, in ON (of one join, if given) and, without a join, in WHERE."""
    joins = [join] if join is not None else [one.join for one in query.inputs if one.join is not None]
    conditions = [one for each in joins for one in conjuncts(each.args.get("on"))]
    where = query.select.args.get("where")
    if join is None and where:
        conditions += conjuncts(where.this)
    for one in conditions:
        if not isinstance(one, (exp.EQ, exp.NullSafeEQ)):
            continue
        left, right = inputs_of(one.this, query), inputs_of(one.expression, query)
        if left and right and len(left) == len(right) == 1 and left[0].alias != right[0].alias:
            yield one, left[0], right[0]


def table_facts(one: Input | None, facts: Facts) -> TableFacts | None:
    """What is known of the base table of an input."""
    return facts.of(one.table) if one is not None and one.table else None


def column_facts(node: exp.Expr, query: Scope, facts: Facts) -> ColumnFacts | None:
    """What is known of a column of a base table."""
    node = bare(node)
    if not isinstance(node, exp.Column):
        return None
    known = table_facts(query.input_of(node), facts)
    return known.column(node.name) if known else None


def family(type_: str) -> str:
    """Coarsely what a type holds: integer, decimal, float, text, date, time, boolean; empty for others."""
    word = type_.lower().split("(")[0].strip()
    return next((name for name, words in _FAMILIES.items() if word in words), "")


_FAMILIES = {
    "integer": {"tinyint", "smallint", "int", "integer", "bigint", "int2", "int4", "int8", "int64", "long", "serial"},
    "decimal": {"decimal", "numeric", "number", "bignumeric"},
    "float": {"float", "double", "double precision", "real", "float4", "float8", "float64"},
    "text": {"text", "string", "varchar", "char", "character varying", "character", "bpchar"},
    "date": {"date"},
    "time": {
        "timestamp", "timestamptz", "timestamp with time zone", "timestamp without time zone", "datetime",
        "timestamp_ntz", "timestamp_ltz", "timestamp_tz",
    },
    "boolean": {"boolean", "bool"},
}  # fmt: skip
NUMBERS = frozenset({"integer", "decimal", "float"})


def size(known: TableFacts) -> str:
    """A table's size, such as `orders has 1,200,000 rows, 4.1 GB, 312 files (Delta log).`; empty if unknown."""
    told = [
        f"{known.rows:,} rows" if known.rows is not None else "",
        in_bytes(known.bytes) if known.bytes is not None else "",
        f"{known.files:,} files" if known.files is not None else "",
    ]
    said = ", ".join(part for part in told if part)
    return f"{known.name} has {said}{_from(known)}." if said else ""


def _from(known: TableFacts) -> str:
    return f" ({known.source})" if known.source else ""


def in_bytes(number: float) -> str:
    """A number of bytes in its largest fitting unit."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}" if unit != "bytes" else f"{number:.0f} bytes"
        number /= 1000
    return f"{number:.3g} TB"


def adds_totals(group: exp.Expr) -> bool:
    """Whether grouping gives rows of its own, in which a key is NULL: ROLLUP, CUBE, GROUPING SETS."""
    return group.find(exp.Rollup, exp.Cube, exp.GroupingSets) is not None
