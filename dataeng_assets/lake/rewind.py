"""Going back: a table's older version, or its rows but for some, in one commit with the progress that this means.

The only commits that may set progress to less than is recorded. Each is made on the version that it was decided on, or
not at all. Whether rows may go, and what their progress is then, is the caller's; it is always a person who asks.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from dataeng_assets.lake import encoding
from dataeng_assets.lake.append import Superseded
from dataeng_assets.lake.strict import table_schema


def restore_version(
    table: DeltaTable, version: int, *, transactions: Mapping[str, int], metadata: Mapping[str, str]
) -> int:
    """Make a table what it was at a version, columns included.

    Args:
        table: the handle that this was decided on; any commit since then is a conflict.
        version: of the same table.
        transactions: progress by app id; Delta keeps that of every app that is not named.
        metadata: told in the table's history, nowhere else.

    Returns:
        The version that was written.

    Raises:
        Superseded: somebody else has committed; nothing was written.
        deltalake.exceptions.DeltaError: a file of that version is gone; nothing was written.
    """
    with _guarded(table):
        table.restore(version, commit_properties=_properties(transactions, metadata))
    table.update_incremental()
    return int(table.version())


def remove_rows(
    table: DeltaTable, predicate: str, *, transactions: Mapping[str, int], metadata: Mapping[str, str]
) -> int:
    """Remove the rows that a predicate matches; progress is recorded even if there are none.

    Arguments, result and errors as in `restore_version`.
    """
    before, properties = table.version(), _properties(transactions, metadata)
    with _guarded(table):
        table.delete(predicate, writer_properties=encoding.COMPACTED, commit_properties=properties)
        if table.version() == before:  # nothing matched, and delta-rs committed nothing
            empty = table_schema(table).empty_table()
            write_deltalake(table, empty, mode="append", commit_properties=properties)
    return int(table.version())


def _properties(transactions: Mapping[str, int], metadata: Mapping[str, str]) -> CommitProperties:
    return CommitProperties(
        app_transactions=[Transaction(app_id, version) for app_id, version in transactions.items()],
        custom_metadata=dict(metadata),
        max_commit_retries=0,
    )


@contextmanager
def _guarded(table: DeltaTable) -> Iterator[None]:
    try:
        yield
    except CommitFailedError as error:
        raise Superseded(
            f"Another writer was quicker: {table.table_uri} changed after it was opened "
            f"({str(error).splitlines()[0]}). Nothing of this commit was written, the other's is safe. Open the table "
            "again and decide anew."
        ) from error
