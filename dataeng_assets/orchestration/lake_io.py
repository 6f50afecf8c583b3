"""The lake as an IO manager: an asset takes polars lazy frames and returns a frame.

A partitioned asset names the column that holds its day as `partition_column` in its metadata; materializing a
partition then replaces the rows of that day only. A table keeps the schema of its first frame: another one is refused.
"""

from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl
import pyarrow as pa

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_all, replace_range
from dataeng_assets.orchestration.partitions import days_of

PARTITION_COLUMN = "partition_column"


class LakeIOManager(dg.ConfigurableIOManager):
    """Reads and writes Delta tables at the lake path that is the asset's key.

    It takes no settings, because Dagster stores and shows those of a resource: the lake's options may hold secrets.
    """

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame | pl.LazyFrame) -> None:
        """Replace the partition's rows, or the whole table when the asset has no partitions."""
        rows = obj.lazy().collect().to_arrow(compat_level=pl.CompatLevel.oldest())
        rows = rows.cast(_plain(rows.schema))
        lake, key = Lake.current(), tuple(context.asset_key.path)
        metadata = {"run_id": context.run_id}
        if context.has_asset_partitions:
            column = _partition_column(context)
            table = lake.create(key, rows.schema, partition_by=(column,))
            first, last = days_of(context.asset_partitions_time_window)
            version = replace_range(table, rows, column, first, last + timedelta(days=1), metadata=metadata)
        else:
            version = replace_all(lake.create(key, rows.schema), rows, metadata=metadata)
        context.add_output_metadata(
            {
                "dagster/row_count": rows.num_rows,
                "dagster/column_schema": column_schema(rows.schema),
                "table_version": version,
                "uri": lake.at(key),
            }
        )

    def load_input(self, context: dg.InputContext) -> pl.LazyFrame:
        """The upstream table as a lazy frame; of a partitioned one, the days that this run needs."""
        lake, key = Lake.current(), tuple(context.asset_key.path)
        # not `scan_delta`: it does not find the files of a lake whose path holds a space
        frame = pl.scan_pyarrow_dataset(lake.open(key).to_pyarrow_dataset())
        if not context.has_asset_partitions:
            return frame
        first, last = days_of(context.asset_partitions_time_window)
        column = pl.col(_partition_column(context.upstream_output or context))
        return frame.filter(column.is_between(pl.lit(first, pl.Date), pl.lit(last, pl.Date)))


def column_schema(schema: pa.Schema) -> dg.TableSchema:
    """An Arrow schema as Dagster shows it."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(field.name, str(field.type), constraints=dg.TableColumnConstraints(nullable=field.nullable))
            for field in schema
        ]
    )


def _plain(schema: pa.Schema) -> pa.Schema:
    """Types that Delta has, without loss: plain text, binary and lists, and the next wider signed integer."""
    signed: dict[pa.DataType, pa.DataType] = {
        pa.uint8(): pa.int16(),
        pa.uint16(): pa.int32(),
        pa.uint32(): pa.int64(),
    }

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return pa.string()
        if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
            return pa.binary()
        if pa.types.is_large_list(kind):
            return pa.list_(plain(kind.value_type))
        return signed.get(kind, kind)

    return pa.schema([field.with_type(plain(field.type)) for field in schema])


def _partition_column(context: Any) -> str:
    metadata = context.definition_metadata or {}
    column = metadata.get(PARTITION_COLUMN)
    if not column:
        raise dg.Failure(
            f"{context.asset_key.to_user_string()} has partitions, but its metadata does not name the column that "
            f'holds the day. Add metadata={{"{PARTITION_COLUMN}": "…"}} to the asset.',
            allow_retries=False,
        )
    return str(column)
