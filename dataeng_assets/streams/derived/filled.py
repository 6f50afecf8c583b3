"""Rows in the columns of a schema, also from a table that does not have all of them yet."""

from collections.abc import Iterable, Iterator

import pyarrow as pa


def filled(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatchReader:
    """The columns of a schema, those that the rows lack empty; further columns are left out."""
    return pa.RecordBatchReader.from_batches(schema, _filled(batches, schema))


def _filled(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = [
            batch.column(field.name).cast(field.type)
            if field.name in batch.schema.names
            else pa.nulls(batch.num_rows, field.type)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
