"""What the Delta log says of tables: rows, bytes, files, partition columns, and the range of each column.

Only logs are read, no data.
"""

from collections.abc import Collection
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.lake.strict import table_schema


def lake_facts(lake: Lake, wanted: Collection[str] | None = None) -> Facts:
    """The facts of the lake's tables, by their dotted keys.

    Args:
        lake: whose tables.
        wanted: the last parts of the names of those that matter; None for all.
    """
    keys = [key for key in lake.tables() if wanted is None or key[-1].lower() in wanted]
    found = {}
    for key in keys:
        try:
            found[".".join(key).lower()] = table_facts(lake.open(key), ".".join(key))
        except TableMissing:
            continue  # removed since it was listed
    return Facts(found)


def table_facts(table: DeltaTable, name: str) -> TableFacts:
    """What the log of one table says."""
    actions = pa.table(table.get_add_actions(flatten=True))
    rows = _sum(actions, "num_records")
    partitions = tuple(column.lower() for column in table.metadata().partition_columns)
    columns = {field.name.lower(): _column(actions, field, rows) for field in table_schema(table)}
    return TableFacts(
        name, rows, _sum(actions, "size_bytes"), actions.num_rows, partitions, columns=columns, source="Delta log"
    )


def _sum(actions: pa.Table, column: str) -> int | None:
    if column not in actions.column_names or actions[column].null_count:
        return None
    values: list[Any] = actions[column].to_pylist()
    total: int = sum(values)
    return total


def _column(actions: pa.Table, field: "pa.Field[Any]", rows: int | None) -> ColumnFacts:
    nulls = _sum(actions, f"null_count.{field.name}")
    return ColumnFacts(
        _type(field.type),
        field.nullable,
        null_share=nulls / rows if nulls is not None and rows else None,
        minimum=_bound(actions, f"min.{field.name}", f"partition.{field.name}", smallest=True),
        maximum=_bound(actions, f"max.{field.name}", f"partition.{field.name}", smallest=False),
    )


def _bound(actions: pa.Table, statistic: str, partition: str, *, smallest: bool) -> str | None:
    column = statistic if statistic in actions.column_names else partition
    if column not in actions.column_names:
        return None
    values: list[Any] = [value for value in actions[column].to_pylist() if value is not None]
    return str(min(values) if smallest else max(values)) if values else None


def _type(kind: pa.DataType) -> str:
    """A type's name in SQL."""
    text = str(kind)
    if text.startswith("timestamp"):
        return "timestamp with time zone" if "tz=" in text else "timestamp"
    if text.startswith("decimal"):
        return f"decimal{text[text.index('(') :].replace(' ', '')}"
    names = {"int8": "tinyint", "int16": "smallint", "int32": "integer", "int64": "bigint", "bool": "boolean"}
    names |= {"string": "varchar", "large_string": "varchar", "string_view": "varchar", "double": "double"}
    return {**names, "float": "real", "date32[day]": "date"}.get(text, text)
