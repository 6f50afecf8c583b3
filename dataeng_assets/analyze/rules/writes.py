"""Rules about statements that change tables."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.engines import SPARKS, Engine
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.queries import queries_of
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import bare, columns, conjuncts, is_constant


def _update_without_where(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Update):
        if node.args.get("where") is None and isinstance(node.this, exp.Table) and not _is_of_merge(node):
            message = f"Every row of `{statement.written(node.this)}` is changed: there is no WHERE."
            yield Hit(statement.place(node.this, since=(TokenType.UPDATE,)), message, node)


def _is_of_merge(node: exp.Expr) -> bool:
    return node.find_ancestor(exp.Merge, exp.OnConflict) is not None


def _delete_without_where(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Delete):
        if node.args.get("where") is None and isinstance(node.this, exp.Table):
            if node.args.get("limit") or node.args.get("tables"):
                continue
            message = f"Every row of `{statement.written(node.this)}` is deleted: there is no WHERE."
            yield Hit(statement.place(node.this, since=(TokenType.DELETE,)), message, node)


def _always_true(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Update, exp.Delete):
        where = node.args.get("where")
        if where is None or not all(_is_true(one) for one in conjuncts(where.this)):
            continue
        message = "The condition holds for every row, so all of them are changed."
        yield Hit(statement.place(where, since=(TokenType.WHERE,)), message, node)


def _is_true(node: exp.Expr) -> bool:
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    return isinstance(node, exp.EQ) and isinstance(node.this, exp.Literal) and node.this == node.expression


def _insert_without_columns(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Insert):
        target, source = node.this, node.expression
        if not isinstance(target, exp.Table) or _is_of_merge(node) or node.args.get("by_name"):
            continue
        if (
            isinstance(source, (exp.Query, exp.Values))
            and not isinstance(source, exp.Table)
            and not node.args.get("default")
        ):
            message = f"The values go into `{statement.written(target)}` by position: no columns are named."
            yield Hit(statement.place(target, since=(TokenType.INSERT,)), message, node)


def _merge_source(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Merge):
        using = node.args.get("using")
        key = _key_of_source(node, using.alias_or_name.lower()) if using is not None else frozenset()
        if using is None or not key or not _updates(node) or _is_unique(using, key, facts) is not False:
            continue
        by = ", ".join(sorted(key))
        message = f"The source may hold several rows for one {by}, and nothing keeps one of them."
        yield Hit(statement.place(using), message, node)


def _updates(node: exp.Merge) -> bool:
    whens = node.args["whens"].expressions if node.args.get("whens") else []
    return any(one.args.get("matched") for one in whens)


def _key_of_source(node: exp.Merge, alias: str) -> frozenset[str]:
    on = node.args.get("on")
    found = [
        column.name.lower()
        for one in conjuncts(on)
        if isinstance(one, (exp.EQ, exp.NullSafeEQ))
        for side in (one.this, one.expression)
        for column in columns(side)
        if column.table.lower() == alias
    ]
    return frozenset(found)


def _is_unique(using: exp.Expr, key: frozenset[str], facts: Facts) -> bool | None:
    """False where the source is known or seen to hold keys twice: a base table by its facts, a query by its text."""
    if isinstance(using, exp.Table):
        known = (
            facts.of(".".join(part.name for part in using.parts)) if isinstance(using.this, exp.Identifier) else None
        )
        return known.is_unique(key) if known else None
    select = using.this
    if not isinstance(select, exp.Select):
        return None
    if (
        select.args.get("group")
        or select.args.get("distinct")
        or select.args.get("qualify")
        or select.args.get("limit")
    ):
        return True
    query = queries_of(select)[0]
    if len(query.inputs) == 1 and query.inputs[0].table:
        known = facts.of(query.inputs[0].table)
        return (known.is_unique(key) if known else None) or (None if _keeps_one(select) else False)
    return None if _keeps_one(select) or any(one.query for one in query.inputs) else False


def _keeps_one(select: exp.Select) -> bool:
    """Whether a filter of the source names a row number, as a window of an inner query gives it."""
    where = select.args.get("where")
    return any(
        isinstance(one, exp.EQ) and isinstance(bare(one.expression), exp.Literal) and is_constant(one.expression)
        and one.expression.name == "1"
        for one in conjuncts(where.this if where else None)
    )  # fmt: skip


def _overwrite_all(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Insert):
        if node.args.get("overwrite") and isinstance(node.this, (exp.Table, exp.Schema)):
            table = node.this.this if isinstance(node.this, exp.Schema) else node.this
            if isinstance(table, exp.Table) and table.args.get("partition") is None and not node.args.get("where"):
                message = f"`{statement.written(table)}` is replaced as a whole: no partition is named."
                yield Hit(statement.place(table, since=(TokenType.INSERT,)), message, node)


_ROWS = "insert into orders (order_id, status)"

RULES = (
    Rule(
        id="update-without-where",
        title="UPDATE without WHERE",
        severity=Severity.ERROR,
        example=Example(
            bad="update orders set status = 'closed'", good="update orders set status = 'closed' where status = 'open'"
        ),
        why={None: "Every row is written anew; in tables of files that is every file."},
        when_not="All rows are meant; then a comment should say so.",
        find=_update_without_where,
        effect="Only the rows that are meant are changed.",
    ),
    Rule(
        id="delete-without-where",
        title="DELETE without WHERE",
        severity=Severity.ERROR,
        example=Example(bad="delete from orders", good="delete from orders where status = 'cancelled'"),
        why={None: "Every row is deleted. Where that is meant, TRUNCATE does it without looking at them."},
        when_not="The table is a scratch table.",
        find=_delete_without_where,
        effect="Only the rows that are meant are deleted.",
    ),
    Rule(
        id="where-always-true",
        title="UPDATE or DELETE with a condition that always holds",
        severity=Severity.ERROR,
        example=Example(bad="delete from orders where 1 = 1", good="delete from orders where status = 'cancelled'"),
        why={None: "It looks guarded and is not: every row is changed."},
        when_not="BigQuery demands a WHERE; then say WHERE true where all rows are meant.",
        engines=frozenset(Engine) - {Engine.BIGQUERY},
        find=_always_true,
        effect="Only the rows that are meant are changed.",
    ),
    Rule(
        id="insert-without-columns",
        title="INSERT without a list of columns",
        severity=Severity.WARNING,
        example=Example(
            bad="insert into orders select order_id, status from new_orders",
            good=f"{_ROWS} select order_id, status from new_orders",
        ),
        why={
            None: "Values go in by position: a column that is added or moved puts them into the wrong one, silently "
            "where the types agree."
        },
        when_not="Both tables are made by the same code.",
        find=_insert_without_columns,
        effect="A change of the table is an error, not wrong data.",
    ),
    Rule(
        id="merge-source-not-unique",
        title="MERGE from a source whose key may repeat",
        severity=Severity.WARNING,
        example=Example(
            bad="merge into orders t using (select order_id, status from changes) s on t.order_id = s.order_id "
            "when matched then update set t.status = s.status",
            good="merge into orders t using (select order_id, max(status) as status from changes group by order_id) s "
            "on t.order_id = s.order_id when matched then update set t.status = s.status",
        ),
        why={
            None: "Two source rows for one target row end the statement with an error.",
            Engine.SNOWFLAKE: "Two source rows for one target row are an error, or with "
            "ERROR_ON_NONDETERMINISTIC_MERGE off, one of them wins by chance.",
            Engine.REDSHIFT: "Two source rows for one target row are an error when they are found, else one wins by "
            "chance.",
        },
        when_not="The source is unique by its key; with its contract known, the rule stays silent.",
        find=_merge_source,
        effect="The newest row of each key is merged, and a rerun gives the same.",
    ),
    Rule(
        id="overwrite-without-partition",
        title="INSERT OVERWRITE of a whole table",
        severity=Severity.WARNING,
        engines=SPARKS,
        example=Example(
            bad="insert overwrite table orders (order_id) select order_id from new_orders",
            good="insert overwrite table orders partition (event_date = '2026-03-01') (order_id) "
            "select order_id from new_orders",
        ),
        why={
            None: "With spark.sql.sources.partitionOverwriteMode=static, the default, all partitions are deleted "
            "first, also those of which there is no new row."
        },
        when_not="The table is rebuilt as a whole, or the mode is dynamic.",
        find=_overwrite_all,
        effect="Only the partition that is named is replaced.",
    ),
)
