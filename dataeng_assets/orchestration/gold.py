"""Publishing: the marts that are declared as published, written to the lake: by day, or whole when they have none."""

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
from dataeng_assets.lake.replace import replace_all, replace_range
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.orchestration import warehouse
from dataeng_assets.orchestration.dbt import owners, personal, targets
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.lake_io import PARTITION_COLUMN, column_schema
from dataeng_assets.orchestration.ledger.entries import mark_handled
from dataeng_assets.orchestration.ledger.targets import declared, gold_key, is_daily, model_key
from dataeng_assets.orchestration.metrics import anomaly_check, anomaly_of_days, anomaly_of_table
from dataeng_assets.orchestration.partitions import daily, days_of
from dataeng_assets.orchestration.pins import pinned
from dataeng_assets.settings import Settings

MAX_ROWS_PER_COMMIT = 500_000
SAME_ROWS = "rows_equal_the_mart"


def published(manifest: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """One asset for each model that is declared as published."""
    nodes = manifest["nodes"].values()
    return [_asset(node) for node in nodes if node["resource_type"] == "model" and declared(node).get("published")]


@dataclass(frozen=True)
class _Published:
    """A mart and where it is published; `column` holds its day, None where it has none."""

    key: tuple[str, ...]
    relation: str
    column: str | None
    personal: frozenset[str]

    def where(self, days: tuple[date, date] | None) -> str:
        """The condition that a row belongs to the run."""
        return f"{self.column} between '{days[0]}' and '{days[1]}'" if days else "true"


def _asset(node: Mapping[str, Any]) -> dg.AssetsDefinition:
    key, model = gold_key(node), model_key(node)
    mart = _Published(
        key, f'"{model[0]}"."{model[-1]}"', declared(node)["partition"] if is_daily(node) else None, personal(node)
    )
    layout = f"one partition per `{mart.column}`" if mart.column else "replaced as a whole"

    @dg.asset(
        key=dg.AssetKey(key),
        deps=[dg.AssetKey(model)],
        description=f"{node['description']}\n\nPublished: a Delta table, {layout}.",
        group_name="gold",
        owners=owners(node),
        kinds={"deltalake"},
        tags={"layer": "gold"},
        metadata={PARTITION_COLUMN: mart.column} if mart.column else {},
        partitions_def=daily() if mart.column else None,
        backfill_policy=dg.BackfillPolicy.single_run() if mart.column else None,
        retry_policy=RETRY,
        pool=warehouse.POOL,
        check_specs=[
            dg.AssetCheckSpec(SAME_ROWS, asset=dg.AssetKey(key), description="As many rows as the mart has."),
            anomaly_check(dg.AssetKey(key)),
        ],
    )
    def publish(context: dg.AssetExecutionContext, duckdb: DuckDBResource) -> Iterator[Any]:
        lake = Lake.current()
        pins = pinned(context, lake)
        days = days_of(context.partition_time_window) if mart.column else None
        with (
            named_failures(),
            warehouse.exclusively(Settings.load().warehouse_file),
            duckdb.get_connection() as connection,
            closing(connection),
        ):
            rows = _publish(connection, lake, mart, days, context.run.run_id)
        yield _result(lake, mart, days, rows, context.run.run_id)
        # after Dagster has stored the result: a run that is killed in between is asked for again, not taken as done
        mark_handled(lake, targets(), [".".join(key)], days, pins, context.run.run_id)

    return publish


def _result(
    lake: Lake, mart: _Published, days: tuple[date, date] | None, rows: int, run_id: str
) -> dg.MaterializeResult[Any]:
    table = lake.open(mart.key)
    within = (pc.field(mart.column) >= days[0]) & (pc.field(mart.column) <= days[1]) if mart.column and days else None
    written = table.to_pyarrow_dataset().count_rows(filter=within)
    if mart.column and days:
        watched = anomaly_of_days(table, lake, mart.key, run_id, partition=mart.column, days=days)
    else:
        columns = table_schema(table).names
        watched = anomaly_of_table(table, lake, mart.key, run_id, columns=columns, personal=mart.personal)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": written,
            "dagster/column_schema": column_schema(table_schema(table)),
            "table_version": table.version(),
            "uri": lake.at(mart.key),
        },
        check_results=[
            dg.AssetCheckResult(passed=written == rows, check_name=SAME_ROWS, metadata={"mart": rows, "gold": written}),
            watched,
        ],
    )


def _publish(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    mart: _Published,
    days: tuple[date, date] | None,
    run_id: str,
) -> int:
    """Replace the days, or everything, in the lake; returns the rows that the mart has there."""
    connection.execute("set TimeZone = 'UTC'")
    schema = connection.sql(f"from {mart.relation} limit 0").to_arrow_table().schema
    partition_by = (mart.column,) if mart.column else ()
    lake.create(mart.key, schema, partition_by=partition_by, description=f"Published copy of {mart.relation}.")
    total = 0
    for part, rows in _chunks(connection, mart, days) if days else [(None, _count(connection, mart))]:
        reader = connection.sql(f"from {mart.relation} where {mart.where(part)} order by all").to_arrow_reader(100_000)
        table, metadata = lake.open(mart.key), {"run_id": run_id}
        if mart.column and part:
            replace_range(table, reader, mart.column, part[0], part[1] + timedelta(days=1), metadata=metadata)
        else:
            replace_all(table, reader, metadata=metadata)
        total += rows
    return total


def _count(connection: duckdb.DuckDBPyConnection, mart: _Published) -> int:
    return int(connection.execute(f"select count(*) from {mart.relation}").fetchall()[0][0])


def _chunks(
    connection: duckdb.DuckDBPyConnection, mart: _Published, days: tuple[date, date]
) -> Iterator[tuple[tuple[date, date], int]]:
    """Cut the days into contiguous ranges of bounded rows, so that memory does not follow the length of a backfill."""
    query = f"select {mart.column}, count(*) from {mart.relation} where {mart.where(days)} group by 1"
    counted = dict(connection.execute(query).fetchall())
    first, rows = days[0], 0
    for offset in range((days[1] - days[0]).days + 1):
        day = days[0] + timedelta(days=offset)
        if rows and rows + counted.get(day, 0) > MAX_ROWS_PER_COMMIT:
            yield (first, day - timedelta(days=1)), rows
            first, rows = day, 0
        rows += counted.get(day, 0)
    yield (first, days[1]), rows
