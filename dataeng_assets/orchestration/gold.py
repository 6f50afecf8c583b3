"""Publishing: the marts that are declared as published, written to the lake day by day."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
from dagster_duckdb import DuckDBResource

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.orchestration import warehouse
from dataeng_assets.orchestration.dbt import targets
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.lake_io import PARTITION_COLUMN, column_schema
from dataeng_assets.orchestration.ledger.entries import mark_handled
from dataeng_assets.orchestration.ledger.targets import declared, gold_key, model_key
from dataeng_assets.orchestration.partitions import daily, days_of
from dataeng_assets.orchestration.pins import pinned
from dataeng_assets.settings import Settings

MAX_ROWS_PER_COMMIT = 500_000


def published(manifest: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """One asset for each daily model that is declared as published."""
    nodes = manifest["nodes"].values()
    return [_asset(node) for node in nodes if node["resource_type"] == "model" and declared(node).get("published")]


def _asset(node: Mapping[str, Any]) -> dg.AssetsDefinition:
    key, model, column = gold_key(node), model_key(node), declared(node)["partition"]
    check = dg.AssetCheckSpec(
        "rows_equal_the_mart", asset=dg.AssetKey(key), description="As many rows as the mart has on these days."
    )

    @dg.asset(
        key=dg.AssetKey(key),
        deps=[dg.AssetKey(model)],
        description=f"{node['description']}\n\nPublished: a Delta table, one partition per `{column}`.",
        group_name="gold",
        owners=node["config"].get("meta", {}).get("dagster", {}).get("owners") or ["team:data"],
        kinds={"deltalake"},
        tags={"layer": "gold"},
        metadata={PARTITION_COLUMN: column},
        partitions_def=daily(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRY,
        pool=warehouse.POOL,
        check_specs=[check],
    )
    def publish(context: dg.AssetExecutionContext, duckdb: DuckDBResource) -> Iterator[Any]:
        settings = Settings.load()
        lake = Lake(settings.lake_uri, settings.lake_options)
        pins = pinned(context, lake)
        days = days_of(context.partition_time_window)
        relation = f'"{model[0]}"."{model[-1]}"'
        with (
            named_failures(),
            warehouse.exclusively(settings.warehouse_file),
            duckdb.get_connection() as connection,
            closing(connection),
        ):
            rows, version, schema = _publish(connection, lake, key, relation, column, days, context.run.run_id)
        mark_handled(lake, targets(), [".".join(key)], days, pins, context.run.run_id)
        written = _rows_of(lake, key, column, days)
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": written,
                "dagster/column_schema": column_schema(schema),
                "table_version": version,
                "uri": lake.at(key),
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=written == rows, check_name=check.name, metadata={"mart": rows, "gold": written}
                )
            ],
        )

    return publish


def _publish(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    key: tuple[str, ...],
    relation: str,
    column: str,
    days: tuple[date, date],
    run_id: str,
) -> tuple[int, int, pa.Schema]:
    """Replace the days in the lake; returns rows, the table's version and its schema."""
    connection.execute("set TimeZone = 'UTC'")
    schema = connection.sql(f"from {relation} limit 0").to_arrow_table().schema
    table = lake.create(key, schema, partition_by=(column,), description=f"Published copy of {relation}.")
    total = 0
    for first, last, rows in _chunks(connection, relation, column, days):
        reader = connection.sql(
            f"from {relation} where {column} between ? and ? order by all", params=[first, last]
        ).to_arrow_reader(100_000)
        replace_range(table, reader, column, first, last + timedelta(days=1), metadata={"run_id": run_id})
        total += rows
        table = lake.open(key)
    return total, table.version(), schema


def _chunks(
    connection: duckdb.DuckDBPyConnection, relation: str, column: str, days: tuple[date, date]
) -> Iterator[tuple[date, date, int]]:
    """Cut the days into contiguous ranges of bounded rows, so that memory does not follow the length of a backfill."""
    counted = dict(
        connection.execute(
            f"select {column}, count(*) from {relation} where {column} between ? and ? group by 1", list(days)
        ).fetchall()
    )
    first, rows = days[0], 0
    for offset in range((days[1] - days[0]).days + 1):
        day = days[0] + timedelta(days=offset)
        if rows and rows + counted.get(day, 0) > MAX_ROWS_PER_COMMIT:
            yield first, day - timedelta(days=1), rows
            first, rows = day, 0
        rows += counted.get(day, 0)
    yield first, days[1], rows


def _rows_of(lake: Lake, key: tuple[str, ...], column: str, days: tuple[date, date]) -> int:
    import pyarrow.compute as pc

    within = (pc.field(column) >= days[0]) & (pc.field(column) <= days[1])
    return int(lake.open(key).to_pyarrow_dataset().count_rows(filter=within))
