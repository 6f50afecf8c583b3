"""Rules about joins that need keys, types or statistics of the joined tables."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.engines import SPARKS, Engine
from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.analyze.finding import Effect, Severity
from dataeng_assets.analyze.queries import Input, Query
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import (
    column_facts,
    columns,
    family,
    in_bytes,
    joined_equalities,
    size,
    table_facts,
)

SKEWED = 0.2
"""Share of rows in one value from which on one task does a fifth of the work."""
BROADCAST_LIMIT = 8_000_000_000
"""Bytes that Spark refuses to broadcast."""
BROADCAST_HEAVY = 200_000_000
"""Bytes in files from which on each executor holds about a gigabyte."""
BROADCAST_DEFAULT = 10_485_760
"""spark.sql.autoBroadcastJoinThreshold"""


def _mixed_types(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for node, _left, _right in joined_equalities(query):
            left, right = column_facts(node.this, query, facts), column_facts(node.expression, query, facts)
            if left is None or right is None:
                continue
            kinds = family(left.type), family(right.type)
            if "" in kinds or kinds[0] == kinds[1]:
                continue
            message = f"A join key is {left.type} on one side and {right.type} on the other."
            told = tuple(
                f"{statement.written(side)} has the type {known.type}."
                for side, known in ((node.this, left), (node.expression, right))
            )
            yield Hit(statement.place(node), message, node, told)


def _many_to_many(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for one in query.inputs:
            if one.join is None or not one.table:
                continue
            keys = list(joined_equalities(query, one.join))
            others = {other.alias: other for _, left, right in keys for other in (left, right) if other is not one}
            if len(others) != 1:
                continue
            other = next(iter(others.values()))
            mine, theirs = (_keys_of(each, keys) for each in (one, other))
            known, known_other = table_facts(one, facts), table_facts(other, facts)
            if known is None or known_other is None:
                continue
            if known.is_unique(mine) is False and known_other.is_unique(theirs) is False:
                message = (
                    f"{', '.join(sorted(mine))} is unique neither in {known.name} nor in {known_other.name}: "
                    "each row of one meets several of the other."
                )
                told = [_key_in_words(each) for each in (known, known_other) if each.keys]
                told += [size(each) for each in (known, known_other) if size(each)]
                place = statement.place(one.node, since=(TokenType.JOIN,))
                yield Hit(place, message, one.join, tuple(told), _growth(mine, known, known_other))


def _keys_of(one: Input, keys: list[tuple[exp.Binary, Input, Input]]) -> frozenset[str]:
    sides = [
        side for node, left, right in keys for side, of in ((node.this, left), (node.expression, right)) if of is one
    ]
    return frozenset(column.name.lower() for side in sides for column in columns(side))


def _key_in_words(known: TableFacts) -> str:
    return f"{known.name} is unique by {', '.join(sorted(known.keys[0]))} ({known.source or 'contract'})."


def _growth(key: frozenset[str], known: TableFacts, other: TableFacts) -> Effect | None:
    """Rows of an equi-join, as System R estimates them: the product of both by the larger number of distinct keys."""
    if known.rows is None or other.rows is None or len(key) != 1:
        return None
    column = known.column(next(iter(key)))
    if column is None or not column.distinct:
        return None
    rows = known.rows * other.rows // column.distinct
    return Effect(f"The join gives about {rows:,} rows.")


def _skewed_key(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for node, _left, _right in joined_equalities(query):
            for side in (node.this, node.expression):
                known = column_facts(side, query, facts)
                share = (known.most_common_share or 0) if known else 0
                if share >= SKEWED:
                    told = (f"One value of {statement.written(side)} holds {share:.0%} of the rows.",)
                    message = f"`{statement.written(side)}` is skewed: most rows go to one task."
                    effect = Effect(
                        f"The slowest task has about {share:.0%} of the rows, however many tasks there are."
                    )
                    yield Hit(statement.place(node), message, node, told, effect)


def _broadcast_hint(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        hint = query.select.args.get("hint")
        for one in _broadcast(query, hint) if hint is not None else ():
            known = table_facts(one, facts)
            if hint is None or known is None or known.bytes is None or known.bytes < BROADCAST_HEAVY:
                continue
            fails = known.bytes >= BROADCAST_LIMIT
            message = f"The hint broadcasts `{one.alias}`, which has {in_bytes(known.bytes)}."
            effect = Effect("Spark refuses to broadcast more than 8 GB." if fails else "Driver and executors hold it.")
            severity = Severity.ERROR if fails else None
            yield Hit(statement.place(hint), message, query.select, (size(known),), effect, severity)


def _broadcast(query: Query, hint: exp.Expr) -> Iterator[Input]:
    for one in hint.expressions:
        if isinstance(one, exp.JoinHint) and one.name.upper() in {"BROADCAST", "BROADCASTJOIN", "MAPJOIN"}:
            named = {table.name.lower() for table in one.expressions}
            yield from (each for each in query.inputs if each.alias in named)


def _missed_broadcast(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        if query.select.args.get("hint") is not None or len(query.inputs) < 2:
            continue
        first = table_facts(query.inputs[0], facts)
        for one in query.inputs[1:]:
            known = table_facts(one, facts)
            if first is None or known is None or not known.bytes or not first.bytes or one.join is None:
                continue
            if BROADCAST_DEFAULT < known.bytes <= 10 * BROADCAST_DEFAULT and first.bytes > 100 * known.bytes:
                message = f"`{one.alias}` is just too large to be broadcast by itself, and far smaller than the rest."
                told = (size(first), size(known))
                effect = Effect(f"{in_bytes(first.bytes)} are not shuffled.")
                yield Hit(statement.place(one.node), message, one.join, told, effect)


_TYPES = Facts(
    {
        "orders": TableFacts(
            "orders", columns={"customer_id": ColumnFacts("bigint"), "parent_id": ColumnFacts("bigint")}
        ),
        "customers": TableFacts(
            "customers", columns={"customer_id": ColumnFacts("string"), "number": ColumnFacts("bigint")}
        ),
    }
)
_KEYS = Facts(
    {
        "orders": TableFacts("orders", keys=(frozenset({"order_id"}),), rows=1_000_000),
        "visits": TableFacts("visits", keys=(frozenset({"visit_id"}),), rows=5_000_000,
                             columns={"customer_id": ColumnFacts(distinct=10_000)}),
        "customers": TableFacts("customers", keys=(frozenset({"customer_id"}),)),
    }
)  # fmt: skip
_SKEW = Facts(
    {
        "orders": TableFacts(
            "orders",
            columns={
                "shop_id": ColumnFacts(most_common_share=0.61),
                "customer_id": ColumnFacts(most_common_share=0.001),
            },
        )
    }
)
_SIZES = Facts(
    {
        "orders": TableFacts("orders", bytes=900_000_000_000),
        "visits": TableFacts("visits", bytes=40_000_000_000),
        "customers": TableFacts("customers", bytes=60_000_000),
    }
)
_PLAIN = "select o.order_id from orders o join customers c on c.customer_id = o.customer_id"

RULES = (
    Rule(
        id="mixed-type-join",
        title="Join key of two types",
        severity=Severity.WARNING,
        example=Example(
            bad=_PLAIN,
            good="select o.order_id from orders o join customers c on c.number = o.customer_id",
            facts=_TYPES,
        ),
        why={
            None: "One side is cast for each row; values that differ in writing only, such as '007' and 7, match.",
            Engine.SPARK: "A text and an integer are both compared as numbers or, where one is double, with rounding: "
            "keys above 2^53 match the wrong rows.",
            Engine.BIGQUERY: "BigQuery refuses to compare a number with a text.",
        },
        when_not="The types differ by their width only; the rule stays silent there.",
        find=_mixed_types,
        effect="No cast for each row, and keys match exactly.",
    ),
    Rule(
        id="many-to-many-join",
        title="Join by a key that is unique on neither side",
        severity=Severity.WARNING,
        example=Example(
            bad="select o.order_id, v.visit_id from orders o join visits v on v.customer_id = o.customer_id",
            good=_PLAIN,
            facts=_KEYS,
        ),
        why={
            None: "Each key gives the product of its rows on both sides, so sums and counts come out too large and "
            "the intermediate result can dwarf both tables."
        },
        when_not="The pairs are what is asked for.",
        find=_many_to_many,
        effect="Aggregated to one row per key first, the join keeps its row count.",
    ),
    Rule(
        id="skewed-join-key",
        title="Join by a key with one dominating value",
        severity=Severity.WARNING,
        example=Example(
            bad="select o.order_id from orders o join shops s on s.shop_id = o.shop_id",
            good=_PLAIN,
            facts=_SKEW,
        ),
        why={
            None: "Rows of one key are worked on in one place, so the whole waits for it.",
            Engine.SPARK: "All rows of a key go to one task. Adaptive execution splits such a partition in a "
            "sort-merge join only, and only above its thresholds (spark.sql.adaptive.skewJoin.*).",
            Engine.REDSHIFT: "With this DISTKEY one slice stores and works on most rows.",
        },
        when_not="The other side is broadcast, or the dominating value is NULL and filtered before the join.",
        find=_skewed_key,
    ),
    Rule(
        id="broadcast-too-large",
        title="Broadcast hint for a large table",
        severity=Severity.WARNING,
        engines=SPARKS,
        example=Example(
            bad="select /*+ broadcast(v) */ o.order_id from orders o join visits v on v.order_id = o.order_id",
            good=_PLAIN.replace("select", "select /*+ broadcast(c) */"),
            facts=_SIZES,
        ),
        why={
            None: "A hint overrides the threshold: the driver collects the table and every executor holds it, several "
            "times larger than in its files."
        },
        when_not="Few columns or rows of it are left when it is broadcast.",
        find=_broadcast_hint,
    ),
    Rule(
        id="missed-broadcast",
        title="Small table just above the broadcast threshold",
        severity=Severity.INFO,
        engines=SPARKS,
        example=Example(
            bad=_PLAIN,
            good=_PLAIN.replace("select", "select /*+ broadcast(c) */"),
            facts=_SIZES,
        ),
        why={
            None: "Above spark.sql.autoBroadcastJoinThreshold (10 MB) both sides are shuffled and sorted, the large "
            "one for the sake of the small one."
        },
        when_not="Adaptive execution already turns it into a broadcast, as the filtered side is small when it runs.",
        find=_missed_broadcast,
    ),
)
