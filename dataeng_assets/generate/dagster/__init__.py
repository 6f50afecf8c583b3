"""A source of this platform: `defs.yaml` and contracts, the dbt models over them, and what to do next."""

import re
from pathlib import PurePosixPath
from typing import Any

from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.generate.dagster.models import mart_name, staging_name, table_models
from dataeng_assets.generate.matrix import Refusal, Row, Standing
from dataeng_assets.generate.pipeline import Generated, Pipeline, Table
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Mode, Source
from dataeng_assets.generate.shape import Role, Shaped

_TRIED = "tests/own_project/test_generated_source.py"
ROWS = (
    Row(
        (Source.POSTGRES,),
        (Destination.DELTA, Destination.DUCKDB),
        (Mode.INCREMENTAL, Mode.FULL),
        Standing.EXECUTED,
        f"{_TRIED}::test_what_was_generated_is_materialized",
    ),
    Row(
        (Source.KAFKA,),
        (Destination.DELTA, Destination.DUCKDB),
        (Mode.STREAMING,),
        Standing.EXECUTED,
        f"{_TRIED}::test_what_was_generated_is_materialized",
    ),
)
_ELSEWHERE = (one for one in Destination if one not in (Destination.DELTA, Destination.DUCKDB))
REFUSALS = (
    Refusal("the platform does not read the database's log of changes yet", mode=Mode.CHANGES),
    *(Refusal("the platform writes Delta and models it in DuckDB", destination=one) for one in _ELSEWHERE),
    Refusal("a topic is read as a stream, from where its table ends", source=Source.KAFKA),
    Refusal("the platform reads Postgres in batches", source=Source.POSTGRES),
    Refusal("the platform reads Postgres and Kafka"),
)
_POLICY = "the platform has one policy for all of its runs (docs/how-to/be-told.md, dataeng_assets/defs/automation.py)"
UNTAKEN = {
    "retries": _POLICY,
    "retry-delay": _POLICY,
    "timeout": _POLICY,
    "email-on-failure": f"{_POLICY}; who is told stands in DATAENG_NOTIFY, such as mailto://…",
    "notify": f"{_POLICY}; who is told stands in DATAENG_NOTIFY",
    "catchup": "the first run asks for every day since DATAENG_FIRST_DAY by itself",
}
_BATCH = (
    Promise.ONE_SNAPSHOT,
    Promise.LATE_COMMITS,
    Promise.PROVED_DELIVERY,
    Promise.NO_SILENT_CASTS,
    Promise.IDEMPOTENT,
    Promise.BOUNDED_MEMORY,
    Promise.NO_SECRETS,
)
_STREAM = (
    Promise.EXACTLY_ONCE,
    Promise.NOTHING_DROPPED,
    Promise.NO_SILENT_CASTS,
    Promise.IDEMPOTENT,
    Promise.BOUNDED_MEMORY,
    Promise.NO_SECRETS,
)
_WINDOWS = ("event_type", "user_id")


def files(pipeline: Pipeline) -> Generated:
    """The source's folder, and the models over it, by their places in the project."""
    folder = PurePosixPath("dataeng_assets", "defs", pipeline.source_name)
    main = folder / "defs.yaml"
    made = {main: _declaration(pipeline), folder / "README.md": _readme(pipeline)}
    for table in pipeline.tables:
        made[folder / "contracts" / f"{table.name}.yaml"] = table.document
        made |= table_models(Shaped(table, pipeline.source_name))
    return Generated(main, made)


def kept(pipeline: Pipeline) -> dict[Promise, str]:
    """The promises that a source could keep, and why it does not keep some."""
    if pipeline.request.mode is Mode.STREAMING:
        return dict.fromkeys(_STREAM, "")
    by_watermark = [table.name for table in pipeline.tables if table.mode is Mode.INCREMENTAL]
    unseen = f"Not in {', '.join(by_watermark)}, which are read by a watermark: a row that is gone has none."
    return {**dict.fromkeys(_BATCH, ""), Promise.DELETES: unseen if by_watermark else ""}


def _declaration(pipeline: Pipeline) -> str:
    if pipeline.declaration:
        return _scheduled(pipeline)
    if pipeline.request.mode is Mode.STREAMING:
        component, attributes = "KafkaTopicComponent", _topic(pipeline)
    else:
        component, attributes = "PostgresTablesComponent", _tables(pipeline)
    said = {"type": f"dataeng_assets.components.{component}", "attributes": attributes}
    return head(pipeline.request, kept(pipeline)) + yaml_text(said)


def _scheduled(pipeline: Pipeline) -> str:
    """The declaration that is there, with the schedule that was asked for."""
    if "schedule" not in dict(pipeline.request.said):
        return pipeline.declaration
    line = f'  schedule: "{pipeline.request.schedule}"\n'
    without = re.sub(r"^  schedule:.*\n", "", pipeline.declaration, flags=re.MULTILINE)
    return re.sub(r"^attributes:\n", f"attributes:\n{line}", without, flags=re.MULTILINE)


def _tables(pipeline: Pipeline) -> dict[str, Any]:
    request = pipeline.request
    watermarks = [table.watermark for table in pipeline.tables if table.watermark]
    common = max(sorted(set(watermarks)), key=watermarks.count, default=None)
    own = {
        table.name: {"watermark": table.watermark} if table.watermark else {"mode": "full"}
        for table in pipeline.tables
        if table.watermark != common or common is None
    }
    said: dict[str, Any] = {
        "source": pipeline.source_name,
        "url_variable": pipeline.address_variable,
        "db_schema": pipeline.tables[0].schema,
        "schedule": request.schedule if "schedule" in dict(request.said) else None,
        "watermark": common,
        "tables": own,
    }
    return {name: value for name, value in said.items() if value}


def _topic(pipeline: Pipeline) -> dict[str, Any]:
    contract = pipeline.tables[0].contract
    names = {column.name for column in contract.columns}
    return {
        "topic": contract.name,
        "domain": contract.domain,
        "bootstrap_variable": pipeline.address_variable,
        "window_minutes": 5 if names.issuperset(_WINDOWS) else 0,
    }


def _readme(pipeline: Pipeline) -> str:
    request, promises = pipeline.request, kept(pipeline)
    is_stream = request.mode is Mode.STREAMING
    origin = f"Topics of {pipeline.source_name}" if is_stream else f"Tables of {pipeline.tables[0].schema}"
    stream = pipeline.tables[0].name
    runs = (
        f"the sensor `{stream}_lag` asks for a run when there are new events."
        if is_stream
        else f"the schedule `batch_{pipeline.source_name}`, {request.schedule} UTC outside of the local environment."
    )
    return render(
        "dagster/templates/README.md.j2",
        source=pipeline.source_name,
        origin=f"{origin}, copied to Delta and modelled in the warehouse. Answers for it: {request.owner}.",
        what="topic" if is_stream else "table",
        rows=[_row(table, pipeline.source_name) for table in pipeline.tables],
        holds=[promise for promise, reason in promises.items() if not reason],
        fails=[(promise, reason) for promise, reason in promises.items() if reason],
        variable=pipeline.address_variable,
        job=f"stream_{stream}" if is_stream else f"extract_{pipeline.source_name}",
        runs=runs,
        policy="Retries, timeouts, failure mail and the notice of success are the platform's: `DATAENG_NOTIFY` says "
        "who is told.",
        command=request.command,
    )


def _row(table: Table, source: str) -> dict[str, str]:
    shaped = Shaped(table, source)
    read = "as a stream" if table.mode is Mode.STREAMING else f"by {table.watermark}" if table.watermark else "whole"
    mart = f", `{mart_name(shaped)}`" if shaped.role is not Role.STAGED else ""
    return {"name": table.name, "read": read, "models": f"`{staging_name(shaped)}`{mart}"}
