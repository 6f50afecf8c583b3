"""What a database's own plan says against a statement: rows read and thrown away, estimates far off, work on disk.

Getting plans belongs in `evidence`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Basis, Effect, Finding, Place, Severity
from dataeng_assets.analyze.guide import Guide

_FAR_OFF = 100
_MANY_ROWS = 10_000
_FEW = 20  # of this many rows that are read, one or fewer is kept

MISESTIMATE = Guide(
    "row-misestimate",
    "Estimate of rows that is far off",
    Severity.WARNING,
    "The planner chooses join orders and join methods by its estimate. One that is off a hundredfold chooses a nested "
    "loop for a million rows, or a hash table that does not fit into memory.",
    "The statement is quick all the same.",
    "select order_id from orders where status = 'open' and country = 'DE'",
    "create statistics orders_status_country on status, country from orders;\nanalyze orders;",
    "sql",
)
DISCARDED = Guide(
    "scan-discards-rows",
    "Scan that throws most rows away",
    Severity.WARNING,
    "Every row of the table is read to keep a few.",
    "The table is small, or the statement runs once a night.",
    "select order_id from orders where customer_id = 7",
    "create index orders_customer_id on orders (customer_id);",
    "sql",
)
SPILLED = Guide(
    "spill-to-disk",
    "Sort or hash that does not fit into memory",
    Severity.WARNING,
    "What does not fit is written to temporary files and read again, which takes several times as long.",
    "It happens once a night and nobody waits.",
    "select customer_id, count(*) from orders group by customer_id order by 2",
    "set work_mem = '256MB';\nselect customer_id, count(*) from orders group by customer_id order by 2",
    "sql",
)
STALE = Guide(
    "stale-statistics",
    "Statistics that are old",
    Severity.WARNING,
    "The planner believes the table to be as it was at the last ANALYZE.",
    "The rows changed without changing how values are spread.",
    "insert into orders select * from staged_orders;",
    "insert into orders select * from staged_orders;\nanalyze orders;",
    "sql",
)
GUIDES = (MISESTIMATE, DISCARDED, SPILLED, STALE)


@dataclass(frozen=True)
class Node:
    """One step of a plan, in words that both databases share.

    Attributes:
        kind: as the database names it.
        table: that is scanned; empty for other steps.
        filter: what rows must meet, as the database writes it.
        estimated: rows that were expected to come out.
        rows: that came out; None when it was not run.
        discarded: rows that were read and did not meet the filter.
        spilled: kilobytes on disk.
    """

    kind: str
    table: str = ""
    filter: str = ""
    estimated: float | None = None
    rows: float | None = None
    discarded: float | None = None
    spilled: int = 0
    below: tuple["Node", ...] = field(default=(), repr=False)

    def all(self) -> Iterator["Node"]:
        """This step and all below it."""
        yield self
        for node in self.below:
            yield from node.all()


def postgres_node(plan: Mapping[str, Any]) -> Node:
    """A step of a plan of Postgres: what `EXPLAIN (FORMAT JSON)` gives under `Plan`."""
    loops = plan.get("Actual Loops") or 1
    rows = plan.get("Actual Rows")
    removed = plan.get("Rows Removed by Filter")
    scans = plan["Node Type"] in ("Seq Scan", "Parallel Seq Scan")
    table = f"{plan['Schema']}.{plan['Relation Name']}" if "Schema" in plan else plan.get("Relation Name", "")
    batches = plan.get("Hash Batches") or plan.get("HashAgg Batches") or 1
    on_disk = plan.get("Disk Usage") or 0
    if plan.get("Sort Space Type") == "Disk":
        on_disk = plan.get("Sort Space Used") or 1
    elif batches > 1 and not on_disk:
        on_disk = plan.get("Temp Written Blocks", 0) * 8 or 1
    return Node(
        plan["Node Type"],
        table if scans else "",
        plan.get("Filter", ""),
        plan.get("Plan Rows", 0) * loops,
        rows * loops if rows is not None else None,
        removed * loops if removed is not None else None,
        on_disk,
        tuple(postgres_node(one) for one in plan.get("Plans", ())),
    )


def duckdb_node(plan: Mapping[str, Any]) -> Node:
    """A step of a plan of DuckDB, with or without ANALYZE."""
    if "operator" in plan:
        return duckdb_node(plan["operator"][0])
    told = plan.get("extra_info") or {}
    filters = told.get("Filters", "")
    rows, scanned = plan.get("intermediate_rows"), plan.get("rows_scanned")
    estimated = told.get("Estimated Cardinality")
    return Node(
        plan.get("name") or plan.get("type") or "",
        told.get("Table", "").removeprefix("memory.") if scanned is not None or "Table" in told else "",
        " AND ".join(filters) if isinstance(filters, list) else filters,
        float(estimated) if estimated else None,
        rows if estimated else None,
        scanned - rows if scanned is not None and rows is not None else None,
        0,
        tuple(duckdb_node(one) for one in plan.get("children", ())),
    )


def plan_findings(root: Node, place: Place, facts: Facts) -> list[Finding]:
    """What a plan says against its statement.

    Args:
        root: the plan's first step.
        place: of the statement.
        facts: of its tables; without them a plan that was not run tells little.
    """
    found: list[Finding] = []
    for node in root.all():
        found += [one for one in (_misestimated(node, place), _spilled(node, place)) if one is not None]
        scan = _discarding(node, place, facts)
        found += [scan] if scan is not None else []
    told: dict[tuple[str, str], Finding] = {}
    for finding in found:
        told.setdefault((finding.rule, finding.message), finding)
    misestimates = [finding for finding in told.values() if finding.rule == MISESTIMATE.id]
    return [finding for finding in told.values() if finding not in misestimates[1:]]  # the first is the others' cause


def _misestimated(node: Node, place: Place) -> Finding | None:
    if node.rows is None or node.estimated is None:
        return None
    more, fewer = max(node.rows, node.estimated, 1), max(min(node.rows, node.estimated), 1)
    if more < _FAR_OFF * fewer or more < 1000:
        return None
    of = f"{node.kind} of {node.table}" if node.table else node.kind
    message = f"The planner expected {node.estimated:,.0f} rows from {of}; there were {node.rows:,.0f}."
    return MISESTIMATE.finding(place, message, (f"It is off by a factor of {more / fewer:,.0f}.",))


def _spilled(node: Node, place: Place) -> Finding | None:
    if not node.spilled:
        return None
    return SPILLED.finding(place, f"{node.kind} wrote {node.spilled:,} kB to disk.")


def _discarding(node: Node, place: Place, facts: Facts) -> Finding | None:
    if not node.table or not node.filter:
        return None
    known = facts.of(node.table)
    kept, read = node.rows, None
    if node.discarded is not None and kept is not None:
        read = node.discarded + kept
    elif known is not None and known.rows is not None:
        kept, read = node.estimated, float(known.rows)
    if read is None or kept is None or read < _MANY_ROWS or kept * _FEW > read:
        return None
    measured = node.discarded is not None
    message = f"{read:,.0f} rows of {node.table} are read to keep {kept:,.0f}."
    candidate = _candidate(node.filter, node.table, facts)
    effect = Effect(f"{kept:,.0f} rows are read instead of {read:,.0f}", Basis.ESTIMATED)
    told = (f"The filter is {node.filter}.", "Counted while it ran." if measured else "Estimated by the planner.")
    return DISCARDED.finding(place, message, (*told, *candidate), effect)


def _candidate(filter_: str, table: str, facts: Facts) -> tuple[str, ...]:
    """An index that would serve a filter: columns compared for equality first, then one of a range."""
    known = facts.of(table)
    try:
        condition = sqlglot.parse_one(filter_, dialect="postgres")
    except SqlglotError:
        return ()
    if condition.find(exp.Or):
        return ()
    equal = [column for one in condition.find_all(exp.EQ) if (column := _compared(one))]
    ranges = [column for one in condition.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE) if (column := _compared(one))]
    columns = list(dict.fromkeys(equal + ranges[:1]))
    if not columns or (known and any(index[: len(columns)] == tuple(columns) for index in known.indexes)):
        return ()
    return (f"An index that would serve it: create index on {table} ({', '.join(columns)}).",)


def _compared(node: exp.Expr) -> str:
    """The column alone on one side of a comparison with a constant."""
    sides = [node.this, node.expression]
    for one, other in (sides, sides[::-1]):
        while isinstance(one, exp.Paren):
            one = one.this
        if isinstance(one, exp.Cast) and isinstance(one.this, exp.Paren | exp.Column) and one.to.is_type("text"):
            one = one.this.unnest()  # varchar is compared as text
        if isinstance(one, exp.Column) and not other.find(exp.Column):
            return one.name.lower()
    return ""
