"""Appending rows together with the progress that they mean, in one commit.

What is appended, and what progress means, is the caller's. Replacing rows belongs in `replace`.
"""

from collections.abc import Mapping

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError

from dataeng_assets.lake.strict import SchemaDiffers, differences, table_schema

TARGET_FILE_BYTES = 128 * 1024 * 1024
# DuckDB's own row group: smaller ones cost it scans, larger ones cost the writer memory
WRITER = WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=122_880)
_CONFLICTS = ("Concurrent transaction", "Metadata changed", "concurrent", "Concurrent")


class Superseded(Exception):
    """Another writer has changed what the handle was opened on; nothing of this commit was written."""


class ProgressGoesBack(Exception):
    """A commit would set progress to less than is recorded; nothing was written."""


def append(
    table: DeltaTable,
    rows: pa.Table | pa.RecordBatchReader,
    *,
    transactions: Mapping[str, int],
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Append rows and record progress, both or neither.

    No rows are fine: their progress is recorded all the same.

    Args:
        table: the handle on which the progress was read; it is what guards against another writer.
        rows: columns as in the table, in any order; a reader is written as it comes, a row group at a time.
        transactions: new progress by app id.
        metadata: told in the table's history, nowhere else.

    Returns:
        The version that the rows are in.

    Raises:
        SchemaDiffers: a column's name or type is not the table's. Nothing is cast.
        Superseded: another writer moved one of the app ids, or changed the table, since the handle was opened.
        ProgressGoesBack: one of the app ids is already further.
    """
    check_columns(table, rows.schema)
    try:
        write_deltalake(
            table,
            rows,
            mode="append",
            target_file_size=TARGET_FILE_BYTES,
            writer_properties=WRITER,
            commit_properties=commit_properties(table, transactions, metadata or {}),
        )
    except CommitFailedError as error:
        raise superseded(table, transactions, error) from error
    return int(table.version())


def progress(table: DeltaTable, app_id: str) -> int | None:
    """How far an app has come, as committed in the version that the handle is on; None before its first commit."""
    version = table.transaction_version(app_id)
    return None if version is None else int(version)


def check_columns(table: DeltaTable, rows: pa.Schema) -> None:
    """Refuse rows whose columns are not exactly the table's.

    Raises:
        SchemaDiffers: names each column. Empty values in a column that allows none are refused by the writer.
    """
    stored = table_schema(table)
    allowing = pa.schema([f.with_nullable(False) for f in stored])
    problems = differences(rows, allowing)
    if problems:
        raise SchemaDiffers("the rows for a table", str(table.table_uri), problems)


def commit_properties(
    table: DeltaTable, transactions: Mapping[str, int], metadata: Mapping[str, str]
) -> CommitProperties:
    """What a commit carries beside its rows.

    Raises:
        ProgressGoesBack: delta-rs would take the lower number, and rows would be written twice.
    """
    for app_id, version in transactions.items():
        stored = progress(table, app_id)
        if stored is not None and stored > version:
            raise ProgressGoesBack(
                f"{app_id} has come to {stored} in {table.table_uri}, and a commit would set it back to {version}. "
                "Nothing was written. Open the table again and plan from its progress."
            )
    return CommitProperties(
        app_transactions=[Transaction(app_id, version) for app_id, version in transactions.items()],
        custom_metadata=dict(metadata) or None,
        max_commit_retries=50,
    )


def superseded(table: DeltaTable, transactions: Mapping[str, int], error: CommitFailedError) -> Exception:
    """The named error for a commit that lost against another writer, else the error itself."""
    if not any(word in str(error) for word in _CONFLICTS):
        return error
    return Superseded(
        f"Another writer was quicker: {table.table_uri} changed after it was opened, in what this commit rests on "
        f"({', '.join(transactions) or 'its rows'}; {error}). Nothing of this commit was written and the other's is safe. "
        "Open the table again and plan from its progress."
    )
