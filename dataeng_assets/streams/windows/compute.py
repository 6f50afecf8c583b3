"""The rows of a span of windows, from the committed events that they depend on and from nothing else.

What is to be computed, and writing it, belongs in `publish`.
"""

import tempfile
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.contracts.model import Contract
from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.spans import MOMENT, Span, moment
from dataeng_assets.streams.windows import assign
from dataeng_assets.streams.windows.aggregates import collected, finished
from dataeng_assets.streams.windows.definition import Function, Windows, schema
from dataeng_assets.streams.windows.distinct import alone, compared_again, counted
from dataeng_assets.streams.windows.kinds import Grid, Panes, Session
from dataeng_assets.streams.windows.panes import fired

_MEMORY = "1GB"  # beyond it DuckDB goes on in a temporary folder
MOST_HELD = 256 * 1024 * 1024  # bytes of events that windows of a grid are told from without a copy
_LOOK_BACK = 8  # a session is looked for over so many gaps, and so many times as far when that is not enough
_PLACE = ("_kafka_partition", "_kafka_offset")


def rows_of(windows: Windows, events: Events, published: DeltaTable, span: Span) -> pa.Table:
    """The rows of a span, which is in the kind's own column.

    Args:
        windows: what to compute.
        events: what to compute it from.
        published: the table of windows; panes go on from its rows before the span, which are as the events say.
        span: of starts or ends.
    """
    contract = events.stream.contract
    with tempfile.TemporaryDirectory(prefix="dataeng-windows-") as folder:
        config: dict[str, Any] = {"threads": 2, "temp_directory": folder, "memory_limit": _MEMORY}
        config["preserve_insertion_order"] = True  # of a hash is told whether it stands alone by its place
        with duckdb.connect(config=config) as connection:
            match windows.kind:
                case Grid() as kind:
                    found = _grid(connection, windows, events, kind, span)
                case Session() as kind:
                    found = _sessions(connection, windows, events, kind, span)
                case Panes() as kind:
                    found = _panes(connection, windows, events, kind, published, span)
    column = found["start" if windows.kind.column == "window_start" else "finish"]
    inside = pc.and_(pc.greater_equal(column, pa.scalar(span[0])), pc.less(column, pa.scalar(span[1])))
    return _rows(windows, contract, found.filter(inside))


def _grid(connection: duckdb.DuckDBPyConnection, windows: Windows, events: Events, kind: Grid, span: Span) -> pa.Table:
    """Windows of a grid, from events that DuckDB reads where they are unless they are too many to be held."""
    contract, how = events.stream.contract, assign.grid(kind)
    read = _held(events.read(_names(windows, events), kind.reads(span)))
    if not isinstance(read, pa.Table):
        _copy(connection, windows, events, read)
        return _told(connection, windows, contract, how)
    connection.register("events", read)
    connection.execute(f"CREATE TEMP VIEW taken AS {_selected(windows, events)} FROM events")
    marks = alone(connection, windows, contract, [assign.last_start(kind)] if kind.every == kind.size else [])
    for name, values in marks.items():
        read = read.append_column(name, values)
    connection.register("events", read)
    selected = f"{_selected(windows, events, *marks)} FROM events {_where(windows)}"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW taken AS {selected}")
    return _told(connection, windows, contract, how, once=bool(marks))


def _held(events: pa.RecordBatchReader) -> pa.Table | pa.RecordBatchReader:
    """The events in memory, or a reader of all of them when they are more than may be held."""
    batches, size = list[pa.RecordBatch](), 0
    for batch in events:
        batches.append(batch)
        size += batch.nbytes
        if size > MOST_HELD:
            return pa.RecordBatchReader.from_batches(events.schema, chain(batches, events))
    return pa.Table.from_batches(batches, events.schema)


def _sessions(
    connection: duckdb.DuckDBPyConnection, windows: Windows, events: Events, kind: Session, span: Span
) -> pa.Table:
    """Sessions that end in a span. Their events are looked for near it first: few go on for longer than some gaps."""
    farthest = kind.reads(span)
    back, assigned = _LOOK_BACK * kind.gap, assign.session(kind, len(windows.by))
    while True:
        first = max(farthest[0], span[0] - 1 - back)
        _take(connection, windows, events, (first, farthest[1]))
        found = _told(connection, windows, events.stream.contract, assigned)
        runs = found.filter(pc.greater_equal(found["finish"], pa.scalar(span[0])))["run"]
        if first == farthest[0] or not len(runs) or pc.min(runs).as_py() >= first + kind.gap:
            return found
        back *= _LOOK_BACK


def _panes(
    connection: duckdb.DuckDBPyConnection,
    windows: Windows,
    events: Events,
    kind: Panes,
    published: DeltaTable,
    span: Span,
) -> pa.Table:
    """Panes that end in a span, from the events that no pane before it holds."""
    keys = len(windows.by)
    _take(connection, windows, events, kind.reads(span))
    lo, hi = moment(span[0] - kind.every), moment(span[0])
    before = (pc.field("window_end") >= pa.scalar(lo, MOMENT)) & (pc.field("window_end") < pa.scalar(hi, MOMENT))
    names = [*windows.by, "window_end", "fired_by", *_PLACE]
    connection.register("published", published.to_pyarrow_dataset().to_table(columns=names, filter=before))
    given = [f"{quoted(name)} AS b{n}" for n, name in enumerate(windows.by)]
    connection.execute(
        f"CREATE OR REPLACE TABLE passed AS SELECT {', '.join([*given, ''])} max(CASE WHEN fired_by = 'time' "
        "THEN row(epoch_us(window_end), -1, -1::BIGINT) "
        "ELSE row(epoch_us(window_end) - 1, _kafka_partition, _kafka_offset) END) AS last "
        "FROM published GROUP BY ALL HAVING count(*) > 0"
    )
    same = " AND ".join(["true", *(f"taken.b{n} IS NOT DISTINCT FROM passed.b{n}" for n in range(keys))])
    connection.execute(
        f"DELETE FROM taken USING passed WHERE {same} AND row(moment, p, o) <= row(last[1], last[2], last[3])"
    )
    walked = fired(kind, connection.sql(assign.candidates(kind, keys)).to_arrow_table())
    connection.register("walked", walked)
    connection.execute("CREATE OR REPLACE TABLE taken AS FROM walked")
    return _told(connection, windows, events.stream.contract, assign.panes())


def _take(connection: duckdb.DuckDBPyConnection, windows: Windows, events: Events, span: Span) -> None:
    """Make the relation `taken`, of the events in a span of time that the windows are about."""
    _copy(connection, windows, events, events.read(_names(windows, events), span))


def _copy(connection: duckdb.DuckDBPyConnection, windows: Windows, events: Events, read: pa.RecordBatchReader) -> None:
    """Make the relation `taken` as a table of DuckDB's, which goes on in a file when memory is short."""
    connection.register("read", read)
    connection.execute(f"CREATE OR REPLACE TABLE taken AS {_selected(windows, events)} FROM read {_where(windows)}")
    connection.unregister("read")


def _names(windows: Windows, events: Events) -> list[str]:
    """The columns that are read."""
    return [events.column, *windows.columns(), *(_PLACE if _has_place(windows) else ())]


def _has_place(windows: Windows) -> bool:
    """Whether the order of events decides anything."""
    functions = {one.function for one in windows.aggregates}
    return not isinstance(windows.kind, Grid) or bool(functions & {Function.FIRST, Function.LAST})


def _selected(windows: Windows, events: Events, *more: str) -> str:
    """SQL of the columns of `taken`, as `assign` and `aggregates` name them."""
    columns = [f"epoch_us({quoted(events.column)}) AS moment"]
    if _has_place(windows):
        columns += [f"{_PLACE[0]} AS p", f"{_PLACE[1]} AS o"]
    used = [name for one in windows.aggregates for name in one.columns]
    columns += [f"{quoted(name)} AS {quoted(f'c_{name}')}" for name in dict.fromkeys(used)]
    columns += [f"{quoted(name)} AS b{number}" for number, name in enumerate(windows.by)]
    if isinstance(windows.kind, Panes):
        columns.append(f"coalesce(({windows.kind.condition or 'false'}\n), false) AS condition")
    return f"SELECT {listed([*columns, *more])}"


def _where(windows: Windows) -> str:
    return f"WHERE ({windows.where}\n)" if windows.where else ""


def _told(
    connection: duckdb.DuckDBPyConnection,
    windows: Windows,
    contract: Contract,
    how: assign.Assigned,
    *,
    once: bool = False,
) -> pa.Table:
    """What stands in each window of `taken`; `once` when that has columns which say what stands alone."""
    keys = ["w", *(f"b{number}" for number in range(len(windows.by)))]
    told = [f"{how.start} AS start", f"{how.end} AS finish", *how.more]
    told += collected(windows.aggregates, contract, once=once)
    steps, query = how.steps, f"SELECT {listed([*keys, *told])} FROM assigned GROUP BY {listed(keys)}"
    if once:
        steps += f", told AS ({query}), again AS ({compared_again(windows, contract, keys)})"
        sums = listed(f"r{number} + coalesce(d{number}, 0) AS r{number}" for number in counted(windows))
        same = " AND ".join(f"told.{key} IS NOT DISTINCT FROM again.{key}" for key in keys)
        query = f"SELECT told.* REPLACE ({sums}) FROM told LEFT JOIN again ON {same}"
    found: pa.Table = connection.sql(
        f"WITH {steps} {query} ORDER BY {listed(['start', 'finish', *keys[1:]])}"
    ).to_arrow_table()
    return found


def _rows(windows: Windows, contract: Contract, found: pa.Table) -> pa.Table:
    columns: dict[str, Any] = {
        "window_start": found["start"].cast(MOMENT),
        "window_end": found["finish"].cast(MOMENT),
        **{name: found[f"b{number}"] for number, name in enumerate(windows.by)},
        **finished(windows.aggregates, contract, found),
        "window_date": found["start"].cast(pa.timestamp("us")).cast(pa.date32(), safe=False),
    }
    if isinstance(windows.kind, Panes):
        columns |= {name: found[name] for name in ("fired_by", *_PLACE)}
    wanted = schema(windows, contract)
    return pa.table({name: columns[name] for name in wanted.names}).cast(wanted)
