"""What runs when, on one page.

Schedules and stream sensors pull: they ask for bronze only. The ledger pushes: it asks for everything after bronze,
where something has changed, and for nothing where nothing has. What users hang on gold follows its inputs.
The sensor of each topic stands with its component.
"""

from collections.abc import Iterator

import dagster as dg

from dataeng_assets.orchestration.batch import batch_days
from dataeng_assets.orchestration.in_flight import default_sensor_status
from dataeng_assets.orchestration.ledger.sensor import requests
from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.settings import Settings

IS_LOCAL = Settings.load().is_local

warehouse = dg.define_asset_job(
    "warehouse",
    selection=dg.AssetSelection.tag("layer", "staging")
    | dg.AssetSelection.tag("layer", "marts")
    | dg.AssetSelection.tag("layer", "gold"),
    description="Rebuilds models and what is published of them, for the days of the run.",
    # its steps wait for one another in the pool of the warehouse: processes of their own would only start slowly
    executor_def=dg.in_process_executor,
)


@dg.schedule(
    job_name="extract_shop",
    cron_schedule="*/15 * * * *" if IS_LOCAL else "0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING if IS_LOCAL else dg.DefaultScheduleStatus.STOPPED,
    description="Asks for yesterday and today as one range: re-reads yesterday, then follows.",
)
def batch() -> dg.RunRequest:
    """One run for the two newest days; the first one asks for all days."""
    return dg.RunRequest(tags=range_tags(*batch_days("shop")))


@dg.sensor(
    name="change_ledger",
    job=warehouse,
    minimum_interval_seconds=15,
    default_status=default_sensor_status(IS_LOCAL),
    description="Covers new versions of bronze, and asks for the days that they touched.",
)
def change_ledger(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """At most three runs, none while one is under way."""
    yield from requests(context.instance)


follow_gold = dg.AutomationConditionSensorDefinition(
    "follow_gold",
    target=dg.AssetSelection.groups("gold"),
    default_status=default_sensor_status(IS_LOCAL),
    description="Runs what users hang on gold.",
)
