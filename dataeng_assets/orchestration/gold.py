"""Publishing: the marts that are declared as published, written to the lake day by day."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg
import duckdb
import pyarrow.compute as pc
from dagster_duckdb import DuckDBResource

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.orchestration import warehouse
from dataeng_assets.orchestration.dbt import owners, targets
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.lake_io import PARTITION_COLUMN, column_schema
from dataeng_assets.orchestration.ledger.entries import mark_handled
from dataeng_assets.orchestration.ledger.targets import declared, gold_key, model_key
from dataeng_assets.orchestration.partitions import daily, days_of
from dataeng_assets.orchestration.pins import pinned
from dataeng_assets.settings import Settings

MAX_ROWS_PER_COMMIT = 500_000
SAME_ROWS = "rows_equal_the_mart"


def published(manifest: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """One asset for each daily model that is declared as published."""
    nodes = manifest["nodes"].values()
    return [_asset(node) for node in nodes if node["resource_type"] == "model" and declared(node).get("published")]


@dataclass(frozen=True)
class _Published:
    """A mart and where it is published."""

    key: tuple[str, ...]
    relation: str
    column: str


def _asset(node: Mapping[str, Any]) -> dg.AssetsDefinition:
    key, model = gold_key(node), model_key(node)
    mart = _Published(key, f'"{model[0]}"."{model[-1]}"', declared(node)["partition"])

    @dg.asset(
        key=dg.AssetKey(key),
        deps=[dg.AssetKey(model)],
        description=f"{node['description']}\n\nPublished: a Delta table, one partition per `{mart.column}`.",
        group_name="gold",
        owners=owners(node),
        kinds={"deltalake"},
        tags={"layer": "gold"},
        metadata={PARTITION_COLUMN: mart.column},
        partitions_def=daily(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRY,
        pool=warehouse.POOL,
        check_specs=[
            dg.AssetCheckSpec(
                SAME_ROWS, asset=dg.AssetKey(key), description="As many rows as the mart has on these days."
            )
        ],
    )
    def publish(context: dg.AssetExecutionContext, duckdb: DuckDBResource) -> Iterator[Any]:
        lake = Lake.current()
        pins = pinned(context, lake)
        days = days_of(context.partition_time_window)
        with (
            named_failures(),
            warehouse.exclusively(Settings.load().warehouse_file),
            duckdb.get_connection() as connection,
            closing(connection),
        ):
            rows = _publish(connection, lake, mart, days, context.run.run_id)
        mark_handled(lake, targets(), [".".join(key)], days, pins, context.run.run_id)
        yield from _results(lake, mart, days, rows)

    return publish


def _results(lake: Lake, mart: _Published, days: tuple[date, date], rows: int) -> Iterator[Any]:
    table = lake.open(mart.key)
    within = (pc.field(mart.column) >= days[0]) & (pc.field(mart.column) <= days[1])
    written = table.to_pyarrow_dataset().count_rows(filter=within)
    yield dg.MaterializeResult(
        metadata={
            "dagster/row_count": written,
            "dagster/column_schema": column_schema(table_schema(table)),
            "table_version": table.version(),
            "uri": lake.at(mart.key),
        },
        check_results=[
            dg.AssetCheckResult(passed=written == rows, check_name=SAME_ROWS, metadata={"mart": rows, "gold": written})
        ],
    )


def _publish(
    connection: duckdb.DuckDBPyConnection, lake: Lake, mart: _Published, days: tuple[date, date], run_id: str
) -> int:
    """Replace the days in the lake; returns the rows that the mart has on them."""
    connection.execute("set TimeZone = 'UTC'")
    schema = connection.sql(f"from {mart.relation} limit 0").to_arrow_table().schema
    description = f"Published copy of {mart.relation}."
    lake.create(mart.key, schema, partition_by=(mart.column,), description=description)
    total = 0
    for first, last, rows in _chunks(connection, mart, days):
        reader = connection.sql(
            f"from {mart.relation} where {mart.column} between ? and ? order by all", params=[first, last]
        ).to_arrow_reader(100_000)
        end = last + timedelta(days=1)
        replace_range(lake.open(mart.key), reader, mart.column, first, end, metadata={"run_id": run_id})
        total += rows
    return total


def _chunks(
    connection: duckdb.DuckDBPyConnection, mart: _Published, days: tuple[date, date]
) -> Iterator[tuple[date, date, int]]:
    """Cut the days into contiguous ranges of bounded rows, so that memory does not follow the length of a backfill."""
    query = f"select {mart.column}, count(*) from {mart.relation} where {mart.column} between ? and ? group by 1"
    counted = dict(connection.execute(query, list(days)).fetchall())
    first, rows = days[0], 0
    for offset in range((days[1] - days[0]).days + 1):
        day = days[0] + timedelta(days=offset)
        if rows and rows + counted.get(day, 0) > MAX_ROWS_PER_COMMIT:
            yield first, day - timedelta(days=1), rows
            first, rows = day, 0
        rows += counted.get(day, 0)
    yield first, days[1], rows
