"""Rules about subqueries, common table expressions and joins that are run for each row, again, or for nothing."""

from collections.abc import Iterator

from sqlglot import exp

from dataeng_assets.analyze.engines import SPARKS, Engine
from dataeng_assets.analyze.facts import Facts, TableFacts
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.queries import Query
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import adds_totals, columns, conjuncts, is_aggregated, joined_equalities, table_facts

_COSTLY = (exp.Join, exp.Group, exp.Window, exp.AggFunc, exp.Distinct, exp.SetOperation)


def _correlated_scalar(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        parent = query.select.parent
        if not isinstance(parent, exp.Subquery) or isinstance(parent.parent, (exp.From, exp.Join, exp.In, exp.Exists)):
            continue
        if isinstance(parent.parent, (exp.Lateral, exp.Any, exp.All, exp.SetOperation, exp.CTE, type(None))):
            continue
        outer = [
            column for column in query.own(exp.Column) if isinstance(column, exp.Column) and query.is_correlated(column)
        ]
        if outer:
            message = (
                f"This subquery is asked anew for each row, by `{statement.written(outer[0])}` of the query around it."
            )
            yield Hit(statement.place(parent), message, parent)


def _references(cte: exp.CTE) -> int:
    """How often a common table expression is read."""
    with_ = cte.parent
    owner = with_.parent if with_ is not None else None
    if owner is None:
        return 1
    name = cte.alias.lower()
    return sum(
        1
        for table in owner.find_all(exp.Table)
        if table.name.lower() == name and not table.db and table.find_ancestor(exp.CTE) is not cte
    )


def _ctes(statement: Statement) -> Iterator[exp.CTE]:
    yield from (cte for cte in statement.all(exp.CTE) if isinstance(cte.parent, exp.With) and cte.alias)


def _unused_cte(statement: Statement, _: Facts) -> Iterator[Hit]:
    for cte in _ctes(statement):
        if isinstance(cte.this, exp.Query) and _references(cte) == 0:
            if statement.tree.find(exp.Command):
                continue
            alias = cte.args["alias"]
            yield Hit(statement.place(alias), f"`{cte.alias}` is defined and never read.", cte)


def _repeated_cte(statement: Statement, _: Facts) -> Iterator[Hit]:
    for cte in _ctes(statement):
        if cte.args.get("materialized") or cte.parent is None or cte.parent.args.get("recursive"):
            continue
        times = _references(cte)
        if times > 1 and isinstance(cte.this, exp.Query) and cte.this.find(*_COSTLY):
            message = f"`{cte.alias}` is read {times} times, and may be computed as often."
            yield Hit(statement.place(cte.args["alias"]), message, cte)


def _unused_join(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        if any(one.is_star for one in query.select.expressions) or _has_star(query):
            continue
        named = list(query.select.find_all(exp.Column))
        for one in query.inputs:
            join = one.join
            if (
                join is None
                or join.side != "LEFT"
                or join.kind in {"SEMI", "ANTI"}
                or not one.table
                or join.args.get("using")
            ):
                continue
            inside = {id(column) for column in join.find_all(exp.Column)}
            if any(not column.table for column in named):
                continue
            if any(column.table.lower() == one.alias and id(column) not in inside for column in named):
                continue
            yield from _unused_join_hit(statement, query, one.alias, join, facts)


def _has_star(query: Query) -> bool:
    return any(isinstance(node, exp.Star) and isinstance(node.parent, exp.Select) for node in query.own(exp.Star))


def _unused_join_hit(statement: Statement, query: Query, alias: str, join: exp.Join, facts: Facts) -> Iterator[Hit]:
    one = next(each for each in query.inputs if each.alias == alias)
    known = table_facts(one, facts)
    sides = [
        column.name.lower()
        for node, *_ in joined_equalities(query, join)
        for column in columns(node)
        if column.table.lower() == alias
    ]
    unique = known.is_unique(frozenset(sides)) if known else None
    if unique is False or (not unique and is_aggregated(query.select)):
        return
    told = (f"{known.name} is unique by {', '.join(sorted(set(sides)))}.",) if known and unique else ()
    kept = "It changes nothing." if unique else "Without duplicates in it, it changes nothing."
    message = f"Nothing of `{alias}` is used, and LEFT JOIN keeps all rows. {kept}"
    yield Hit(statement.place(join.this), message, join, told)


def _having_in_where(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        having = query.select.args.get("having")
        group = query.select.args.get("group")
        aliases = {one.alias.lower() for one in query.select.expressions if one.alias}
        for condition in conjuncts(having.this if having else None):
            named = columns(condition)
            if (
                group is None
                or adds_totals(group)
                or not named
                or condition.find(exp.AggFunc, exp.Query, exp.Anonymous, exp.Window)
            ):
                continue
            if any(not column.table and column.name.lower() in aliases for column in named):
                continue
            message = f"`{statement.written(condition)}` needs no group, so it belongs in WHERE."
            yield Hit(statement.place(condition), message, condition)


_UNIQUE = Facts({"customers": TableFacts("customers", keys=(frozenset({"customer_id"}),))})
_TOTALS = "with totals as (select customer_id, sum(amount) as total from orders group by customer_id) "

RULES = (
    Rule(
        id="correlated-scalar-subquery",
        title="Correlated scalar subquery",
        severity=Severity.WARNING,
        example=Example(
            bad="select c.customer_id, (select max(o.ordered_at) from orders o where o.customer_id = c.customer_id) "
            "as latest from customers c",
            good="select c.customer_id, max(o.ordered_at) as latest from customers c "
            "left join orders o on o.customer_id = c.customer_id group by c.customer_id",
        ),
        why={
            None: "It is rewritten to a join where the engine can, and run once for each row where it cannot.",
            Engine.POSTGRES: "Postgres runs it once for each row; without an index that is a scan for each row.",
            Engine.SPARK: "Spark turns it into a left join over an aggregation, or refuses it.",
            Engine.REDSHIFT: "Redshift refuses some forms of it and turns the others into joins.",
        },
        when_not="Few rows are left and an index serves it.",
        find=_correlated_scalar,
        effect="One aggregation and one join, whatever the number of rows.",
    ),
    Rule(
        id="repeated-cte",
        title="Common table expression that is read several times",
        severity=Severity.INFO,
        engines=SPARKS | {Engine.BIGQUERY, Engine.REDSHIFT, Engine.SNOWFLAKE},
        example=Example(
            bad=f"{_TOTALS} select a.customer_id from totals a join totals b on a.customer_id = b.customer_id + 1",
            good=f"{_TOTALS} select customer_id, total from totals",
        ),
        why={
            None: "It may be computed once for each time it is read.",
            Engine.SPARK: "Spark puts its text in each place and computes it as often, unless exchanges happen to be "
            "equal and are reused.",
            Engine.BIGQUERY: "BigQuery computes it each time it is read, unless it is recursive.",
            Engine.SNOWFLAKE: "Snowflake decides by cost whether it is computed once or each time.",
        },
        when_not="It is cheap, or each place reads another small part of it.",
        find=_repeated_cte,
        effect="Written to a temporary table or cached, it is computed once.",
    ),
    Rule(
        id="unused-cte",
        title="Common table expression that is never read",
        severity=Severity.WARNING,
        example=Example(
            bad="with open_orders as (select order_id from orders where status = 'open') select name from customers",
            good="select name from customers",
        ),
        why={
            None: "Most engines skip it; whoever reads the statement does not.",
            Engine.POSTGRES: "Postgres skips it, unless it changes data; whoever reads the statement does not.",
        },
        when_not="It changes data, as Postgres allows; the rule stays silent there.",
        find=_unused_cte,
        effect="The statement says what it does.",
    ),
    Rule(
        id="unused-join",
        title="LEFT JOIN of which nothing is used",
        severity=Severity.WARNING,
        example=Example(
            bad="select o.order_id from orders o left join customers c on c.customer_id = o.customer_id",
            good="select o.order_id, c.name from orders o left join customers c on c.customer_id = o.customer_id",
            facts=_UNIQUE,
        ),
        why={
            None: "The table is read and joined. If its key is not unique, it doubles rows, and nobody asks for it.",
            Engine.POSTGRES: "Postgres removes the join only where a unique index proves the key.",
        },
        when_not="Rows are to be doubled by it.",
        find=_unused_join,
        effect="One table is not read.",
    ),
    Rule(
        id="having-without-aggregate",
        title="HAVING that belongs in WHERE",
        severity=Severity.WARNING,
        example=Example(
            bad="select status, count(*) as orders from orders group by status having status <> 'cancelled'",
            good="select status, count(*) as orders from orders where status <> 'cancelled' group by status",
        ),
        why={None: "Rows are grouped to be thrown away, unless the optimizer moves the condition before the grouping."},
        when_not="Never: the result is the same.",
        find=_having_in_where,
        effect="Fewer rows are grouped, and files are skipped.",
    ),
)
