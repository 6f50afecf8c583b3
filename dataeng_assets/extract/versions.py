"""Row versions: which of the rows read are not yet in bronze.

A row is appended only if its hash differs from that of the newest stored version of its key. The look-up is bounded by
the window that was read, because the watermark is part of the hash: an equal version lies in the same window. It
compares with the newest only, so a value that went there and back under one watermark arrives twice, as it should.
A table without a watermark is compared with all that is stored; what has vanished from it is found in `whole`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.extract.engine import batch_rows, committed, keys, loaded, row_hash, rows_of, unreadable_values
from dataeng_assets.extract.plan import Plan, SourceTable
from dataeng_assets.extract.staging import Staged
from dataeng_assets.extract.whole import store_vanished, vanished_rows
from dataeng_assets.postgres.errors import SAFE, SourceRefused

OWN_COLUMNS = (
    pa.field("_op", pa.string(), nullable=False),
    pa.field("_row_hash", pa.int64(), nullable=False),
    pa.field("_extracted_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("_run_id", pa.string(), nullable=False),
    pa.field("_released_by", pa.string()),
)
# Writers may cut the statistics by which files are skipped to milliseconds.
_STATISTICS_UNIT = timedelta(milliseconds=1)


def bronze_schema(table: SourceTable) -> pa.Schema:
    """The bronze table's columns: the contract's, then our own.

    A deleted row has its key and nothing else, so only the key is required there; what the contract requires of the
    rows that are there is seen to by `check`.
    """
    described = table.contract.arrow_schema()
    loose = [column.with_nullable(column.name not in table.contract.key) for column in described]
    return pa.schema([*loose, *OWN_COLUMNS])


@dataclass
class Versions:
    """The row versions of one run, as a stream.

    Attributes:
        name: the source table, for messages.
        schema: the bronze table's.
        operations: how many rows have been handed out so far, by `_op`.
        failure: why the stream ended early. Whoever reads it from the other side of Arrow's C interface gets an error
            that no longer is ours.
    """

    name: str
    schema: pa.Schema
    found: pa.RecordBatchReader
    operations: Counter[str] = field(default_factory=Counter)
    failure: SourceRefused | None = None

    def reader(self) -> pa.RecordBatchReader:
        """The rows, to be read once."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def reader_unless_empty(self) -> pa.RecordBatchReader | None:
        """The rows, to be read once; None when there are none."""
        batches = self._batches()
        first = next(batches, None)
        return None if first is None else pa.RecordBatchReader.from_batches(self.schema, chain([first], batches))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            with unreadable_values(self.name):
                for batch in self.found:
                    if batch.num_rows:
                        self.operations.update(map(str, batch.column("_op").to_pylist()))
                        yield self._typed(batch)
        except SourceRefused as error:
            self.failure = error
            raise

    def _typed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [
            column if column.type.equals(field.type) else column.cast(field.type)
            for column, field in zip(batch.columns, self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def check(connection: duckdb.DuckDBPyConnection, table: SourceTable, staged: Staged, *, unique: bool) -> None:
    """See whether the rows read are such that they can have versions.

    Args:
        connection: from `engine`.
        table: what was read.
        staged: its rows.
        unique: whether the source itself keeps the key unique; otherwise the rows are looked through.

    Raises:
        SourceRefused: a required column is NULL, or two rows share a key; names columns and counts, never a value.
            With `quarantine` in the contract, only a NULL in the key is refused: other rows are set aside.
    """
    required = [column.name for column in table.contract.columns if not column.nullable]
    if table.contract.quarantine:
        required = list(table.contract.key)
    counts = ", ".join(f"count(*) - count({quoted(name)})" for name in required)
    lacking = connection.execute(f"SELECT {counts} FROM {rows_of(staged)}").fetchall()[0]
    broken = [f"{name} ({count} rows)" for name, count in zip(required, lacking, strict=True) if count]
    if broken:
        raise SourceRefused(
            f"{table.name} has NULL where its contract requires a value: {', '.join(broken)}. {SAFE} Fill the values "
            "in the source, or declare the columns as not required in the contract."
        )
    if unique:
        return
    shared = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {rows_of(staged)} GROUP BY {keys(table)} HAVING count(*) > 1)"
    ).fetchall()[0][0]
    if shared:
        raise SourceRefused(
            f"{shared} keys ({', '.join(table.contract.key)}) of {table.name} belong to more than one row, so a row "
            f"has no history of its own. {SAFE} Correct the key in the contract, or the rows in the source, and make "
            "it unique there."
        )


def compare(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, plan: Plan, staged: Staged, handle: DeltaTable
) -> None:
    """Make `newest`, what bronze knows of the keys read, and of a whole table `vanished`.

    Args:
        connection: from `engine`.
        table: what was read.
        plan: which rows were asked for.
        staged: its rows.
        handle: the bronze table at the version that the commit will be made on.

    Raises:
        SourceRefused: a value could not be carried, or more has vanished than is believed.
    """
    with unreadable_values(table.name):
        _store_newest(connection, table, plan, staged, handle)
        if table.watermark is None:
            store_vanished(connection, table, staged)


def new_versions(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, staged: Staged, *, moment: str, run_id: str
) -> Versions:
    """The good rows read whose newest stored version is another one, or none; of a whole table also what has vanished.

    Args:
        connection: from `engine`, holding what `compare` and `quarantine.set_aside` made; it must stay open, and be
            asked for nothing else, until the rows have been read.
        table: what was read.
        staged: its rows.
        moment: the time that the new versions carry.
        run_id: the run that they carry.

    Raises:
        SourceRefused: a value could not be carried.
    """
    with unreadable_values(table.name):
        found = connection.sql(
            f"""
            SELECT *, CAST($moment AS TIMESTAMPTZ) AS _extracted_at, $run_id AS _run_id,
              CAST(NULL AS VARCHAR) AS _released_by
            FROM ({_changed(table, staged)})
            """,
            params={"moment": moment, "run_id": run_id},
        ).to_arrow_reader(batch_rows(staged))
    return Versions(table.name, bronze_schema(table), found)


def _changed(table: SourceTable, staged: Staged) -> str:
    """The query of the rows to append: the contract's columns, `_op` and `_row_hash`."""
    columns = ", ".join(quoted(column.name) for column in table.contract.columns)
    hashed = row_hash(table)
    read = f"(SELECT {loaded(table)} FROM {rows_of(staged)})"
    good = f"{read} ANTI JOIN set_aside USING ({keys(table)})" if table.contract.quarantine else read
    present = f"""
        SELECT {columns}, CASE WHEN _stored_op = 'delete' THEN 'return' ELSE 'upsert' END AS _op, _row_hash
        FROM (SELECT *, {hashed} AS _row_hash FROM {good})
          LEFT JOIN newest USING ({keys(table)})
        WHERE _stored_hash IS DISTINCT FROM _row_hash OR _stored_op = 'delete'
        """
    if table.watermark is not None:
        return present
    return f"{present} UNION ALL SELECT {columns}, 'delete', {hashed} FROM ({vanished_rows(table)})"


def _store_newest(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, plan: Plan, staged: Staged, handle: DeltaTable
) -> None:
    """Make `newest`: the newest stored version of each key, among those that the rows read could be equal to."""
    columns = [*table.contract.key, "_op", "_row_hash", "_extracted_at"]
    stored = committed(handle, columns, _look_up(table, plan, _earliest(connection, table, plan, staged)))
    connection.register("stored", stored)
    connection.execute(
        f"""
        CREATE TEMP TABLE newest AS
        SELECT {keys(table)}, arg_max(_row_hash, _extracted_at) AS _stored_hash,
          arg_max(_op, _extracted_at) AS _stored_op
        FROM stored GROUP BY {keys(table)}
        """
    )
    connection.unregister("stored")


def _earliest(connection: duckdb.DuckDBPyConnection, table: SourceTable, plan: Plan, staged: Staged) -> datetime | None:
    """The earliest watermark that a row read may have; None where it is the beginning."""
    if plan.written is None or table.watermark is None:
        return plan.since
    query = f"SELECT min({quoted(table.watermark)}) FROM {rows_of(staged)}"
    lowest = connection.execute(query).fetchall()[0][0]
    return plan.since if lowest is None or plan.since is None else min(plan.since, lowest)


def _look_up(table: SourceTable, plan: Plan, earliest: datetime | None) -> pc.Expression | None:
    """The condition on what is stored; a row that says that its key was deleted has no watermark."""
    if table.watermark is None or (earliest is None and plan.until is None):
        return None
    watermark = pc.field(table.watermark)
    within = ~watermark.is_null()
    if earliest is not None:
        within &= watermark >= pa.scalar(earliest - _STATISTICS_UNIT, pa.timestamp("us", "UTC"))
    if plan.until is not None:
        within &= watermark < pa.scalar(plan.until + _STATISTICS_UNIT, pa.timestamp("us", "UTC"))
    return within | watermark.is_null()
