"""What runs when, on one page.

Schedules and stream sensors pull: they ask for bronze only. The ledger pushes: it asks for everything after bronze,
where something has changed, and for nothing where nothing has. What users hang on gold follows its inputs.
What is unusual in a stream is looked for once a day. The sensor of each topic stands with its component.
"""

from collections.abc import Iterator

import dagster as dg

from dataeng_assets.components import KafkaTopicComponent, PostgresTablesComponent
from dataeng_assets.orchestration.batch import batch_days
from dataeng_assets.orchestration.in_flight import default_sensor_status
from dataeng_assets.orchestration.ledger.sensor import requests
from dataeng_assets.orchestration.notifier import tick
from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.settings import Settings

IS_LOCAL = Settings.load().is_local
SCHEDULES = dg.DefaultScheduleStatus.RUNNING if IS_LOCAL else dg.DefaultScheduleStatus.STOPPED
SENSORS = default_sensor_status(IS_LOCAL)
# a first copy of a large source, a rebuild of all days; a run whose process is gone is ended long before
FOUR_HOURS = {"dagster/max_runtime": "14400"}


def batch(source: str, cron: str) -> dg.ScheduleDefinition:
    """One run of a Postgres source for the two newest days; the first one asks for all days."""

    @dg.schedule(
        name=f"batch_{source}",
        job_name=f"extract_{source}",
        cron_schedule=cron or ("*/15 * * * *" if IS_LOCAL else "0 5 * * *"),
        execution_timezone="UTC",
        default_status=SCHEDULES,
        description="Asks for yesterday and today as one range: re-reads yesterday, then follows.",
    )
    def newest_days() -> dg.RunRequest:
        return dg.RunRequest(tags={**range_tags(*batch_days(source)), **FOUR_HOURS})

    return newest_days


def daily_watch(stream: str) -> dg.ScheduleDefinition:
    """Once a day, soon after its end: drains are many and short, and a day that has not ended is no day to compare."""
    return dg.ScheduleDefinition(
        name=f"daily_watch_{stream}",
        job_name=f"watch_{stream}",
        cron_schedule="30 1 * * *",
        execution_timezone="UTC",
        default_status=SCHEDULES,
        description="Measures the day that has ended, and compares it with those before.",
    )


nightly_lake_upkeep = dg.ScheduleDefinition(
    name="nightly_lake_upkeep",
    job_name="lake_upkeep",
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    default_status=SCHEDULES,
    description="Merges, checkpoints and removes files of the lake.",
)

nightly_maintenance = dg.ScheduleDefinition(
    name="nightly_maintenance",
    job_name="maintenance",
    cron_schedule="30 2 * * *",
    execution_timezone="UTC",
    default_status=SCHEDULES,
    description="Removes what nobody needs any more.",
)

daily_inventory = dg.ScheduleDefinition(
    name="daily_inventory",
    job_name="inventory",
    cron_schedule="0 6 * * *",
    execution_timezone="UTC",
    default_status=SCHEDULES,
    description="Looks for partitions that are left failed.",
)

warehouse = dg.define_asset_job(
    "warehouse",
    selection=dg.AssetSelection.tag("layer", "staging")
    | dg.AssetSelection.tag("layer", "marts")
    | dg.AssetSelection.tag("layer", "gold"),
    description="Rebuilds models and what is published of them, for the days of the run.",
    tags=FOUR_HOURS,
    # its steps wait for one another in the pool of the warehouse: processes of their own would only start slowly
    executor_def=dg.in_process_executor,
)


@dg.sensor(
    name="change_ledger",
    job=warehouse,
    minimum_interval_seconds=15,
    default_status=SENSORS,
    description="Covers new versions of bronze, and asks for the days that they touched.",
)
def change_ledger(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """At most three runs, none while one is under way."""
    yield from requests(context.instance)


follow_gold = dg.AutomationConditionSensorDefinition(
    "follow_gold",
    target=dg.AssetSelection.groups("gold"),
    default_status=SENSORS,
    description="Runs what users hang on gold.",
)


@dg.sensor(
    name="notifier",
    minimum_interval_seconds=30,
    default_status=SENSORS,
    description="Tells what failed, went stale or is over: to the log, and to the addresses in DATAENG_NOTIFY.",
)
def notifier(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Each piece of news once to each recipient."""
    return tick(context)


@dg.definitions
def automation(context: dg.ComponentLoadContext) -> dg.Definitions:
    """Everything above, with a batch for each Postgres source and a watch for each topic that is declared."""
    sources = context.component_tree.get_all_components(of_type=PostgresTablesComponent)
    topics = context.component_tree.get_all_components(of_type=KafkaTopicComponent)
    return dg.Definitions(
        jobs=[warehouse],
        schedules=[
            *(batch(component.source, component.schedule) for component in sources),
            *(daily_watch(component.stream_name) for component in topics),
            nightly_lake_upkeep,
            nightly_maintenance,
            daily_inventory,
        ],
        sensors=[change_ledger, follow_gold, notifier],
    )
