"""An asset of your own: take lazy frames, return a frame. Copy it and change it."""

import dagster as dg
import polars as pl

from dataeng_assets.orchestration.conditions import follows_its_inputs
from dataeng_assets.orchestration.partitions import daily


@dg.asset(
    key=["gold", "daily_order_status"],
    ins={"orders": dg.AssetIn(["gold", "fct_orders"])},
    partitions_def=daily(),
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=follows_its_inputs(),
    metadata={"partition_column": "order_day"},
    group_name="gold",
    owners=["team:data"],
    kinds={"polars", "deltalake"},
    tags={"layer": "gold"},
)
def daily_order_status(orders: pl.LazyFrame) -> pl.LazyFrame:
    """How many orders of each day are in which state."""
    return orders.group_by("order_day", "order_status").agg(pl.len().alias("orders")).sort("order_day", "order_status")


@dg.asset_check(asset=daily_order_status, description="No day counts a state twice.")
def one_row_per_day_and_status(daily_order_status: pl.LazyFrame) -> dg.AssetCheckResult:
    """Whether day and state identify a row."""
    repeated = daily_order_status.group_by("order_day", "order_status").len().filter(pl.col("len") > 1).collect()
    return dg.AssetCheckResult(passed=repeated.is_empty(), metadata={"repeated": repeated.height})
