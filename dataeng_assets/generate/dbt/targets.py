"""Where a dbt project builds: its adapter, its profile with variables in the place of secrets, and its project file."""

from collections.abc import Mapping
from typing import Any

from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.request import Destination

_FIELDS: Mapping[Destination, Mapping[str, str]] = {
    Destination.DUCKDB: {"path": "WAREHOUSE_PATH"},
    Destination.DELTA: {"address": "LAKE_PATH"},
    Destination.POSTGRES: {
        "host": "WAREHOUSE_HOST", "port": "WAREHOUSE_PORT", "user": "WAREHOUSE_USER", "password": "WAREHOUSE_PASSWORD",
        "dbname": "WAREHOUSE_DATABASE",
    },
    Destination.SNOWFLAKE: {
        "account": "SNOWFLAKE_ACCOUNT", "user": "SNOWFLAKE_USER", "private_key_path": "SNOWFLAKE_PRIVATE_KEY_PATH",
        "private_key_passphrase": "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "role": "SNOWFLAKE_ROLE",
        "warehouse": "SNOWFLAKE_WAREHOUSE", "database": "SNOWFLAKE_DATABASE",
    },
    Destination.BIGQUERY: {"project": "BIGQUERY_PROJECT", "location": "BIGQUERY_LOCATION"},
    Destination.REDSHIFT: {
        "host": "REDSHIFT_HOST", "user": "REDSHIFT_USER", "cluster_id": "REDSHIFT_CLUSTER", "region": "REDSHIFT_REGION",
        "dbname": "REDSHIFT_DATABASE",
    },
    Destination.DATABRICKS: {
        "host": "DATABRICKS_HOST", "http_path": "DATABRICKS_HTTP_PATH", "client_id": "DATABRICKS_CLIENT_ID",
        "client_secret": "DATABRICKS_CLIENT_SECRET", "catalog": "DATABRICKS_CATALOG",
    },
}  # fmt: skip
"""The variable for each field of a profile that differs by environment or is secret."""
_FIXED: Mapping[Destination, Mapping[str, Any]] = {
    Destination.DUCKDB: {"threads": 1, "settings": {"TimeZone": "UTC"}},
    # one thread: a model is written on a cursor of its own, and the next one reads it
    Destination.DELTA: {"threads": 1, "settings": {"TimeZone": "UTC"}},
    Destination.POSTGRES: {"threads": 4, "sslmode": "{{ env_var('WAREHOUSE_SSLMODE', 'verify-full') }}"},
    Destination.SNOWFLAKE: {"threads": 8, "query_tag": "dbt"},
    # with the credentials of whoever runs it: a service account's key is a secret that lies in a file
    Destination.BIGQUERY: {"threads": 8, "method": "oauth", "job_execution_timeout_seconds": 3600},
    # a password for a quarter of an hour, given by AWS
    Destination.REDSHIFT: {"threads": 4, "method": "iam", "port": 5439, "sslmode": "verify-full"},
    Destination.DATABRICKS: {"threads": 8, "auth_type": "oauth"},
}
_VERSIONS: Mapping[Destination, str] = {
    Destination.DUCKDB: "dbt-duckdb>=1.10,<2",
    Destination.DELTA: "dbt-duckdb>=1.11,<2\ndeltalake>=1.6\nduckdb>=2,<3\npyarrow>=20",
    Destination.POSTGRES: "dbt-postgres>=1.9,<2",
    Destination.SNOWFLAKE: "dbt-snowflake>=1.10,<2",
    Destination.BIGQUERY: "dbt-bigquery>=1.10,<2",
    Destination.REDSHIFT: "dbt-redshift>=1.9,<2",
    Destination.DATABRICKS: "dbt-databricks>=1.10,<2",
}


def variables(destination: Destination) -> tuple[str, ...]:
    """The variables that a profile reads."""
    return tuple(_FIELDS[destination].values())


def requirements(destination: Destination) -> str:
    """What is to be installed."""
    return f"dbt-core>=1.10,<1.12\n{_VERSIONS[destination]}\n"


def profile(pipeline: Pipeline) -> str:
    """The profile; what is secret or differs by environment is a variable."""
    destination = pipeline.request.destination
    fields = {name: f"{{{{ env_var('{variable}') }}}}" for name, variable in _FIELDS[destination].items()}
    if "port" in fields:
        fields["port"] = "{{ env_var('WAREHOUSE_PORT', '5432') | as_number }}"
    schema = "dataset" if destination is Destination.BIGQUERY else "schema"
    output = {"type": destination.value, **fields, schema: "marts", **_FIXED[destination]}
    if destination is Destination.DELTA:
        output |= _over_delta(pipeline.source_name, output.pop("address"))
    text = yaml_text({pipeline.source_name: {"target": "warehouse", "outputs": {"warehouse": output}}})
    return f"# No secret stands here: each value is read from the environment when dbt starts.\n{text}"


def _over_delta(source: str, address: str) -> dict[str, Any]:
    """DuckDB, with the plugin that the project carries; its file holds views only, and may be deleted at any time."""
    plugin = {
        "module": "delta_lake.plugin",
        "alias": "delta_lake",
        "config": {"address": address, "schemas": [source, "marts", "snapshots"]},
    }
    return {"type": "duckdb", "path": "workspace.duckdb", "module_paths": ["."], "plugins": [plugin]}


def project(pipeline: Pipeline) -> dict[str, Any]:
    """The project file."""
    request, name = pipeline.request, f"{pipeline.source_name}_warehouse"
    layers = {
        "staging": {"+schema": "staging", "+materialized": "view"},
        "marts": {
            "+schema": "marts",
            "+materialized": "delta" if request.destination is Destination.DELTA else "table",
        },
    }
    return {
        "name": name,
        "profile": pipeline.source_name,
        "config-version": 2,
        "require-dbt-version": [">=1.10.0", "<1.12.0"],
        "model-paths": ["models"],
        "macro-paths": ["macros"],
        "snapshot-paths": ["snapshots"],
        "flags": {"send_anonymous_usage_stats": False},
        "models": {
            name: {
                "+contract": {"enforced": True},
                "+tags": list(request.tags),
                "+meta": {"owner": request.owner},
                **layers,
            }
        },
    }
