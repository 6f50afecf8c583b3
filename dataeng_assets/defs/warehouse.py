"""The warehouse: dbt models, one asset function for each partitioning, and what is published of them."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from dataeng_assets.orchestration import warehouse
from dataeng_assets.orchestration.dbt import Translator, build, dbt_project, manifest
from dataeng_assets.orchestration.gold import published
from dataeng_assets.orchestration.partitions import daily


@dbt_assets(
    manifest=dbt_project().manifest_path,
    project=dbt_project(),
    select="tag:undated",
    name="dbt_undated",
    dagster_dbt_translator=Translator(),
    pool=warehouse.POOL,
)
def dbt_undated(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Staging views and dimensions."""
    yield from build(context, dbt, is_daily=False)


@dbt_assets(
    manifest=dbt_project().manifest_path,
    project=dbt_project(),
    select="tag:daily",
    name="dbt_daily",
    dagster_dbt_translator=Translator(),
    partitions_def=daily(),
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool=warehouse.POOL,
)
def dbt_daily(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Facts and aggregates, by day."""
    yield from build(context, dbt, is_daily=True)


gold = published(manifest())
