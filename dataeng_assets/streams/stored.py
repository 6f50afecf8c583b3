"""Which offsets a stream's tables hold, and which they do not, as runs of offsets that follow each other."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from pyarrow.dataset import FileSystemDataset

from dataeng_assets.kafka.records import Range
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.streams.stream import RELEASED_BY

_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("_kafka_partition", pa.int32()),
    pa.field("_kafka_offset", pa.int64()),
    pa.field("_kafka_generation", pa.int32()),
    pa.field(RELEASED_BY, pa.string()),
]
PLACE = pa.schema(_FIELDS)


class Run(NamedTuple):
    """Offsets `[start, end)` of one partition and generation."""

    generation: int
    partition: int
    start: int
    end: int


def places(
    table: DeltaTable, where: pc.Expression | None = None, *, files: Collection[str] | None = None
) -> pa.RecordBatchReader:
    """Where each row came from, and whether it was released from the dead letters, in which it is counted.

    Args:
        table: at the version that is meant.
        where: which rows; all when None.
        files: names of the files that are read, without their folders; all when None.
    """
    there = table_schema(table).names
    columns: Any = {
        column.name: pc.field(column.name) if column.name in there else pc.scalar(pa.scalar(None, column.type))
        for column in PLACE
    }
    rows: Any = table.to_pyarrow_dataset()
    if files is not None:
        wanted = [one for one in rows.get_fragments() if one.path.rpartition("/")[2] in files]
        rows = FileSystemDataset(wanted, rows.schema, rows.format, rows.filesystem)
    read: pa.RecordBatchReader = rows.scanner(columns=columns, filter=where).to_reader()
    return read


def gone(connection: duckdb.DuckDBPyConnection, removed: Iterable[pa.RecordBatch], table: DeltaTable) -> list[Run]:
    """What stood in rows that were removed and stands in no row of the table; what was released does not count.

    A released row that is removed loses nothing: its dead letter is still there.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE lost (g INTEGER, p INTEGER, o BIGINT)")
    for batch in removed:  # one by one, so that an error of theirs is not hidden behind one of DuckDB's
        connection.register("removed", pa.Table.from_batches([batch]))
        connection.execute(_REMOVED)
        connection.unregister("removed")
    connection.register("present", places(table))
    return [Run(*row) for row in connection.execute(_GONE).fetchall()]


def absent(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[DeltaTable], generation: int, bounds: Mapping[int, Range]
) -> list[Run]:
    """What stands in none of the tables, within bounds; an offset that never held a record is among it."""
    connection.execute("CREATE OR REPLACE TEMP TABLE somewhere (p INTEGER, o BIGINT)")
    for table in tables:
        connection.register("present", places(table))
        connection.execute(_SOMEWHERE, [generation])
        connection.unregister("present")
    runs = []
    for partition, (start, end) in bounds.items():
        found = connection.execute(_ABSENT, {"p": partition, "lo": start, "hi": end}).fetchall()
        runs += [Run(generation, partition, lo, hi) for lo, hi in found]
    return runs


def without(runs: Iterable[Run], taken: Iterable[Run]) -> list[Run]:
    """Runs, cut where others lie."""
    by_place: dict[tuple[int, int], list[Run]] = {}
    for run in sorted(taken):
        by_place.setdefault((run.generation, run.partition), []).append(run)
    left = []
    for run in runs:
        start = run.start
        for cut in by_place.get((run.generation, run.partition), ()):
            if cut.end <= start or cut.start >= run.end:
                continue
            if cut.start > start:
                left.append(run._replace(start=start, end=cut.start))
            start = cut.end
        if start < run.end:
            left.append(run._replace(start=start))
    return left


_REMOVED = f"""
    INSERT INTO lost SELECT coalesce(_kafka_generation, 0), _kafka_partition, _kafka_offset FROM removed
    WHERE {RELEASED_BY} IS NULL
"""
_GONE = f"""
    WITH here AS (
        SELECT coalesce(_kafka_generation, 0) AS g, _kafka_partition AS p, _kafka_offset AS o
        FROM present WHERE {RELEASED_BY} IS NULL
    ), numbered AS (
        SELECT g, p, o, o - row_number() OVER (PARTITION BY g, p ORDER BY o) AS run
        FROM (SELECT DISTINCT * FROM lost) ANTI JOIN here USING (g, p, o)
    )
    SELECT g, p, min(o), max(o) + 1 FROM numbered GROUP BY g, p, run ORDER BY ALL
"""
_SOMEWHERE = f"""
    INSERT INTO somewhere SELECT _kafka_partition, _kafka_offset FROM present
    WHERE {RELEASED_BY} IS NULL AND coalesce(_kafka_generation, 0) = ?
"""
_ABSENT = """
    WITH borders AS (
        SELECT $lo - 1 AS o UNION ALL SELECT o FROM somewhere WHERE p = $p AND o >= $lo AND o < $hi UNION ALL SELECT $hi
    )
    SELECT * FROM (SELECT lag(o) OVER (ORDER BY o) + 1 AS lo, o AS hi FROM borders) WHERE lo < hi ORDER BY lo
"""
