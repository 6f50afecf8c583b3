"""Rules about how tables lie on disk: partitions, clusters, files and width. All but `select-star` need facts."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.engines import COLUMNAR, Engine
from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.analyze.finding import Effect, Severity
from dataeng_assets.analyze.queries import Input, Query
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import columns, constant_pair, filters, in_bytes, size, table_facts

NARROW = 6
"""Columns up to which reading all of them is no matter."""
WIDE = 30
SMALL_FILE = 16_000_000
"""Mean bytes per file, below which opening and planning cost more than reading."""
MANY_FILES = 100
LARGE = 1_000_000_000
"""Bytes from which on reading a whole table is worth a word."""


def _selects_star(query: Query) -> exp.Expr | None:
    """The star of a SELECT over a base table, where rows of it leave the query."""
    if query.select.find_ancestor(exp.Exists) or query.select.args.get("kind"):
        return None
    return next((one for one in query.select.expressions if one.is_star), None)


def _starred(star: exp.Expr, query: Query) -> Iterator[Input]:
    """The base tables whose columns a star gives."""
    name = star.table.lower() if isinstance(star, exp.Column) else ""
    yield from (one for one in query.inputs if one.table and (not name or one.alias == name))


def _select_star(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        star = _selects_star(query)
        if star is None or _has_exceptions(star):
            continue
        for one in _starred(star, query):
            known = table_facts(one, facts)
            width = len(known.columns) if known else 0
            if 0 < width <= NARROW:
                continue
            told = (f"{known.name} has {width} columns ({known.source or 'facts'}).",) if known and width else ()
            severity = Severity.WARNING if width >= WIDE else None
            message = f"All columns of `{one.table}` are read, also those that nobody needs."
            yield Hit(statement.place(star), message, query.select, told, _bytes_effect(known), severity)
            break


def _has_exceptions(star: exp.Expr) -> bool:
    inner = star.this if isinstance(star, exp.Column) else star
    return bool(inner.args.get("except_") or inner.args.get("replace"))


def _bytes_effect(known: TableFacts | None) -> Effect | None:
    if known is None or not known.bytes:
        return None
    return Effect(f"Up to {in_bytes(known.bytes)} are read, in proportion to the columns.")


def _filtered(one: Input, query: Query) -> set[str]:
    """The columns of an input that some condition on it, or a join, compares."""
    found = set()
    for condition in filters(query):
        if isinstance(condition, exp.Or):
            parts = [{column.name.lower() for column in columns(part)} for part in condition.flatten()]
            found |= set.intersection(*parts) if parts else set()
            continue
        found |= {column.name.lower() for column in columns(condition) if query.input_of(column) in (one, None)}
    on = one.join.args.get("on") if one.join is not None else None
    found |= {column.name.lower() for column in columns(on) if column.table.lower() == one.alias} if on else set()
    using = one.join.args.get("using") if one.join is not None else None
    return found | {name.name.lower() for name in using or ()}


def _by_value(one: Input, query: Query) -> bool:
    """Whether some condition compares a column of an input with a constant."""
    pairs = (constant_pair(condition) for condition in filters(query))
    return any(query.input_of(column) is one for pair in pairs if pair is not None for column in columns(pair[0]))


def _no_partition_filter(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one in query.inputs:
            known = table_facts(one, facts)
            if known is None or not known.partition_columns or query.select.find_ancestor(exp.Exists):
                continue
            if _filtered(one, query) & {name.lower() for name in known.partition_columns}:
                continue
            by = ", ".join(known.partition_columns)
            told = [f"{known.name} is partitioned by {by}{f' ({known.source})' if known.source else ''}."]
            message = f"No condition on {by} limits which partitions of `{one.alias}` are read."
            effect = Effect(f"All {known.files:,} files are read.") if known.files else None
            yield Hit(statement.place(one.node), message, one.node, (*told, *filter(None, [size(known)])), effect)


def _misses_clustering(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one in query.inputs:
            known = table_facts(one, facts)
            if known is None or not known.clustered_by or known.partition_columns or (known.bytes or 0) < LARGE:
                continue
            if not _by_value(one, query) or known.clustered_by[0].lower() in _filtered(one, query):
                continue
            by = ", ".join(known.clustered_by)
            message = (
                f"The filter on `{one.alias}` does not touch {known.clustered_by[0]}, by which its rows lie together."
            )
            told = (f"{known.name} is clustered by {by}{f' ({known.source})' if known.source else ''}.", size(known))
            yield Hit(statement.place(one.node), message, one.node, told)


def _small_files(statement: Statement, facts: Facts) -> Iterator[Hit]:
    seen = set()
    for query in statement.queries:
        for one in query.inputs:
            known = table_facts(one, facts)
            if known is None or not known.files or known.bytes is None or known.name in seen:
                continue
            mean = known.bytes / known.files
            if known.files >= MANY_FILES and mean < SMALL_FILE:
                seen.add(known.name)
                message = f"`{known.name}` lies in {known.files:,} files of {in_bytes(mean)} on average."
                effect = Effect(f"Compacted to files of 128 MB there would be {max(1, known.bytes // 128_000_000):,}.")
                yield Hit(statement.place(one.node), message, one.node, (size(known),), effect)


def _whole_table(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one in query.inputs:
            known = table_facts(one, facts)
            if known is None or known.partition_columns or known.clustered_by or (known.bytes or 0) < 10 * LARGE:
                continue
            if _filtered(one, query) or query.select.args.get("limit"):
                continue
            message = (
                f"All of `{one.alias}` is read: no condition limits it, and it has neither partitions nor clusters."
            )
            yield Hit(
                statement.place(one.node, since=(TokenType.FROM, TokenType.JOIN)), message, one.node, (size(known),)
            )


_WIDE = Facts(
    {"orders": TableFacts("orders", columns={f"column_{number}": ColumnFacts() for number in range(WIDE + 1)})}
)
_DAYS = Facts({"orders": TableFacts("orders", partition_columns=("event_date",), files=1200, bytes=48_000_000_000)})
_CLUSTERED = Facts({"orders": TableFacts("orders", clustered_by=("ordered_at",), bytes=48_000_000_000)})
_SMALL = Facts(
    {
        "orders": TableFacts("orders", files=40_000, bytes=8_000_000_000, source="Delta log"),
        "customers": TableFacts("customers", files=12, bytes=900_000_000, source="Delta log"),
    }
)
_HUGE = Facts({"orders": TableFacts("orders", bytes=900_000_000_000)})

RULES = (
    Rule(
        id="select-star",
        title="SELECT * from a table",
        severity=Severity.INFO,
        example=Example(
            bad="select * from orders where status = 'open'", good="select order_id from orders", facts=_WIDE
        ),
        why={
            None: "A columnar table is read column by column, so each column costs; and a column that is added later "
            "changes the result.",
            Engine.POSTGRES: "Whole rows are fetched, long values included, and no index alone can answer; a column "
            "that is added later changes the result.",
            Engine.BIGQUERY: "Each column that is read is billed; LIMIT does not change that.",
        },
        when_not="All columns are needed, as in a staging model that passes a table on; or in a question by hand.",
        find=_select_star,
        effect="Only the columns that are named are read.",
    ),
    Rule(
        id="no-partition-filter",
        title="Partitioned table without a filter on its partitions",
        severity=Severity.WARNING,
        example=Example(
            bad="select order_id from orders where status = 'open'",
            good="select order_id from orders where status = 'open' and event_date >= '2026-03-01'",
            facts=_DAYS,
        ),
        why={
            None: "Partitions are left out only by a condition on the column they are made by.",
            Engine.BIGQUERY: "All partitions are read and billed; a table with require_partition_filter refuses the "
            "query.",
        },
        when_not="All of the table is meant.",
        find=_no_partition_filter,
    ),
    Rule(
        id="filter-misses-clustering",
        title="Filter that the order of a large table does not serve",
        severity=Severity.INFO,
        engines=COLUMNAR,
        example=Example(
            bad="select order_id from orders where customer_id = 42",
            good="select order_id from orders where customer_id = 42 and ordered_at >= '2026-03-01'",
            facts=_CLUSTERED,
        ),
        why={
            None: "The values that are asked for lie scattered over all files, so none can be skipped.",
            Engine.REDSHIFT: "Zone maps skip blocks by the first column of the SORTKEY; the others are scattered.",
            Engine.SNOWFLAKE: "Micro-partitions are skipped by the clustering key; the values asked for are in nearly "
            "all of them.",
        },
        when_not="The query is rare; when it is the rule, the table lies by the wrong column.",
        find=_misses_clustering,
        effect="With a range of the clustering column, most files are skipped.",
    ),
    Rule(
        id="small-files",
        title="Table in very many small files",
        severity=Severity.WARNING,
        example=Example(
            bad="select count(*) as orders from orders",
            good="select count(*) as customers from customers",
            facts=_SMALL,
        ),
        why={
            None: "Each file is listed, opened and planned; that takes longer than to read it.",
            Engine.DATABRICKS: "Each file is listed, opened and planned; OPTIMIZE or auto compaction merges them.",
        },
        when_not="The table is written every few seconds and compacted at night.",
        find=_small_files,
    ),
    Rule(
        id="whole-table-read",
        title="Large table read as a whole",
        severity=Severity.INFO,
        example=Example(
            bad="select status, count(*) as orders from orders group by status",
            good="select status, count(*) as orders from orders where ordered_at >= '2026-03-01' group by status",
            facts=_HUGE,
        ),
        why={None: "Each run reads everything again; what does not change could be kept."},
        when_not="The question is about all rows and is rarely asked.",
        find=_whole_table,
        effect="As an incremental model or partitioned by day, a run reads what is new.",
    ),
)
