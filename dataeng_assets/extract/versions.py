"""Row versions: which of the rows read are not yet in bronze.

A row is appended only if its hash differs from that of the newest stored version of its key. The look-up is bounded by
the window that was read, because the watermark is part of the hash: an equal version lies in the same window. It
compares with the newest only, so a value that went there and back under one watermark arrives twice, as it should.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.contracts.types import row_hash_sql
from dataeng_assets.extract.plan import Plan, SourceTable
from dataeng_assets.extract.staging import Staged
from dataeng_assets.postgres.errors import SAFE, SourceRefused

MEMORY_LIMIT = "96MB"
BATCH_ROWS = 16_384
BATCH_BYTES = 4 * 1024 * 1024

OWN_COLUMNS = (
    pa.field("_op", pa.string(), nullable=False),
    pa.field("_row_hash", pa.int64(), nullable=False),
    pa.field("_extracted_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("_run_id", pa.string(), nullable=False),
)
# Writers may cut the statistics by which files are skipped to milliseconds.
_STATISTICS_UNIT = timedelta(milliseconds=1)


def bronze_schema(table: SourceTable) -> pa.Schema:
    """The bronze table's columns: the contract's, then our own."""
    return pa.schema([*table.contract.arrow_schema(), *OWN_COLUMNS])


@dataclass
class Versions:
    """The row versions of one run, as a stream.

    Attributes:
        name: the source table, for messages.
        schema: the bronze table's.
        appended: how many rows have been handed out so far.
        failure: why the stream ended early. Whoever reads it from the other side of Arrow's C interface gets an error
            that no longer is ours.
    """

    name: str
    schema: pa.Schema
    found: pa.RecordBatchReader
    appended: int = 0
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
            with _unreadable_values(self.name):
                for batch in self.found:
                    if batch.num_rows:
                        self.appended += batch.num_rows
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


@contextmanager
def engine(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of a run's own, in bounded memory; what does not fit is spilled into the folder."""
    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(folder),
            "threads": 1,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
        }
    )
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def check(connection: duckdb.DuckDBPyConnection, table: SourceTable, staged: Staged, *, unique: bool) -> None:
    """See whether the rows read are such that they can have versions.

    Args:
        connection: from `engine`.
        table: what was read.
        staged: its rows.
        unique: whether the source itself keeps the key unique; otherwise the rows are looked through.

    Raises:
        SourceRefused: a required column is NULL, or two rows share a key; names columns and counts, never a value.
    """
    required = [column.name for column in table.contract.columns if not column.nullable]
    counts = ", ".join(f"count(*) - count({_quoted(name)})" for name in required)
    lacking = connection.execute(f"SELECT {counts} FROM {_file(staged)}").fetchall()[0]
    broken = [f"{name} ({count} rows)" for name, count in zip(required, lacking, strict=True) if count]
    if broken:
        raise SourceRefused(
            f"{table.name} has NULL where its contract requires a value: {', '.join(broken)}. {SAFE} Fill the values "
            "in the source, or declare the columns as not required in the contract."
        )
    if unique:
        return
    keys = ", ".join(_quoted(name) for name in table.contract.key)
    shared = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {_file(staged)} GROUP BY {keys} HAVING count(*) > 1)"
    ).fetchall()[0][0]
    if shared:
        raise SourceRefused(
            f"{shared} keys ({', '.join(table.contract.key)}) of {table.name} belong to more than one row, so a row "
            f"has no history of its own. {SAFE} Correct the key in the contract, or the rows in the source, and make "
            "it unique there."
        )


def new_versions(
    connection: duckdb.DuckDBPyConnection,
    table: SourceTable,
    plan: Plan,
    staged: Staged,
    handle: DeltaTable,
    *,
    extracted_at: datetime,
    run_id: str,
) -> Versions:
    """The rows read whose newest stored version is another one, or none.

    Args:
        connection: from `engine`; it must stay open until the rows have been read.
        table: what was read.
        plan: which rows were asked for.
        staged: its rows.
        handle: the bronze table at the version that the commit will be made on.
        extracted_at: the time that the new versions carry.
        run_id: the run that they carry.

    Raises:
        SourceRefused: a value could not be carried.
    """
    schema = bronze_schema(table)
    moment = extracted_at.astimezone(UTC).isoformat()
    with _unreadable_values(table.name):
        _store_newest(connection, table, plan, staged, handle)
        hashed = row_hash_sql([(column.name, column.type) for column in table.contract.columns])
        found = connection.sql(
            f"""
            WITH loaded AS (SELECT {_loaded(table)} FROM {_file(staged)}),
            hashed AS (
              SELECT *, 'upsert' AS _op, {hashed} AS _row_hash, CAST($moment AS TIMESTAMPTZ) AS _extracted_at,
                $run_id AS _run_id
              FROM loaded
            )
            SELECT * FROM hashed ANTI JOIN newest USING ({_keys(table)}, _row_hash)
            """,
            params={"moment": moment, "run_id": run_id},
        ).to_arrow_reader(_batch_rows(staged))
    return Versions(table.name, schema, found)


def _batch_rows(staged: Staged) -> int:
    """Rows per batch: fewer where they are wide."""
    return max(1, min(BATCH_ROWS, BATCH_BYTES * staged.rows // max(1, staged.text_bytes)))


def _store_newest(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, plan: Plan, staged: Staged, handle: DeltaTable
) -> None:
    """Make `newest`: the newest stored version of each key, among those that the rows read could be equal to."""
    columns = [*table.contract.key, "_row_hash", "_extracted_at"]
    stored = (
        handle.to_pyarrow_dataset()
        .scanner(
            columns=columns,
            filter=_look_up(table, plan, _earliest(connection, table, plan, staged)),
            batch_size=BATCH_ROWS,
            batch_readahead=2,
            fragment_readahead=1,
        )
        .to_reader()
    )
    connection.register("stored", stored)
    connection.execute(
        f"CREATE TEMP TABLE newest AS SELECT {_keys(table)}, arg_max(_row_hash, _extracted_at) AS _row_hash "
        f"FROM stored GROUP BY {_keys(table)}"
    )
    connection.unregister("stored")


def _earliest(connection: duckdb.DuckDBPyConnection, table: SourceTable, plan: Plan, staged: Staged) -> datetime | None:
    """The earliest watermark that a row read may have; None where it is the beginning."""
    if plan.written is None:
        return plan.since
    query = f"SELECT min({_quoted(table.watermark)}) FROM {_file(staged)}"
    lowest = connection.execute(query).fetchall()[0][0]
    return plan.since if lowest is None or plan.since is None else min(plan.since, lowest)


def _look_up(table: SourceTable, plan: Plan, earliest: datetime | None) -> pc.Expression | None:
    bounds = []
    if earliest is not None:
        bounds.append(pc.field(table.watermark) >= pa.scalar(earliest - _STATISTICS_UNIT, pa.timestamp("us", "UTC")))
    if plan.until is not None:
        bounds.append(pc.field(table.watermark) < pa.scalar(plan.until + _STATISTICS_UNIT, pa.timestamp("us", "UTC")))
    if not bounds:
        return None
    return bounds[0] if len(bounds) == 1 else bounds[0] & bounds[1]


def _loaded(table: SourceTable) -> str:
    return ", ".join(
        f"{column.type.load_sql(_quoted(column.name))} AS {_quoted(column.name)}" for column in table.contract.columns
    )


def _keys(table: SourceTable) -> str:
    return ", ".join(_quoted(name) for name in table.contract.key)


def _file(staged: Staged) -> str:
    return "read_parquet('" + str(staged.path).replace("'", "''") + "')"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _unreadable_values(name: str) -> Iterator[None]:
    """DuckDB's own messages hold the value."""
    try:
        yield
    except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise SourceRefused(
            f"A value of {name} cannot be carried ({type(error).__name__}): an array of several dimensions or with "
            f"a first index other than 1, or an infinite date inside one. {SAFE} Correct the value in the source, or "
            "read the column as text through a view."
        ) from None
