"""Rules about order, limits and windows."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import gives_one_row

DEEP_OFFSET = 100
"""Rows skipped, from which on paging by key is worth it."""
_ORDERED_AGGREGATES = (exp.ArrayAgg, exp.GroupConcat)


def _order_in_subquery(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        select = query.select
        order = select.args.get("order")
        if order is None or select.args.get("limit") or select.args.get("offset") or not _is_inner(select):
            continue
        if select.args.get("distinct") and select.args["distinct"].args.get("on"):
            continue  # Postgres' DISTINCT ON keeps the first row of this order
        if _feeds_ordered_aggregate(select) or _feeds_limit(select):
            continue
        message = "The order of a subquery is not kept by the query around it, so the sort is for nothing."
        yield Hit(statement.place(order, since=(TokenType.ORDER_BY,)), message, order)


def _is_inner(select: exp.Select) -> bool:
    parent = select.parent
    if isinstance(parent, exp.Subquery):
        return not isinstance(parent.parent, (exp.SetOperation, type(None))) and not _is_wrapped_whole(parent)
    return isinstance(parent, (exp.CTE, exp.In, exp.Exists))


def _is_wrapped_whole(node: exp.Subquery) -> bool:
    """Whether brackets only stand around the whole statement."""
    around: exp.Expr | None = node
    while isinstance(around, (exp.Subquery, exp.Paren)):
        around = around.parent
    return around is None or isinstance(around, (exp.Create, exp.Insert))


def _feeds_ordered_aggregate(select: exp.Select) -> bool:
    """Whether the query around collects rows, which people sort beforehand."""
    around = select.parent_select
    return around is not None and any(node.find(*_ORDERED_AGGREGATES) for node in around.expressions)


def _feeds_limit(select: exp.Select) -> bool:
    """Whether the query around keeps the first rows of this order, which engines give in practice."""
    around = select.parent_select
    return around is not None and bool(around.args.get("limit")) and not around.args.get("order")


def _limit_without_order(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        select = query.select
        limit = select.args.get("limit")
        if limit is None or select.args.get("order") or select.find_ancestor(exp.Exists) or gives_one_row(select):
            continue
        if not query.inputs or _is_zero(limit) or _comes_sorted(query.inputs[0].query) or _sampled(select):
            continue
        message = "Without ORDER BY, which rows LIMIT keeps is chance and may differ from run to run."
        yield Hit(statement.place(limit, since=(TokenType.LIMIT, TokenType.FETCH)), message, limit)


def _is_zero(limit: exp.Expr) -> bool:
    value = limit.args.get("expression") or limit.args.get("count")
    return isinstance(value, exp.Literal) and value.name == "0"


def _comes_sorted(inner: exp.Expr | None) -> bool:
    return isinstance(inner, exp.Query) and bool(inner.args.get("order"))


def _sampled(select: exp.Select) -> bool:
    return select.args.get("sort") is not None or select.args.get("cluster") is not None


def _order_by_ordinal(statement: Statement, _: Facts) -> Iterator[Hit]:
    for order in statement.all(exp.Order):
        if isinstance(order.parent, (exp.Window, exp.WithinGroup)):
            continue
        for one in order.expressions:
            value = one.this if isinstance(one, exp.Ordered) else one
            if isinstance(value, exp.Literal) and not value.is_string:
                message = f"ORDER BY {value.name} means whatever stands at that position of the list."
                yield Hit(statement.place(value), message, value)
                break


def _order_by_random(statement: Statement, _: Facts) -> Iterator[Hit]:
    for order in statement.all(exp.Order):
        for one in order.expressions:
            value = one.this if isinstance(one, exp.Ordered) else one
            if isinstance(value, (exp.Rand, exp.Randn, exp.Uuid)):
                message = "All rows get a random number and are sorted by it."
                yield Hit(statement.place(value), message, order)


def _offset_paging(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Offset):
        value = node.expression
        if isinstance(value, exp.Literal) and (not value.name.isdigit() or int(value.name) < DEEP_OFFSET):
            continue
        message = "The rows before the page are read and sorted to be thrown away. Ask for what follows the last key."
        yield Hit(statement.place(node, since=(TokenType.OFFSET,)), message, node)


def _window_without_partition(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Window):
        if (
            node.args.get("partition_by")
            or node.alias
            or (isinstance(node.parent, exp.Select) and node.arg_key == "windows")
        ):
            continue
        select = node.parent_select
        if select is None or _has_few_rows(select):
            continue
        message = "The window has no PARTITION BY, so all rows are one partition."
        yield Hit(statement.place(node, until=(TokenType.R_PAREN,)), message, node)


def _has_few_rows(select: exp.Select) -> bool:
    """Whether the window goes over groups or over a handful of rows."""
    if select.args.get("group") or not select.args.get("from_"):
        return True
    inner = select.args["from_"].this
    body = inner.this if isinstance(inner, exp.Subquery) else None
    return isinstance(body, exp.Values) or (isinstance(body, exp.Select) and bool(body.args.get("group")))


def _last_value_frame(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Window):
        function = node.this.this if isinstance(node.this, (exp.IgnoreNulls, exp.RespectNulls)) else node.this
        if isinstance(function, exp.LastValue) and node.args.get("order") and not node.args.get("spec"):
            message = "Without a frame, the window ends at the current row, and LAST_VALUE gives that row's own value."
            yield Hit(statement.place(node), message, node)


def _whole_result_sorted(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        select = query.select
        order = select.args.get("order")
        if order is None or select.args.get("limit") or _is_inner(select) or select.args.get("group"):
            continue
        if gives_one_row(select) or not query.inputs or select.args.get("distinct"):
            continue
        message = "The whole result is sorted, and no LIMIT bounds it."
        yield Hit(statement.place(order, since=(TokenType.ORDER_BY,)), message, order)


RULES = (
    Rule(
        id="order-by-in-subquery",
        title="ORDER BY in a subquery without LIMIT",
        severity=Severity.WARNING,
        example=Example(
            bad="select status, count(*) as orders from (select status from orders order by status) o group by status",
            good="select status, count(*) as orders from (select status from orders) o group by status",
        ),
        why={
            None: "A sort costs, and no engine promises that its order survives.",
            Engine.SPARK: "A global sort samples, shuffles by range and sorts all rows, unless the optimizer drops it.",
        },
        when_not="The query around collects the rows into an array or text in just this order.",
        find=_order_in_subquery,
        effect="No sort.",
    ),
    Rule(
        id="limit-without-order",
        title="LIMIT without ORDER BY",
        severity=Severity.WARNING,
        example=Example(
            bad="select order_id from orders limit 10",
            good="select order_id from orders order by order_id limit 10",
        ),
        why={
            None: "The engine returns the rows it finds first, which depends on files, threads and plans.",
            Engine.BIGQUERY: "The engine returns the rows it finds first, and LIMIT does not lower the bytes billed.",
        },
        when_not="Any rows will do, as for a look at a table.",
        find=_limit_without_order,
        effect="The same rows in each run.",
    ),
    Rule(
        id="order-by-ordinal",
        title="ORDER BY a position",
        severity=Severity.INFO,
        example=Example(
            bad="select status, order_id from orders order by 2",
            good="select status, order_id from orders order by order_id",
            engine=Engine.DUCKDB,
        ),
        why={None: "A column that is added or moved changes the order without a word."},
        when_not="In a question by hand.",
        find=_order_by_ordinal,
        effect="The order stays what it is.",
    ),
    Rule(
        id="order-by-random",
        title="ORDER BY a random number",
        severity=Severity.WARNING,
        example=Example(
            bad="select order_id from orders order by rand() limit 100",
            good="select order_id from orders tablesample (1 percent)",
        ),
        why={None: "The whole table is read, numbered and sorted for a sample that differs in each run."},
        when_not="The table is small, or the sample must be exact in size and unbiased.",
        find=_order_by_random,
        effect="A sample is taken while reading, or by a hash of the key, which also gives the same rows each time.",
    ),
    Rule(
        id="offset-paging",
        title="Paging with OFFSET",
        severity=Severity.INFO,
        example=Example(
            bad="select order_id from orders order by order_id limit 50 offset 100000",
            good="select order_id from orders where order_id > 100000 order by order_id limit 50",
        ),
        why={
            None: "Each page reads and sorts all pages before it; rows that are added meanwhile shift the pages, so "
            "that some are seen twice and some never."
        },
        when_not="Only the first pages are ever asked for.",
        find=_offset_paging,
        effect="Each page costs as much as the first.",
    ),
    Rule(
        id="window-without-partition",
        title="Window without PARTITION BY",
        severity=Severity.WARNING,
        example=Example(
            bad="select order_id, row_number() over (order by ordered_at) as number from orders",
            good="select order_id, row_number() over (partition by customer_id order by ordered_at) as number "
            "from orders",
        ),
        why={
            None: "All rows are one partition, which one worker sorts and holds.",
            Engine.SPARK: "Spark moves all rows to a single task, and warns of it in its log only.",
            Engine.POSTGRES: "All rows are sorted, on disk when work_mem is too small.",
        },
        when_not="The result has few rows, or a total over all of them is meant.",
        find=_window_without_partition,
        effect="The work is spread over the partitions.",
    ),
    Rule(
        id="last-value-frame",
        title="LAST_VALUE with the default frame",
        severity=Severity.ERROR,
        example=Example(
            bad="select order_id, last_value(status) over (partition by customer_id order by ordered_at) as latest "
            "from orders",
            good="select order_id, first_value(status) over (partition by customer_id order by ordered_at desc) "
            "as latest from orders",
        ),
        why={None: "With ORDER BY the default frame is RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW."},
        when_not="Never; the value of the current row needs no window.",
        find=_last_value_frame,
        effect="The last value of the partition.",
    ),
    Rule(
        id="whole-result-sorted",
        title="ORDER BY over a whole result",
        severity=Severity.INFO,
        engines=frozenset({Engine.BIGQUERY}),
        example=Example(
            bad="select order_id, status from shop.orders order by ordered_at",
            good="select order_id from shop.orders where status = 'open' order by ordered_at limit 1000",
            engine=Engine.BIGQUERY,
        ),
        why={None: "The last step of the sort runs in a single slot; a large result ends with `Resources exceeded`."},
        when_not="The result is small.",
        find=_whole_result_sorted,
        effect="With LIMIT, each slot keeps only its first rows.",
    ),
)
