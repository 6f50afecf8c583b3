"""The engine in which rows are compared: DuckDB in bounded memory, and how it is told which rows and columns.

What is compared, and what follows from it, belongs in `versions` and `whole`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.contracts.types import row_hash_sql
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.extract.staging import Staged
from dataeng_assets.postgres.errors import SAFE, SourceRefused

MEMORY_LIMIT = "96MB"
BATCH_ROWS = 16_384
BATCH_BYTES = 4 * 1024 * 1024


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


@contextmanager
def unreadable_values(name: str) -> Iterator[None]:
    """Name the table instead of the value that DuckDB's own messages hold."""
    try:
        yield
    except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise SourceRefused(
            f"A value of {name} cannot be carried ({type(error).__name__}): an array of several dimensions or with "
            f"a first index other than 1, or an infinite date inside one. {SAFE} Correct the value in the source, or "
            "read the column as text through a view."
        ) from None


def committed(
    handle: DeltaTable, columns: Sequence[str], condition: pc.Expression | None = None
) -> pa.RecordBatchReader:
    """Rows of a bronze table, a few at a time."""
    rows = handle.to_pyarrow_dataset().scanner(
        columns=list(columns), filter=condition, batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1
    )
    return rows.to_reader()


def rows_of(staged: Staged) -> str:
    """The staged rows, as SQL names them."""
    return f"read_parquet({literal(str(staged.path))})"


def loaded(table: SourceTable, *, keys_only: bool = False) -> str:
    """The contract's columns, or those of its key, from the staged rows in their final types."""
    return ", ".join(
        f"{column.type.load_sql(quoted(column.name))} AS {quoted(column.name)}"
        for column in table.contract.columns
        if not keys_only or column.name in table.contract.key
    )


def keys(table: SourceTable) -> str:
    """The columns of the key."""
    return ", ".join(quoted(name) for name in table.contract.key)


def row_hash(table: SourceTable) -> str:
    """The expression of the hash over the contract's columns."""
    return row_hash_sql([(column.name, column.type) for column in table.contract.columns])


def key_alone(table: SourceTable) -> str:
    """The contract's columns of a row that has its key, and NULL in every other column."""
    return ", ".join(
        quoted(column.name)
        if column.name in table.contract.key
        else f"CAST(NULL AS {column.type.duckdb}) AS {quoted(column.name)}"
        for column in table.contract.columns
    )


def batch_rows(staged: Staged) -> int:
    """Rows per batch: fewer where they are wide."""
    return max(1, min(BATCH_ROWS, BATCH_BYTES * staged.rows // max(1, staged.text_bytes)))
