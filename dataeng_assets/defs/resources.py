"""The resources of the current environment."""

import dagster as dg
from dagster_duckdb import DuckDBResource

from dataeng_assets.orchestration.dbt import dbt_project, dbt_resource
from dataeng_assets.orchestration.lake_io import LakeIOManager
from dataeng_assets.settings import Settings


@dg.definitions
def resources() -> dg.Definitions:
    """Lake, warehouse and dbt, where the settings say they are."""
    settings = Settings.load()
    return dg.Definitions(
        resources={
            "io_manager": LakeIOManager(),
            "duckdb": DuckDBResource(
                database=str(settings.warehouse_file), connection_config={"access_mode": "READ_ONLY"}
            ),
            "dbt": dbt_resource(dbt_project()),
        }
    )
