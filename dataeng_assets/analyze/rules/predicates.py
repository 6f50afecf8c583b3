"""Rules about filters on columns: what keeps an engine from skipping files, blocks or index entries.

Rules that need a table's layout are in `layout`.
"""

from collections.abc import Iterator

from sqlglot import exp

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.analyze.finding import Effect, Severity
from dataeng_assets.analyze.queries import Query, Scope
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import (
    NUMBERS,
    bare,
    column_facts,
    columns,
    constant_pair,
    disjuncts,
    family,
    is_aggregated,
    size,
    table_facts,
)

# With these, the same rows can be asked for by a range or a value of the column itself.
_HAS_TWIN = (
    exp.Cast, exp.TryCast, exp.TsOrDsToDate, exp.TimestampTrunc, exp.DateTrunc, exp.DatetimeTrunc, exp.Year, exp.Month,
    exp.Day, exp.Hour, exp.Extract, exp.TimeToStr, exp.StrToDate, exp.StrToTime, exp.Date, exp.DateAdd, exp.DateSub,
    exp.TsOrDsAdd, exp.DateDiff, exp.UnixToTime, exp.TimeToUnix, exp.Lower, exp.Upper, exp.Trim, exp.Substring,
    exp.Left, exp.ToChar, exp.Quarter, exp.Week, exp.AddMonths, exp.TsOrDsToTimestamp, exp.TsOrDiToDi, exp.Trunc,
)  # fmt: skip
_OTHER_RULES = (exp.Coalesce, exp.Case, exp.If, exp.AggFunc, exp.JSONExtract, exp.JSONExtractScalar, exp.Window)
MANY = 1000
"""Values in a list, from which on a join is the better way."""


def _compared(statement: Statement) -> Iterator[tuple[Scope, exp.Expr, exp.Expr, exp.Expr]]:
    """Comparisons with a constant in WHERE: what it limits, the comparison, its side with columns, the constant."""
    for query in (*statement.queries, *statement.changes):
        for node in query.filter_nodes:
            pair = constant_pair(node)
            if pair is not None and not node.find_ancestor(exp.Case, exp.If, exp.AggFunc):
                yield query, node, *pair


def _on_column(node: exp.Expr, query: Scope) -> exp.Column | None:
    """The only column of an expression, unless it comes out of an aggregation."""
    named = columns(node)
    if len({column.sql() for column in named}) != 1:
        return None
    one = query.input_of(named[0])
    inner = one.query if one is not None else None
    if isinstance(inner, exp.Select) and is_aggregated(inner) and not _passes(inner, named[0].name):
        return None
    return named[0]


def _passes(select: exp.Select, name: str) -> bool:
    """Whether a query gives a column of its input under its own name."""
    return any(isinstance(one, exp.Column) and one.name.lower() == name.lower() for one in select.expressions)


def _function_on_column(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query, node, side, _ in _compared(statement):
        column = _on_column(side, query)
        if column is None or not isinstance(side, exp.Func) or side.find(*_OTHER_RULES):
            continue
        known = table_facts(query.input_of(column), facts)
        laid_out = known is not None and _is_laid_out_by(known, column.name)
        if not (laid_out or isinstance(side, _HAS_TWIN)) or _is_same_type(side, query, facts):
            continue
        of = f"A {'cast' if isinstance(side, exp.Cast) else 'function'} of `{statement.written(column)}` is compared"
        message = f"{of}, not the column itself: `{statement.written(node)}`."
        severity = Severity.ERROR if known and column.name.lower() in known.partition_columns else None
        yield Hit(statement.place(node), message, node, *_evidence(known, column.name), severity)


def _is_same_type(side: exp.Expr, query: Scope, facts: Facts) -> bool:
    """Whether a cast leaves the column as it is, which `redundant-cast` says."""
    known = column_facts(side.this, query, facts) if isinstance(side, exp.Cast) else None
    return known is not None and family(known.type) == family(side.args["to"].sql()) != ""


def _is_laid_out_by(known: TableFacts, column: str) -> bool:
    laid_out = {*known.partition_columns, *known.clustered_by, *(index[0] for index in known.indexes if index)}
    return column.lower() in laid_out


def _evidence(known: TableFacts | None, column: str) -> tuple[tuple[str, ...], Effect | None]:
    """The facts of a table and what reading less of it could bring."""
    if known is None:
        return (), None
    told = [size(known)]
    if column.lower() in known.partition_columns:
        told.append(f"{known.name} is partitioned by {', '.join(known.partition_columns)}.")
    elif column.lower() in known.clustered_by:
        told.append(f"{known.name} is clustered by {', '.join(known.clustered_by)}.")
    elif any(index[0] == column.lower() for index in known.indexes if index):
        told.append(f"{known.name} has an index that begins with {column.lower()}.")
    effect = Effect(f"Instead of all {known.files:,} files, those of the range are read.") if known.files else None
    return tuple(part for part in told if part), effect


def _arithmetic_on_column(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query, node, side, _ in _compared(statement):
        if not isinstance(side, (exp.Add, exp.Sub, exp.Mul, exp.Div)):
            continue
        column = _on_column(side, query)
        if column is None or len(columns(side)) != 1 or side.find(*_OTHER_RULES):
            continue
        known = table_facts(query.input_of(column), facts)
        message = f"`{statement.written(side)}` is computed for each row. Move the arithmetic to the constant's side."
        yield Hit(statement.place(node), message, node, *_evidence(known, column.name))


def _leading_wildcard(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Like, exp.ILike):
        pattern = node.expression
        if not (isinstance(pattern, exp.Literal) and pattern.is_string and pattern.name[:1] in {"%", "_"}):
            continue
        if isinstance(node.this, exp.Column) and pattern.name.strip("%_"):
            message = f"The pattern '{pattern.name}' begins with a wildcard, so every value must be read."
            yield Hit(statement.place(node), message, node)


def _implicit_cast(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query, node, side, constant in _compared(statement):
        known = column_facts(side, query, facts)
        if known is None or not isinstance(constant, exp.Literal):
            continue
        kind = family(known.type)
        if kind in NUMBERS and constant.is_string:
            message = f"`{statement.written(side)}` is {known.type}, and is compared with the text '{constant.name}'."
        elif kind == "text" and not constant.is_string:
            message = f"`{statement.written(side)}` is text, and is compared with the number {constant.name}."
        else:
            continue
        told = (f"{statement.written(side)} has the type {known.type}.",)
        yield Hit(statement.place(node), message, node, told)


def _coalesce_in_filter(statement: Statement, _: Facts) -> Iterator[Hit]:
    for _query, node, side, _constant in _compared(statement):
        if isinstance(side, exp.Coalesce) and isinstance(bare(side.this), exp.Column):
            message = f"`{statement.written(side)}` is compared, not the column. Name the column and NULL apart."
            yield Hit(statement.place(node), message, node)


def _catch_all(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Or):
        if isinstance(node.parent, exp.Or):
            continue
        parts = list(disjuncts(node))
        nullable = [bare(one.this) for one in parts if isinstance(one, exp.Is) and isinstance(one.expression, exp.Null)]
        given = [one for one in nullable if isinstance(one, (exp.Placeholder, exp.Parameter, exp.SessionParameter))]
        if given and any(columns(one) for one in parts):
            message = f"With `{statement.written(given[0])} is null or …` one plan serves both cases, and reads all."
            yield Hit(statement.place(node), message, node)


def _long_list(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.In):
        if len(node.expressions) > MANY and columns(node.this):
            message = f"The list has {len(node.expressions):,} values. Put them into a table and join it."
            yield Hit(statement.place(node.this, until=()), message, node)


def _float_equality(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for node in query.own(exp.EQ):
            if any(_is_float(bare(side), query, facts) for side in (node.this, node.expression)):
                message = "Two floating-point numbers are compared for equality. Compare within a tolerance."
                yield Hit(statement.place(node), message, node)


def _is_float(node: exp.Expr, query: Query, facts: Facts) -> bool:
    if isinstance(node, exp.Cast) and columns(node.this):
        return bool(node.to.is_type("double", "float"))
    known: ColumnFacts | None = column_facts(node, query, facts)
    return known is not None and family(known.type) == "float"


_ORDERS = Facts({"orders": TableFacts("orders", columns={"order_id": ColumnFacts("bigint")})})
_WEIGHTS = Facts({"parcels": TableFacts("parcels", columns={"weight": ColumnFacts("double")})})
_SKIPPED = "Files and row groups are skipped by the minimum and maximum of a column, not of an expression over it."

RULES = (
    Rule(
        id="function-on-column",
        title="Filter on a function of a column",
        severity=Severity.WARNING,
        example=Example(
            bad="select order_id from orders where date(ordered_at) = '2026-03-01'",
            good="select order_id from orders where ordered_at >= '2026-03-01' and ordered_at < '2026-03-02'",
        ),
        why={
            None: _SKIPPED,
            Engine.POSTGRES: "An index on the column does not serve an expression over it, and the planner has no "
            "statistics for the result, so its estimate of the rows is a constant.",
            Engine.BIGQUERY: "Partitions and clusters are pruned by a comparison of the column itself; what is not "
            "pruned is billed.",
            Engine.SNOWFLAKE: "Micro-partitions are pruned by the ranges of the column; for most functions not.",
            Engine.REDSHIFT: "Zone maps hold minimum and maximum of the column; a function over it reads every block.",
        },
        when_not="There is an index on just this expression, a generated column, or the table is small.",
        find=_function_on_column,
        effect="What lies outside the range is not read.",
    ),
    Rule(
        id="arithmetic-on-column",
        title="Filter on arithmetic over a column",
        severity=Severity.WARNING,
        example=Example(
            bad="select order_id from orders where amount * 100 > 5000",
            good="select order_id from orders where amount > 50",
        ),
        why={
            None: _SKIPPED,
            Engine.POSTGRES: "An index on the column does not serve an expression over it.",
        },
        when_not="The column has no order on disk and no index, and the constant's side would overflow.",
        find=_arithmetic_on_column,
        effect="What lies outside the range is not read.",
    ),
    Rule(
        id="leading-wildcard",
        title="LIKE pattern that begins with a wildcard",
        severity=Severity.INFO,
        example=Example(
            bad="select customer_id from customers where email like '%@example.com'",
            good="select customer_id from customers where email like 'anna%'",
        ),
        why={
            None: "Minimum and maximum of a block say nothing about the end of a value, so no file is skipped.",
            Engine.POSTGRES: "A B-tree index is ordered by the beginning of a value, so it cannot be used.",
        },
        when_not="The table is small, or the search is served by a trigram or full-text index.",
        find=_leading_wildcard,
        effect="With a fixed beginning, files or index ranges are skipped.",
    ),
    Rule(
        id="implicit-cast",
        title="Column compared with a value of another type",
        severity=Severity.WARNING,
        example=Example(
            bad="select amount from orders where order_id = '42'",
            good="select amount from orders where order_id = 42",
            facts=_ORDERS,
        ),
        why={
            None: "One side is cast for each row. Where that is the column, nothing is skipped, and values such as "
            "'007' and '7' become equal.",
            Engine.SPARK: "Spark casts the text side; where that is the column, the filter is not pushed down to the "
            "files, and what is no number becomes NULL or, with ANSI mode, an error.",
            Engine.BIGQUERY: "BigQuery refuses to compare a number with a text.",
        },
        when_not="The column is of the wrong type, which is to be mended in its table first.",
        find=_implicit_cast,
        effect="The filter reaches the files and means what it says.",
    ),
    Rule(
        id="coalesce-in-filter",
        title="Filter on COALESCE of a column",
        severity=Severity.INFO,
        example=Example(
            bad="select order_id from orders where coalesce(status, 'new') = 'new'",
            good="select order_id from orders where status = 'new' or status is null",
        ),
        why={None: _SKIPPED, Engine.POSTGRES: "An index on the column does not serve COALESCE over it."},
        when_not="The column has no order on disk and no index, and the short form reads better.",
        find=_coalesce_in_filter,
        effect="The comparison and the test for NULL are answered by statistics or an index.",
    ),
    Rule(
        id="optional-parameter",
        title="One condition for a parameter that may be absent",
        severity=Severity.INFO,
        example=Example(
            bad="select order_id from orders where (:customer is null or customer_id = :customer)",
            good="select order_id from orders where customer_id = :customer",
        ),
        why={None: "The plan must be right for both cases, so it is the one that reads everything."},
        when_not="The table is small, or the engine plans anew for each set of parameters.",
        find=_catch_all,
        effect="Each case gets the plan that suits it.",
    ),
    Rule(
        id="long-in-list",
        title="Very long list of values",
        severity=Severity.INFO,
        example=Example(
            bad=f"select order_id from orders where customer_id in ({', '.join(map(str, range(MANY + 1)))})",
            good="select order_id from orders where customer_id in (1, 2, 3)",
        ),
        why={None: "Parsing and planning grow with the list, and the plan can no longer be reused."},
        when_not="The text is made by a tool that has no way to load a table.",
        find=_long_list,
        effect="The statement is planned once, and the values are joined by hash.",
    ),
    Rule(
        id="float-equality",
        title="Equality of floating-point numbers",
        severity=Severity.WARNING,
        example=Example(
            bad="select parcel_id from parcels where weight = 0.3",
            good="select parcel_id from parcels where weight between 0.2999 and 0.3001",
            facts=_WEIGHTS,
        ),
        why={
            None: "0.1 + 0.2 is not 0.3 in binary: rows that are equal on paper do not match, depending on how the "
            "value was computed."
        },
        when_not="Both values are copies of the same stored value.",
        find=_float_equality,
        effect="Rows that are meant to match do.",
    ),
)
