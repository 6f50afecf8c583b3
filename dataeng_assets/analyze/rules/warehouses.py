"""Rules about what one engine alone has: hints of Spark, FLATTEN of Snowflake, wildcard tables of BigQuery."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.engines import BILLED_BY_BYTES, SPARKS, Engine
from dataeng_assets.analyze.facts import Facts, TableFacts
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import columns

_CLOCKS = (exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentDatetime, exp.Rand, exp.Uuid, exp.Localtimestamp)
_LEADER = {
    "current_schema", "current_schemas", "has_database_privilege", "has_schema_privilege", "has_table_privilege",
    "pg_backend_pid", "pg_get_userbyid", "pg_table_is_visible", "generate_series", "to_timestamp_tz", "version",
    "pg_size_pretty", "pg_relation_size", "age", "now", "localtime", "localtimestamp", "isfinite", "encode", "decode",
}  # fmt: skip
"""Functions that Redshift has on its leader node only."""
_SYSTEM = ("pg_", "stv_", "stl_", "svv_", "svl_", "svcs_", "sys_", "information_schema")


def _single_task_hint(statement: Statement, _: Facts) -> Iterator[Hit]:
    for hint in statement.all(exp.Hint):
        for one in hint.expressions:
            if isinstance(one, str):
                continue  # a hint of no engine's grammar, which sqlglot keeps as its text
            parts = [one.this] if isinstance(one, exp.Coalesce) else one.expressions
            name = "COALESCE" if isinstance(one, exp.Coalesce) else one.name.upper()
            if name in {"REPARTITION", "COALESCE"} and [each.name for each in parts] == ["1"]:
                message = f"{name}(1) brings all rows to one task."
                yield Hit(statement.place(one), message, hint)


def _clock_breaks_cache(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        if not any(one.table for one in query.inputs) or statement.tree.find(
            exp.Create, exp.Insert, exp.Update, exp.Merge
        ):
            continue
        for node in query.own(*_CLOCKS):
            message = f"`{statement.written(node)}` differs in each run, so the result is never reused."
            yield Hit(statement.place(node), message, node)


def _flatten_explosion(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        exploded = [
            one for one in query.inputs if one.node.find(exp.Explode) and not isinstance(one.node, exp.Subquery)
        ]
        for one in exploded[1:]:
            others = {other.alias for other in exploded if other is not one}
            over = {column.table.lower() for column in columns(one.node)}
            if not over & others:
                message = (
                    f"`{one.alias}` and `{exploded[0].alias}` are flattened side by side: each element meets each."
                )
                yield Hit(statement.place(one.node), message, one.node)


def _wildcard_table(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        filtered = {column.name.lower() for column in query.own(exp.Column) if column.find_ancestor(exp.Where)}
        for one in query.inputs:
            if one.table.endswith("*") and "_table_suffix" not in filtered:
                message = f"All tables `{one.table}` are read: no condition on _TABLE_SUFFIX leaves any out."
                yield Hit(statement.place(one.node), message, one.node)


def _star_except(statement: Statement, _: Facts) -> Iterator[Hit]:
    for star in statement.all(exp.Star):
        select = star.parent if isinstance(star.parent, exp.Select) else star.parent_select
        start = select.args.get("from_") if select is not None else None
        if star.args.get("except_") and start is not None and isinstance(start.this, exp.Table) and start.this.db:
            message = "All other columns are read and billed, also those that are added later."
            yield Hit(statement.place(star), message, star)


def _limit_for_cost(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        select = query.select
        limit = select.args.get("limit")
        if limit is None or select.args.get("where") or select.args.get("group") or len(query.inputs) != 1:
            continue
        if query.inputs[0].table and select.args.get("order"):
            message = "LIMIT does not lower what is read: the whole table is billed."
            yield Hit(statement.place(limit, since=(TokenType.LIMIT,)), message, limit)


def _leader_function(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        tables = [one.table for one in query.inputs if one.table]
        if not tables or all(name.split(".")[-1].startswith(_SYSTEM) or name.startswith(_SYSTEM) for name in tables):
            continue
        for node in query.own(
            exp.Anonymous, exp.CurrentSchema, exp.Localtime, exp.Localtimestamp, exp.Encode, exp.Decode
        ):
            # those that are not anonymous are functions, which query.own does not say
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()  # type: ignore[attr-defined]
            if name in _LEADER:
                message = f"{name.upper()} runs on the leader node only, and the tables lie on the compute nodes."
                yield Hit(statement.place(node), message, node)


def _no_distribution(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Create):
        if node.kind != "TABLE" or not isinstance(node.this, exp.Schema):
            continue
        named = node.find(exp.DistKeyProperty, exp.DistStyleProperty, exp.SortKeyProperty)
        temporary = node.find(exp.TemporaryProperty)
        columns_named = node.find(exp.ColumnConstraint) and "distkey" in statement.sql.lower()
        if named is None and temporary is None and not columns_named and len(node.this.expressions) > NARROW_TABLE:
            message = "The table has neither DISTKEY nor SORTKEY nor DISTSTYLE, so both are AUTO."
            yield Hit(statement.place(node.this.this, since=(TokenType.CREATE,)), message, node)


NARROW_TABLE = 1


def _copy_force(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Copy):
        for parameter in node.args.get("params") or ():
            said = parameter.sql().lower().replace("'", "").replace(" ", "")
            if "force=true" in said or said == "forcetrue":
                message = "FORCE loads files again that were loaded before, so their rows are doubled."
                yield Hit(statement.place(parameter), message, node)


def _command(statement: Statement, word: str) -> str | None:
    """What follows the word of a statement that sqlglot reads no further."""
    tree = statement.tree
    if isinstance(tree, exp.Command) and str(tree.this).upper() == word:
        return str(tree.expression.name if isinstance(tree.expression, exp.Expr) else tree.expression or "")
    return None


def _optimize(statement: Statement, facts: Facts) -> Iterator[Hit]:
    said = _command(statement, "OPTIMIZE")
    words = said.replace("(", " ( ").replace(")", " ) ").replace(",", " ").split() if said else []
    if not words:
        return
    lowered = [word.lower() for word in words]
    known = facts.of(words[0])
    by = lowered[lowered.index("by") + 1 :] if "zorder" in lowered and "by" in lowered else []
    wrong = sorted(set(by) & {name.lower() for name in known.partition_columns}) if known else []
    if wrong:
        message = f"ZORDER BY {wrong[0]} does nothing: the files already lie by it."
        told = (f"{known.name} is partitioned by {', '.join(known.partition_columns)}.",) if known else ()
        yield Hit(statement.place(statement.tree), message, statement.tree, told, severity=Severity.ERROR)
    elif "where" not in lowered and by:
        message = f"All files of `{words[0]}` are sorted and written anew: no WHERE names the partitions that changed."
        yield Hit(statement.place(statement.tree), message, statement.tree)


def _variant_filter(statement: Statement, _: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        where = query.select.args.get("where")
        for node in where.find_all(exp.EQ, exp.GT, exp.LT, exp.GTE, exp.LTE) if where else ():
            side = node.this
            if isinstance(side, exp.JSONExtract) and isinstance(node.expression, exp.Literal):
                message = f"`{statement.written(side)}` is a VARIANT and is compared without a type."
                yield Hit(statement.place(node), message, node)


_PARTITIONED = Facts({"events": TableFacts("events", partition_columns=("event_date",))})

RULES = (
    Rule(
        id="single-task-hint",
        title="Hint that brings all rows to one task",
        severity=Severity.WARNING,
        engines=SPARKS,
        example=Example(
            bad="select /*+ repartition(1) */ order_id from orders",
            good="select /*+ repartition(8) */ order_id from orders",
        ),
        why={
            None: "One task does the whole work, on one core and with the memory of one executor; COALESCE(1) also "
            "moves the steps before it there."
        },
        when_not="The result is small and must be one file.",
        find=_single_task_hint,
        effect="The work is spread over all cores.",
    ),
    Rule(
        id="clock-breaks-result-cache",
        title="Clock or chance that keeps a result from being reused",
        severity=Severity.INFO,
        engines=frozenset({Engine.SNOWFLAKE, Engine.BIGQUERY, Engine.REDSHIFT}),
        example=Example(
            bad="select order_id from orders where ordered_at > current_timestamp()",
            good="select order_id from orders where ordered_at > current_date()",
            engine=Engine.SNOWFLAKE,
        ),
        why={
            None: "The same text over unchanged tables is answered from the result cache, unless a function in it "
            "gives another value in each run.",
            Engine.BIGQUERY: "A query with such a function is not answered from cached results and is billed again.",
        },
        when_not="The instant matters. A dashboard mostly asks for a day or an hour, which can be passed as a value.",
        find=_clock_breaks_cache,
        effect="Repeated questions are answered without reading.",
    ),
    Rule(
        id="flatten-explosion",
        title="Two lists flattened side by side",
        severity=Severity.WARNING,
        engines=SPARKS | {Engine.SNOWFLAKE},
        example=Example(
            bad="select o.order_id from orders o, lateral flatten(input => o.items) i, "
            "lateral flatten(input => o.tags) t",
            good="select o.order_id from orders o, lateral flatten(input => o.items) i",
            engine=Engine.SNOWFLAKE,
        ),
        why={
            None: "Each element of one list meets each of the other: ten items and ten tags give a hundred rows per "
            "row."
        },
        when_not="The combinations are what is asked for.",
        find=_flatten_explosion,
        effect="Flattened one by one and aggregated, rows grow with the sum and not with the product.",
    ),
    Rule(
        id="untyped-variant-filter",
        title="Filter on a VARIANT without a type",
        severity=Severity.INFO,
        engines=frozenset({Engine.SNOWFLAKE}),
        example=Example(
            bad="select order_id from orders where payload:status = 'open'",
            good="select order_id from orders where payload:status::string = 'open'",
            engine=Engine.SNOWFLAKE,
        ),
        why={
            None: "The constant is turned into a VARIANT and compared as such; with a type, the statistics of the path "
            "can skip micro-partitions."
        },
        when_not="The path holds values of several types on purpose.",
        find=_variant_filter,
        effect="Micro-partitions are skipped where the path is kept as a column.",
    ),
    Rule(
        id="wildcard-table",
        title="Wildcard table without a condition on its suffix",
        severity=Severity.WARNING,
        engines=BILLED_BY_BYTES,
        example=Example(
            bad="select event_id from `shop.web.events_*`",
            good="select event_id from `shop.web.events_*` where _table_suffix = '20260301'",
            engine=Engine.BIGQUERY,
        ),
        why={None: "All tables whose names begin so are read and billed, with the schema of the newest."},
        when_not="All of them are meant.",
        find=_wildcard_table,
        effect="Only the tables of the suffixes that are named are billed.",
    ),
    Rule(
        id="star-except-cost",
        title="SELECT * EXCEPT over a table",
        severity=Severity.INFO,
        engines=BILLED_BY_BYTES,
        example=Example(
            bad="select * except (payload) from shop.orders",
            good="select order_id, status from shop.orders",
            engine=Engine.BIGQUERY,
        ),
        why={None: "EXCEPT leaves a column out, and everything else is billed, also columns that are added later."},
        when_not="All other columns are needed, as in a staging model.",
        find=_star_except,
        effect="Only the columns that are named are billed.",
    ),
    Rule(
        id="limit-does-not-lower-cost",
        title="LIMIT over a whole table",
        severity=Severity.INFO,
        engines=BILLED_BY_BYTES,
        example=Example(
            bad="select order_id, status from shop.orders order by order_id limit 100",
            good="select order_id, status from shop.orders where status = 'open' order by order_id limit 100",
            engine=Engine.BIGQUERY,
        ),
        why={None: "BigQuery bills the columns that are read, and all of them are read before LIMIT counts."},
        when_not="The table is clustered, where a scan may stop early, or for a preview, which the console shows free.",
        find=_limit_for_cost,
        effect="Named columns and a partition are what is billed.",
    ),
    Rule(
        id="leader-node-function",
        title="Function of the leader node over tables",
        severity=Severity.ERROR,
        engines=frozenset({Engine.REDSHIFT}),
        example=Example(
            bad="select order_id, pg_backend_pid() as process from orders",
            good="select order_id, upper(status) as status from orders",
            engine=Engine.REDSHIFT,
        ),
        why={None: "Redshift refuses a query that needs both the leader node's functions and user tables."},
        when_not="Never over user tables.",
        find=_leader_function,
        effect="The query runs.",
    ),
    Rule(
        id="no-distribution-key",
        title="Table without distribution and sort keys",
        severity=Severity.INFO,
        engines=frozenset({Engine.REDSHIFT}),
        example=Example(
            bad="create table orders (order_id bigint, customer_id bigint)",
            good="create table orders (order_id bigint, customer_id bigint) distkey (customer_id) sortkey (order_id)",
            engine=Engine.REDSHIFT,
        ),
        why={None: "Rows that are joined lie on different nodes until AUTO has learned from enough queries."},
        when_not="The table is small, or AUTO is to choose.",
        find=_no_distribution,
        effect="Joins by the DISTKEY need no network, filters on the SORTKEY skip blocks.",
    ),
    Rule(
        id="copy-force",
        title="COPY that loads files again",
        severity=Severity.ERROR,
        engines=frozenset({Engine.DATABRICKS, Engine.SNOWFLAKE}),
        example=Example(
            bad="copy into orders from @stage force = true",
            good="copy into orders from @stage",
            engine=Engine.SNOWFLAKE,
        ),
        why={None: "COPY remembers which files it has loaded, so that a rerun adds nothing. FORCE forgets that."},
        when_not="The table was emptied before.",
        find=_copy_force,
        effect="A rerun adds nothing.",
    ),
    Rule(
        id="zorder",
        title="OPTIMIZE … ZORDER over a whole table",
        severity=Severity.WARNING,
        engines=SPARKS,
        example=Example(
            bad="optimize events zorder by (user_id)",
            good="optimize events where event_date >= '2026-03-01' zorder by (user_id)",
            engine=Engine.DATABRICKS,
            facts=_PARTITIONED,
        ),
        why={None: "Z-ordering is not incremental: each run sorts and writes all files that it is let near."},
        when_not="The table is small. Liquid clustering (CLUSTER BY) needs no such choice.",
        find=_optimize,
        effect="Only the partitions that changed are written.",
    ),
)
