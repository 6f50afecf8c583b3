"""Rules about rows that are doubled and removed again: DISTINCT, UNION, COUNT(DISTINCT)."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import Facts, TableFacts
from dataeng_assets.analyze.finding import Place, Severity
from dataeng_assets.analyze.queries import own_nodes
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import bare, columns, conjuncts, is_aggregated, is_windowed

_DISTINCT = (TokenType.DISTINCT,)


def _plain_distinct(select: exp.Select) -> bool:
    """Whether it says DISTINCT without ON."""
    distinct = select.args.get("distinct")
    return distinct is not None and not distinct.args.get("on")


def _place_of_distinct(statement: Statement, select: exp.Select) -> Place:
    return statement.place(select.expressions[0] if select.expressions else select, since=_DISTINCT)


def _distinct_fan_out(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        select = query.select
        joined = {one.alias for one in query.inputs if one.join is not None and one.join.kind not in {"SEMI", "ANTI"}}
        if not _plain_distinct(select) or not joined or is_aggregated(select):
            continue
        named = [query.input_of(column) for one in select.expressions for column in columns(one)]
        if not named or any(one is None for one in named) or any(one.is_star for one in select.expressions):
            continue
        used = {one.alias for one in named if one is not None}
        unused = sorted(joined - used) if len(used) == 1 else []
        if unused:
            of, by = next(iter(used)), ", ".join(f"`{alias}`" for alias in unused)
            message = f"Only `{of}` is selected; the join with {by} doubles its rows, and DISTINCT removes them again."
            yield Hit(_place_of_distinct(statement, select), message, select)


def _distinct_with_group(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        select = query.select
        group = select.args.get("group")
        if not _plain_distinct(select) or group is None or not group.expressions:
            continue
        grouped = {one.sql() for one in group.expressions}
        selected = {bare(one.unalias()).sql() for one in select.expressions}
        ordinals = {str(number + 1) for number in range(len(select.expressions))}
        if grouped <= selected or grouped <= ordinals:
            message = "GROUP BY already gives each group once, so DISTINCT has nothing to remove."
            yield Hit(_place_of_distinct(statement, select), message, select)


def _distinct_in_subquery(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.In, exp.Exists):
        inner = node.args.get("query") if isinstance(node, exp.In) else node.this
        select = inner.this if isinstance(inner, exp.Subquery) else inner
        if isinstance(select, exp.Select) and _plain_distinct(select) and not select.args.get("limit"):
            message = "IN and EXISTS ask whether there is a row; how many does not matter."
            yield Hit(_place_of_distinct(statement, select), message, select)


def _several_count_distinct(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        counted = [
            node
            for one in query.select.expressions
            for node in own_nodes(one)
            if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct) and not is_windowed(node)
        ]
        different = {node.this.sql(): node for node in counted}
        if len(different) > 1:
            counted.sort(key=lambda node: node.meta.get("start", 0))
            message = f"{len(different)} different columns are counted DISTINCT in one SELECT."
            yield Hit(statement.place(counted[1]), message, query.select)


def _disjoint_union(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Union):
        left, right = node.this, node.expression
        if not node.args.get("distinct") or not isinstance(left, exp.Select) or not isinstance(right, exp.Select):
            continue
        reason = _marked_apart(left, right) or _filtered_apart(left, right)
        # Each branch may still hold rows twice, which UNION removes, too: only its keys say that it does not.
        if reason:
            place = statement.place(right.expressions[0] if right.expressions else right, since=(TokenType.UNION,))
            yield Hit(place, f"{reason} UNION looks for duplicates between the branches all the same.", node)


def _marked_apart(left: exp.Select, right: exp.Select) -> str:
    for one, other in zip(left.expressions, right.expressions, strict=False):
        first, second = one.unalias(), other.unalias()
        if isinstance(first, exp.Literal) and isinstance(second, exp.Literal) and first != second:
            return f"The branches differ in the constants {first.sql()} and {second.sql()}."
    return ""


def _filtered_apart(left: exp.Select, right: exp.Select) -> str:
    selected = {one.unalias().name.lower() for one in left.expressions if isinstance(one.unalias(), exp.Column)}
    first, second = _fixed(left), _fixed(right)
    for name in sorted(first.keys() & second.keys() & selected):
        if first[name] != second[name]:
            return f"The branches differ in `{name}`: {first[name].sql()} and {second[name].sql()}."
    return ""


def _fixed(select: exp.Select) -> dict[str, exp.Expr]:
    """Columns that a SELECT demands to be one literal, where they are selected under their own name."""
    where = select.args.get("where")
    found: dict[str, exp.Expr] = {}
    for one in conjuncts(where.this if where else None):
        if isinstance(one, exp.EQ) and isinstance(one.this, exp.Column) and isinstance(one.expression, exp.Literal):
            found[one.this.name.lower()] = one.expression
    return found


def _count_instead_of_exists(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.GT, exp.GTE, exp.EQ, exp.NEQ, exp.LT, exp.LTE):
        subquery, number = bare(node.this), node.expression
        if not isinstance(subquery, (exp.Subquery, exp.Select)) or not isinstance(number, exp.Literal):
            continue
        select = subquery.this if isinstance(subquery, exp.Subquery) else subquery
        if not isinstance(select, exp.Select) or select.args.get("group") or len(select.expressions) != 1:
            continue
        counted = select.expressions[0].unalias()
        if isinstance(counted, exp.Count) and _asks_for_any(node, number.name):
            message = "All rows are counted to learn whether there is one. Use EXISTS or NOT EXISTS."
            yield Hit(statement.place(node), message, node)


def _asks_for_any(node: exp.Expr, number: str) -> bool:
    zero = isinstance(node, (exp.GT, exp.EQ, exp.NEQ, exp.LTE))
    return (number == "0" and zero) or (number == "1" and isinstance(node, (exp.GTE, exp.LT)))


def _distinct_of_key(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        if not _plain_distinct(query.select) or len(query.inputs) != 1 or not query.inputs[0].table:
            continue
        known = facts.of(query.inputs[0].table)
        plain = [one.unalias() for one in query.select.expressions]
        names = frozenset(one.name.lower() for one in plain if isinstance(one, exp.Column))
        if known is not None and known.keys and known.is_unique(names):
            message = f"The key of {known.name} is selected, so no two rows are equal."
            told = (f"{known.name} is unique by {', '.join(sorted(known.keys[0]))} ({known.source or 'contract'}).",)
            yield Hit(_place_of_distinct(statement, query.select), message, query.select, told)


_KEYED = Facts({"orders": TableFacts("orders", keys=(frozenset({"order_id"}),))})

RULES = (
    Rule(
        id="distinct-hides-fan-out",
        title="DISTINCT that repairs a join",
        severity=Severity.WARNING,
        example=Example(
            bad="select distinct c.customer_id from customers c join orders o on o.customer_id = c.customer_id",
            good="select c.customer_id from customers c where exists "
            "(select 1 from orders o where o.customer_id = c.customer_id)",
        ),
        why={
            None: "The join makes a row for each match, and all of them are hashed or sorted to be removed again.",
            Engine.SPARK: "The join makes a row for each match, and DISTINCT shuffles all of them once more.",
        },
        when_not="The joined key is unique, so that no row is doubled; then DISTINCT can go instead.",
        find=_distinct_fan_out,
        effect="A semi-join keeps each row at most once and stops at the first match.",
    ),
    Rule(
        id="distinct-with-group-by",
        title="DISTINCT beside GROUP BY",
        severity=Severity.WARNING,
        example=Example(
            bad="select distinct status, count(*) as orders from orders group by status",
            good="select status, count(*) as orders from orders group by status",
        ),
        why={None: "The groups are aggregated once more, by all columns."},
        when_not="Not all grouped columns are selected; the rule stays silent there.",
        find=_distinct_with_group,
        effect="One aggregation less.",
    ),
    Rule(
        id="distinct-in-subquery",
        title="DISTINCT inside IN or EXISTS",
        severity=Severity.INFO,
        example=Example(
            bad="select name from customers where customer_id in (select distinct customer_id from orders)",
            good="select name from customers where customer_id in (select customer_id from orders)",
        ),
        why={
            None: "A semi-join ignores duplicates; to remove them first is work for nothing, unless the optimizer "
            "drops it."
        },
        when_not="The subquery has very many duplicates and the engine profits from a smaller build side.",
        find=_distinct_in_subquery,
        effect="One aggregation less.",
    ),
    Rule(
        id="several-count-distinct",
        title="Several COUNT(DISTINCT) in one SELECT",
        severity=Severity.WARNING,
        example=Example(
            bad="select count(distinct customer_id) as customers, count(distinct product_id) as products from orders",
            good="select count(distinct customer_id) as customers from orders",
        ),
        why={
            None: "Each keeps a set of its own for each group, which does not fit into memory when there are many.",
            Engine.SPARK: "Spark expands every row once for each of them and shuffles all of that.",
            Engine.POSTGRES: "Postgres sorts the rows of each group once for each of them.",
            Engine.REDSHIFT: "Each is computed by an aggregation of its own over all rows.",
        },
        when_not="The table is small. Where an estimate is enough, approx_count_distinct takes fixed memory.",
        find=_several_count_distinct,
        effect="With sketches or one aggregation each, rows are shuffled once instead of once per count.",
    ),
    Rule(
        id="disjoint-union",
        title="UNION of branches that cannot overlap",
        severity=Severity.WARNING,
        example=Example(
            bad="select 'web' as source, order_id from web_orders "
            "union select 'shop' as source, order_id from shop_orders",
            good="select 'web' as source, order_id from web_orders "
            "union all select 'shop' as source, order_id from shop_orders",
        ),
        why={
            None: "UNION removes duplicates: all rows of all branches are hashed or sorted.",
            Engine.SPARK: "UNION removes duplicates: all rows of all branches are shuffled.",
        },
        when_not="A branch holds duplicates of its own that are to go: then make that branch DISTINCT.",
        find=_disjoint_union,
        effect="UNION ALL passes the rows on.",
    ),
    Rule(
        id="count-instead-of-exists",
        title="COUNT to learn whether there is a row",
        severity=Severity.WARNING,
        example=Example(
            bad="select 1 as found where (select count(*) from orders where status = 'open') > 0",
            good="select 1 as found where exists (select 1 from orders where status = 'open')",
        ),
        why={None: "All rows are counted, where the first one answers the question."},
        when_not="The number is needed as well.",
        find=_count_instead_of_exists,
        effect="The search ends with the first row.",
    ),
    Rule(
        id="distinct-of-key",
        title="DISTINCT of a key",
        severity=Severity.INFO,
        example=Example(
            bad="select distinct order_id, status from orders",
            good="select order_id, status from orders",
            facts=_KEYED,
        ),
        why={None: "The key is unique, so all rows are compared and none is removed."},
        when_not="The key is not enforced and known to be broken.",
        find=_distinct_of_key,
        effect="No aggregation at all.",
    ),
)
