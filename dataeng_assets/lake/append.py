"""Appending rows together with the progress that they mean, in one commit.

What is appended, and what progress means, is the caller's. Replacing rows belongs in `replace`.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from dataeng_assets.lake import encoding
from dataeng_assets.lake.strict import SchemaDiffers, differences, table_schema
from dataeng_assets.lake.transactions import transactions as all_transactions

TARGET_FILE_BYTES = 128 * 1024 * 1024
_COMMIT_RETRIES = 50  # each commit of another writer takes one; the default 15 is used up by a busy table
_CONFLICTS = ("oncurrent", "Metadata changed")
# looking for commits that are past retention lists the whole log, with every commit; `upkeep` does it once a night
_AFTERWARDS = PostCommitHookProperties(cleanup_expired_logs=False)


class Superseded(Exception):
    """Another writer has changed what the handle was opened on; nothing of this commit was written."""


class ProgressGoesBack(Exception):
    """A commit would set progress to less than is recorded; nothing was written."""


class RowsRefused(Exception):
    """A row that the table must not hold; nothing was written. The message never shows the row."""

    retryable = False


def append(
    table: DeltaTable,
    rows: pa.Table | pa.RecordBatchReader,
    *,
    transactions: Mapping[str, int],
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Append rows and record progress, both or neither.

    No rows are fine: their progress is recorded all the same. When anything but the errors below is raised, the commit
    may have happened: open the table again and read its progress.

    Args:
        table: the handle on which the progress was read; it is what guards against another writer.
        rows: columns as in the table, in any order; a reader is written as it comes, a row group at a time.
        transactions: new progress by app id.
        metadata: told in the table's history, nowhere else.

    Returns:
        The version that the rows are in.

    Raises:
        SchemaDiffers: a column's name or type is not the table's. Nothing is cast.
        RowsRefused: a row lacks a value that it must have.
        Superseded: since the handle was opened another writer moved one of the app ids or changed the table's columns.
        ProgressGoesBack: one of the app ids is already further.
    """
    return write(table, rows, transactions=transactions, metadata=metadata or {})


def progress(table: DeltaTable, app_id: str) -> int | None:
    """How far an app has come, as committed in the version that the handle is on; None before its first commit."""
    found = all_transactions(table)
    version = table.transaction_version(app_id) if found is None else found.get(app_id)
    return None if version is None else int(version)


def write(
    table: DeltaTable,
    rows: pa.Table | pa.RecordBatchReader,
    *,
    transactions: Mapping[str, int],
    metadata: Mapping[str, str],
    predicate: str | None = None,
    check: Callable[[pa.RecordBatch], None] | None = None,
) -> int:
    """Commit rows, in place of those that a predicate matches if there is one; `append` and `replace` are made of it.

    `check` sees every batch before it is written, and raises to refuse it.
    """
    stored = table_schema(table)
    problems = differences(rows.schema, pa.schema([column.with_nullable(False) for column in stored]))
    if problems:
        raise SchemaDiffers("the rows for a table", str(table.table_uri), problems)
    properties = _properties(table, transactions, metadata)
    stream = _Stream(rows, [column.name for column in stored if not column.nullable], check)
    encoded = encoding.appended(rows)
    how = partial(
        write_deltalake,
        table,
        stream.reader(),
        target_file_size=TARGET_FILE_BYTES,
        writer_properties=encoded,
        post_commithook_properties=_AFTERWARDS,
    )
    try:
        if predicate is None:
            how(mode="append", commit_properties=properties)
        else:
            how(mode="overwrite", predicate=predicate, commit_properties=properties)
    except Exception as error:
        if stream.failure is not None:
            raise stream.failure from None
        if isinstance(error, CommitFailedError) and any(word in str(error) for word in _CONFLICTS):
            raise Superseded(_superseded(table, transactions, error)) from error
        raise
    return int(table.version())


class _Stream:
    """Rows on their way to the writer, which would hide an error of theirs behind one of its own and print the rows."""

    def __init__(
        self,
        rows: pa.Table | pa.RecordBatchReader,
        required: list[str],
        check: Callable[[pa.RecordBatch], None] | None,
    ) -> None:
        self._rows = rows.to_reader() if isinstance(rows, pa.Table) else rows
        self._required, self._check = required, check
        self.failure: Exception | None = None

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self._rows.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._rows:
                for name in self._required:
                    _require(batch, name)
                if self._check is not None:
                    self._check(batch)
                yield batch
        except Exception as error:
            self.failure = error
            raise


def _require(batch: pa.RecordBatch, name: str) -> None:
    missing = batch.column(name).null_count
    if missing:
        raise RowsRefused(
            f"The column {name} must have a value in every row, and {missing} of {batch.num_rows} rows have none. "
            "Nothing was written; the table is as before. Find the rows at their source, or let the column be empty "
            "in the contract and give it a new table."
        )


def _properties(table: DeltaTable, transactions: Mapping[str, int], metadata: Mapping[str, str]) -> CommitProperties:
    """What the commit carries; delta-rs itself would take a lower number, and rows would be written twice."""
    for app_id, version in transactions.items():
        stored = progress(table, app_id)
        if stored is not None and stored > version:
            raise ProgressGoesBack(
                f"{app_id} has come to {stored} in {table.table_uri}, and a commit would set it back to {version}. "
                "Nothing was written. Open the table again and plan from its progress."
            )
    return CommitProperties(
        # never `last_updated`: progress that carries it can expire
        app_transactions=[Transaction(app_id, version) for app_id, version in transactions.items()],
        custom_metadata=dict(metadata) or None,
        max_commit_retries=_COMMIT_RETRIES,
    )


def _superseded(table: DeltaTable, transactions: Mapping[str, int], error: CommitFailedError) -> str:
    return (
        f"Another writer was quicker: {table.table_uri} changed after it was opened, in what this commit rests on "
        f"({', '.join(transactions) or 'its rows'}; {str(error).splitlines()[0]}). Nothing of this commit was written, "
        "the other's is safe. Open the table again and plan from its progress."
    )
