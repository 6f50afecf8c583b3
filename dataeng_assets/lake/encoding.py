"""How rows are encoded in Parquet: what costs the writer little, and readers less.

Rows that are appended are compressed lightly; what compaction rewrites is read for long, and compressed well.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import ColumnProperties, WriterProperties

from dataeng_assets.lake.strict import logical

# DuckDB's own row group: smaller ones cost it scans, larger ones cost the writer memory
_ROW_GROUP = 122_880
_LOOKED_AT = 4_096
# so many different values among these are those of a column with tens of thousands: a dictionary of it would be looked
# up for each row, and be longer than what it saves
_REPEATS_TOO_LITTLE = 0.95

COMPACTED = WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=_ROW_GROUP)


def appended(rows: pa.Table | pa.RecordBatchReader) -> WriterProperties:
    """The encoding of rows that are about to be written.

    Columns whose first values hardly repeat get no dictionary: half the time and a tenth less to store where most are
    numbers of their own. A reader's rows are not looked at, as they come but once.
    """
    unique = _hardly_repeating(rows) if isinstance(rows, pa.Table) and len(rows) > _LOOKED_AT else []
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        max_row_group_size=_ROW_GROUP,
        column_properties={name: ColumnProperties(dictionary_enabled=False) for name in unique} or None,
    )


def _hardly_repeating(rows: pa.Table) -> list[str]:
    first = rows.slice(0, _LOOKED_AT)
    return [name for name in rows.column_names if _different(first[name]) > _REPEATS_TOO_LITTLE * _LOOKED_AT]


def _different(values: "pa.ChunkedArray[Any]") -> int:
    """How many different values there are; 0 for a type that Arrow does not count."""
    kind = logical(values.type)
    plain = pa.types.is_primitive(kind) or kind in (pa.string(), pa.binary()) or pa.types.is_decimal(kind)
    return int(pc.count_distinct(values.cast(kind)).as_py()) if plain else 0
