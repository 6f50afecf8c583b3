"""What was appended to a table between two of its versions, or taken from it. What rows mean to others, they say."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.strict import SchemaDiffers, differences, table_schema


class ChangesGone(Exception):
    """The table no longer tells what was appended or removed by the versions asked for."""


_APPENDED = ("insert",)
_TOUCHED = ("insert", "delete", "update_preimage", "update_postimage")


def changes(lake: Lake, key: Sequence[str], after: int, to: int) -> pa.RecordBatchReader:
    """The rows that the versions in `(after, to]` appended, in the table's columns and types as of `to`.

    Compaction and commits without rows show nothing; rows that a replacement or a deletion removed are not shown, the
    rows that a replacement put in their place are. The order of rows is not promised.

    Args:
        lake: where the table is.
        key: the table; made with its change feed, so that replacements and deletions can be told from appends.
        after: a version that is already covered; -1 for none.
        to: the last version wanted.

    Raises:
        TableMissing: the table is not there, or has no version `to`.
        ChangesGone: the log or the files of these versions were cleaned up.
        ValueError: `after` lies beyond `to`.
    """
    return _rows(lake, key, after, to, _APPENDED)


def touched_rows(lake: Lake, key: Sequence[str], after: int, to: int) -> pa.RecordBatchReader:
    """The rows that the versions in `(after, to]` appended or removed; arguments, result and errors as in `changes`.

    A row that was changed in its place is shown as it was and as it is. Where rows were restored, more may be shown
    than have changed, never less.
    """
    return _rows(lake, key, after, to, _TOUCHED)


def _rows(lake: Lake, key: Sequence[str], after: int, to: int, kinds: Sequence[str]) -> pa.RecordBatchReader:
    if after > to:
        raise ValueError(
            f"{'.'.join(key)}: versions after {after} up to {to} are asked for; the end lies before the start"
        )
    table = lake.open(key, to)
    schema = table_schema(table)
    if after == to:
        return schema.empty_table().to_reader()
    return pa.RecordBatchReader.from_batches(schema, _shown(table, ".".join(key), schema, after, to, kinds))


def _shown(
    table: DeltaTable, name: str, schema: pa.Schema, after: int, to: int, kinds: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    for batch in _feed(table, name, after, to):
        found = pa.schema([batch.schema.field(column) for column in schema.names if column in batch.schema.names])
        problems = differences(found, pa.schema([column.with_nullable(False) for column in schema]))
        if problems:
            raise SchemaDiffers(f"the change feed of {name}", str(table.table_uri), problems)
        # the feed comes with text and bytes as views, which most functions of Arrow do not know
        wanted = pc.is_in(batch.column("_change_type").cast(pa.string()), pa.array(kinds))
        rows = pa.Table.from_batches([batch]).select(schema.names).cast(schema).filter(wanted)
        yield from rows.to_batches()


def _feed(table: DeltaTable, name: str, after: int, to: int) -> Iterator[pa.RecordBatch]:
    try:
        yield from pa.RecordBatchReader.from_stream(table.load_cdf(starting_version=after + 1, ending_version=to))
    except (DeltaError, pa.ArrowException, OSError) as error:
        raise ChangesGone(
            f"{name} no longer tells what the versions {after + 1} to {to} appended ({str(error).splitlines()[0]}). "
            f"The table itself is safe. Read it at version {to} instead, and take every row as changed."
        ) from error
