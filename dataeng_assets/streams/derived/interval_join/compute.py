"""The rows of a span of an interval join, from the committed events that they depend on and from nothing else.

What is to be computed, and writing it, belongs in `publish`.
"""

import tempfile
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.interval_join.definition import (
    LEFT_TIME,
    PLACE,
    RIGHT_TIME,
    IntervalJoin,
    Side,
    place_column,
    schema,
)
from dataeng_assets.streams.derived.spans import MOMENT, Span
from dataeng_assets.streams.stream import EVENT_DATE

_MEMORY = "1GB"  # beyond it DuckDB goes on in a temporary folder
_ROWS_IN_A_BATCH = 50_000


def rows_of(join: IntervalJoin, left: Events, right: Events, span: Span) -> pa.RecordBatchReader:
    """The rows of the events on the left in a span of time, in a fixed order; one event may have very many.

    Args:
        join: what belongs together.
        left: events, read in the span alone.
        right: events, read as far around the span as the join reaches.
        span: of the time on the left.
    """
    columns = schema(join, left.stream.contract, right.stream.contract)
    return pa.RecordBatchReader.from_batches(columns, _found(join, left, right, span, columns))


def _found(join: IntervalJoin, left: Events, right: Events, span: Span, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    reach = span[0] - join.before, span[1] + join.after
    with tempfile.TemporaryDirectory(prefix="dataeng-join-") as folder:
        config: dict[str, Any] = {"threads": 2, "temp_directory": folder, "memory_limit": _MEMORY}
        with duckdb.connect(config=config) as connection:
            connection.register("left_events", left.read([left.column, *join.left.reads(), *PLACE], span))
            connection.register("right_events", right.read([right.column, *join.right.reads(), *PLACE], reach))
            found = connection.sql(_sql(join, left.column, right.column, span[0])).to_arrow_reader(_ROWS_IN_A_BATCH)
            for batch in found:
                yield from _shown(join, pa.Table.from_batches([batch]), columns).to_batches()


def _shown(join: IntervalJoin, found: pa.Table, columns: pa.Schema) -> pa.Table:
    """What the query has found, in the columns of the table."""
    shown = {
        LEFT_TIME: found["lt"].cast(MOMENT),
        RIGHT_TIME: found["rt"].cast(MOMENT),
        **{name: found[f"l{n}"] for n, (name, _) in enumerate(join.left.columns)},
        **{name: found[f"r{n}"] for n, (name, _) in enumerate(join.right.columns)},
        **{place_column("left", name): found[f"lp{n}"] for n, name in enumerate(PLACE)},
        **{place_column("right", name): found[f"rp{n}"] for n, name in enumerate(PLACE)},
        EVENT_DATE: found["lt"].cast(pa.timestamp("us")).cast(pa.date32(), safe=False),
    }
    return pa.table({name: shown[name] for name in columns.names}).cast(columns)


def _sql(join: IntervalJoin, left_time: str, right_time: str, first: int) -> str:
    """The join as a query.

    An event on the right is put into each cell of time in which one on the left can have it near, two at most, so that
    the join is one of equal values: events of one key that are far apart are never compared.
    """
    cell = join.before + join.after + 1
    start = first - cell  # no number below zero is divided: that would round towards zero
    lefts = _taken(join.left, "l", left_time, "left_events")
    rights = _taken(join.right, "r", right_time, "right_events", missing_keys=False)
    cells = f"generate_series((rt - {join.after} - {start}) // {cell}, (rt + {join.before} - {start}) // {cell})"
    same = [f"lk{n} = rk{n}" for n in range(len(join.left.key))]
    near = f"rt BETWEEN lt - {join.before} AND lt + {join.after}"
    places = [f"{side}p{n}" for side in "lr" for n in range(len(PLACE))]
    shown = [*(f"l{n}" for n in range(len(join.left.columns))), *(f"r{n}" for n in range(len(join.right.columns)))]
    return (
        f"WITH lefts AS (SELECT *, (lt - {start}) // {cell} AS lc FROM ({lefts})), "
        f"rights AS (SELECT *, unnest({cells}) AS rc FROM ({rights})) "
        f"SELECT {', '.join(['lt', 'rt', *shown, *places])} "
        f"FROM lefts {join.keeps} JOIN rights ON lc = rc AND {' AND '.join(same)} AND {near} "
        f"ORDER BY {', '.join(['lt', *places])}"
    )


def _taken(side: Side, name: str, time: str, events: str, *, missing_keys: bool = True) -> str:
    """The events of a side that take part, each column under a name that no contract's column can be in the way of."""
    columns = [f"epoch_us({quoted(time)}) AS {name}t"]
    columns += [f"{quoted(column)} AS {name}k{n}" for n, column in enumerate(side.key)]
    columns += [f"{quoted(column)} AS {name}{n}" for n, (_, column) in enumerate(side.columns)]
    columns += [f"{quoted(column)} AS {name}p{n}" for n, column in enumerate(PLACE)]
    wanted = [f"({side.where}\n)"] if side.where else []
    wanted += [] if missing_keys else [f"{quoted(column)} IS NOT NULL" for column in side.key]
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return f"SELECT {', '.join(columns)} FROM {events}{where}"
