"""The files that a generated project carries for its extraction: configuration, statements, checks, models, modules.

The modules themselves are in `carried`; they are copied as they stand. What calls them belongs in the kinds.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from dataeng_assets.contracts.errors import TypeRefused
from dataeng_assets.contracts.model import Column
from dataeng_assets.contracts.types import postgres_type
from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.generate.extraction.described import destination_module
from dataeng_assets.generate.extraction.kept import kept
from dataeng_assets.generate.extraction.topics import refuse_topics, topic_config
from dataeng_assets.generate.pipeline import Pipeline, Table
from dataeng_assets.generate.promises import head
from dataeng_assets.generate.request import Destination, RequestRefused, Source
from dataeng_assets.generate.streaming.events import events
from dataeng_assets.generate.warehouse.checks import checks
from dataeng_assets.generate.warehouse.models import models
from dataeng_assets.generate.warehouse.records import RecordLoad
from dataeng_assets.generate.warehouse.statements import Load

_CARRIED = Path(__file__).parent / "carried"
_ALWAYS = ("__init__", "config", "destination", "errors", "notify", "progress", "staging", "steps", "types")
_OF_SOURCE = {
    Source.POSTGRES: ("from_postgres", "plan", "postgres_snapshot"),
    Source.KAFKA: ("decoded", "from_kafka", "kafka_topic", "ranges"),
}
_DRIVERS = {
    Source.POSTGRES: ("psycopg[binary]>=3.3",),
    Source.KAFKA: ("confluent-kafka>=2.10",),
    Destination.DUCKDB: ("duckdb>=1.4",),
    Destination.DELTA: ("deltalake>=1.6", "duckdb>=1.4"),
    Destination.POSTGRES: ("psycopg[binary]>=3.3",),
    Destination.SNOWFLAKE: ("snowflake-connector-python>=4",),
    Destination.BIGQUERY: ("google-cloud-bigquery>=3.30",),
    Destination.REDSHIFT: ("redshift_connector>=2.1",),
    Destination.DATABRICKS: ("databricks-sql-connector>=4",),
}


def folder_of(pipeline: Pipeline) -> PurePosixPath:
    """The folder beside the pipeline file that holds everything else."""
    return PurePosixPath(f"{pipeline.request.name}_project")


def project_files(pipeline: Pipeline) -> dict[PurePosixPath, str]:
    """All files of the project that do not depend on the orchestrator.

    Raises:
        RequestRefused: a table has no key, so nothing says which row is which.
    """
    if pipeline.request.source is Source.KAFKA:
        refuse_topics(pipeline)
    for table in pipeline.tables:
        # a record is known by its offset
        if not table.contract.key and table.schema:
            raise RequestRefused(
                f"The contract of {table.name} names no key, so a row could not be merged. Mark its primaryKey in the "
                f"contract, or leave the table out with --tables."
            )
    folder, made = folder_of(pipeline), dict[PurePosixPath, str]()
    made[folder / "__init__.py"] = f'"""What the pipeline {pipeline.request.name} is made of."""\n'
    made[folder / "extraction.yaml"] = head(pipeline.request, kept(pipeline)) + yaml_text(_config(pipeline))
    for name in carried_modules(pipeline):
        made[folder / "extraction" / f"{name}.py"] = (_CARRIED / f"{name}.py").read_text(encoding="utf-8")
    for table in pipeline.tables:
        made[folder / "contracts" / f"{table.name}.yaml"] = table.document
        for name, text in _statements(pipeline, table).items():
            made[folder / "sql" / table.name / f"{name}.sql"] = text
        found = checks(table, pipeline.tables, pipeline.source_name, pipeline.request.destination)
        for name, text in found.statements.items():
            made[folder / "checks" / table.name / f"{name}.sql"] = text
    for name, text in models(pipeline).items():
        made[folder / "models" / f"{name}.sql"] = text
    return made


def carried_modules(pipeline: Pipeline) -> list[str]:
    """Names of the modules that a project of this source and destination needs."""
    request = pipeline.request
    modules = {*_ALWAYS, *_OF_SOURCE[request.source], f"to_{request.destination}", destination_module(pipeline)}
    return sorted(modules)


def requirements(pipeline: Pipeline) -> list[str]:
    """What the modules import beside Python, as pip takes it."""
    request = pipeline.request
    drivers = (*_DRIVERS[request.source], *_DRIVERS[request.destination])
    return sorted({*drivers, "apprise>=1.9", "pyarrow>=20", "PyYAML>=6"})


def left_out(pipeline: Pipeline) -> dict[str, tuple[str, ...]]:
    """The rules of each contract that the project does not check, where there are any."""
    request = pipeline.request
    found = {
        table.name: checks(table, pipeline.tables, pipeline.source_name, request.destination).left_out
        for table in pipeline.tables
    }
    return {table: rules for table, rules in found.items() if rules}


def _statements(pipeline: Pipeline, table: Table) -> Mapping[str, str]:
    if pipeline.request.destination is Destination.DELTA:
        return {}
    if pipeline.request.source is Source.KAFKA:
        return RecordLoad(table, pipeline.source_name, pipeline.request.destination).statements()
    return Load(table, pipeline.source_name, pipeline.request.destination).statements()


def _config(pipeline: Pipeline) -> dict[str, Any]:
    if pipeline.request.source is Source.KAFKA:
        tables = {event.name: topic_config(event) for event in events(pipeline)}
    else:
        tables = {table.name: _table(table) for table in pipeline.tables}
    return {
        "name": pipeline.request.name,
        "target_schema": pipeline.source_name,
        "tables": tables,
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "schema": table.schema,
        "mode": "incremental" if table.watermark else "full",
        "watermark": table.watermark,
        "key": list(table.contract.key),
        "columns": [_column(column) for column in table.contract.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    said: dict[str, Any] = {"name": column.name, "type": column.type.kind}
    if not column.nullable:
        said["required"] = True
    if _is_enum(column):
        said["enum"] = True
    return said


def _is_enum(column: Column) -> bool:
    """Whether its type is one that the source declares; the others stand in the type table."""
    try:
        return postgres_type(column.type.kind).kind != column.type.kind
    except TypeRefused:
        return True
