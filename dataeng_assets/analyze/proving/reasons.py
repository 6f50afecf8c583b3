"""What keeps two statements from being compared by running them, as a sentence for the person.

What depends on ties only (`depends_on_ties`) can be compared: equal results count, different ones prove nothing.
"""

from collections.abc import Iterator

from sqlglot import exp

_RANDOM = (exp.Rand, exp.Randn, exp.Uuid, exp.TableSample)
_RANDOM_NAMES = frozenset(
    {
        *("random", "rand", "randn", "randstr", "random_normal", "uniform", "normal", "zipf"),
        *("uuid", "gen_random_uuid", "generate_uuid", "newid", "nextval", "seq4", "seq8"),
        *("monotonically_increasing_id", "spark_partition_id", "input_file_name"),
        *("txid_current", "clock_timestamp", "timeofday"),
    }
)
_GATHERS = (exp.ArrayAgg, exp.ArrayUniqueAgg, exp.ArrayConcatAgg, exp.GroupConcat)
_ANY_ORDER = (
    *(exp.RowNumber, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Lag, exp.Lead, exp.Ntile),
    *(exp.ArrayAgg, exp.GroupConcat, exp.First, exp.Last, exp.AnyValue, exp.ArgMax, exp.ArgMin),
)


def not_comparable(statement: exp.Expr, dialect: str) -> str:
    """Why running the statement proves nothing about it; empty when it does."""
    for node in statement.walk():
        reason = _of_node(node, dialect)
        if reason:
            return reason
    return next(_loose_limits(statement), "")


def _of_node(node: exp.Expr, dialect: str) -> str:
    name = node.name.lower() if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc) else ""
    if isinstance(node, _RANDOM) or name in _RANDOM_NAMES:
        return f"{name or node.key} gives another value each time"
    if name and dialect != "duckdb":
        return f"what the function {name} gives on this engine is not known to DuckDB, which compares the statements"
    if gives_empty(node, dialect):
        return f"over no rows {node.key} gives an empty value on this engine and NULL in DuckDB, which compares them"
    if isinstance(node, exp.Parameter | exp.Placeholder | exp.SessionParameter):
        return "the statement has a parameter, whose value is not known"
    if isinstance(node, exp.With) and node.args.get("recursive"):
        return "a recursive query may never end on made data"
    if isinstance(node, exp.Command | exp.DML | exp.DDL) and not isinstance(node, exp.Query | exp.Insert | exp.Create):
        return "only what reads is compared, and this statement writes"
    return ""


def gives_empty(node: exp.Expr, dialect: str) -> bool:
    """Whether it gathers values of a query without groups where that gives an empty list or text, not NULL."""
    if dialect not in ("spark", "databricks", "snowflake") or not isinstance(node, _GATHERS):
        return False
    select = node.parent_select
    return select is None or not select.args.get("group")


def _loose_limits(statement: exp.Expr) -> Iterator[str]:
    for limit in statement.find_all(exp.Limit, exp.Fetch, exp.Offset):
        query = limit.parent
        if isinstance(query, exp.Query) and not query.args.get("order") and not _is_one_row(query):
            yield "a LIMIT without ORDER BY may give any of the rows"


def _is_one_row(query: exp.Query) -> bool:
    """Whether there is one row anyhow, or only whether there is one matters."""
    if isinstance(query.parent, exp.Exists) or isinstance(getattr(query.parent, "parent", None), exp.Exists):
        return True
    if not isinstance(query, exp.Select) or query.args.get("group"):
        return False
    return any(projection.find(exp.AggFunc) for projection in query.expressions)


def depends_on_ties(statement: exp.Expr) -> bool:
    """Whether the rows of the result may depend on which of several equal rows comes first."""
    if any(isinstance(node, _ANY_ORDER) for node in statement.walk()):
        return True
    limits = [limit.parent for limit in statement.find_all(exp.Limit, exp.Fetch, exp.Offset)]
    return any(isinstance(query, exp.Query) and not _sorts_all(query) for query in limits)


def _sorts_all(query: exp.Query) -> bool:
    """Whether rows that are equal in its order are equal in all columns."""
    return set(order_of(query)[0]) == set(range(len(query.selects))) and not query.is_star


def order_of(statement: exp.Expr) -> tuple[tuple[int, ...], str]:
    """By which columns of the result its rows are sorted, by position, and the whole order as text.

    The positions end where the order names something that is not in the result.
    """
    order = statement.args.get("order")
    if not isinstance(statement, exp.Query) or order is None:
        return (), ""
    names = [projection.alias_or_name.lower() for projection in statement.selects]
    sources = [projection.unalias().sql() for projection in statement.selects]
    places: list[int] = []
    for ordered in order.expressions:
        place = _place(ordered.this, names, sources)
        if place is None:
            break
        places.append(place)
    return tuple(places), order.sql(normalize=True)


def _place(by: exp.Expr, names: list[str], sources: list[str]) -> int | None:
    if isinstance(by, exp.Literal) and by.is_int:
        return int(by.this) - 1 if 1 <= int(by.this) <= len(names) else None
    if isinstance(by, exp.Column) and by.name.lower() in names:
        return names.index(by.name.lower())
    return sources.index(by.sql()) if by.sql() in sources else None
