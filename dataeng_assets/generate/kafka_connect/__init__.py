"""Connectors for Kafka Connect: a Postgres database's changes into topics, and topics into tables elsewhere.

What the worker needs stands beside the connector: its configuration, the topics, and the rights of its user.
"""

import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from dataeng_assets.generate.kafka_connect.sinks import SINKS, sink_configuration
from dataeng_assets.generate.kafka_connect.source import source_configuration, source_topics
from dataeng_assets.generate.matrix import Refusal, Row, Standing
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Mode, Source
from dataeng_assets.generate.streaming.events import events
from dataeng_assets.generate.streaming.refusals import no_schedule, of_the_warehouse
from dataeng_assets.generate.streaming.sql_types import sql_type
from dataeng_assets.generate.streaming.topics import Topic, event_files, topic_files

BOOTSTRAP = "KAFKA_BOOTSTRAP"
_SHOWN_BY = "tests/generate/test_kafka_connect.py::test_each_option_is_one_that_the_connector_declares"
ROWS = (
    Row((Source.POSTGRES,), (Destination.KAFKA,), (Mode.CHANGES,), Standing.PARSED, _SHOWN_BY),
    Row(
        (Source.KAFKA,),
        (Destination.ICEBERG, Destination.SNOWFLAKE, Destination.BIGQUERY),
        (Mode.STREAMING,),
        Standing.PARSED,
        _SHOWN_BY,
    ),
)
REFUSALS = (
    Refusal(
        "a connector that asks a table for newer rows loses those that are committed late and sees no delete; the "
        "database's log of changes has both",
        source=Source.POSTGRES,
        mode=Mode.INCREMENTAL,
    ),
    Refusal("Kafka Connect brings a table into a topic first, and a topic elsewhere", source=Source.POSTGRES),
    Refusal(
        "there is no connector for Delta under a free licence that is kept up; --type spark-streaming writes it "
        "exactly once",
        destination=Destination.DELTA,
    ),
    Refusal(
        "the free connectors for JDBC take records with a schema in each, and the topics here are plain JSON; --type "
        "spark-streaming writes Postgres exactly once",
        destination=Destination.POSTGRES,
    ),
    Refusal("a DuckDB file takes one writing process, and Connect has many", destination=Destination.DUCKDB),
    Refusal(
        f"Redshift reads topics itself, by a materialized view: {of_the_warehouse(Destination.REDSHIFT)}",
        destination=Destination.REDSHIFT,
    ),
    Refusal(
        f"Databricks reads topics itself, by streaming tables: {of_the_warehouse(Destination.DATABRICKS)}; or by a job "
        "that --type spark-streaming writes",
        destination=Destination.DATABRICKS,
    ),
    Refusal("no connector of this kind was made and tried"),
)
UNTAKEN = no_schedule("a connector runs all the time, and its worker starts it again")
_SOURCE_KEPT = {
    Promise.LATE_COMMITS: "",
    Promise.DELETES: "",
    Promise.NO_SILENT_CASTS: "",
    Promise.EXACTLY_ONCE: "",
    Promise.BOUNDED_MEMORY: "",
    Promise.NO_SECRETS: "",
    Promise.ONE_SNAPSHOT: "",
    Promise.PROVED_DELIVERY: "Connect compares nothing; `dataeng verify` does, for tables of this platform.",
}
_AT_LEAST_ONCE = (
    "After a crash the connector may write a record again; the view `NAME_once` keeps one by partition and offset."
)
_FORMAT_ONLY = (
    "A record that is no JSON is in the dead letters; one that does not fit the table's types stops the connector or "
    "is in the destination's own error table."
)


def files(pipeline: Pipeline) -> Generated:
    """The connector, its worker, topics, rights and a README.

    Raises:
        RequestRefused: a topic's records are no plain JSON, or the destination takes one topic and there are several.
    """
    return _from_postgres(pipeline) if pipeline.request.source is Source.POSTGRES else _from_topics(pipeline)


def _from_postgres(pipeline: Pipeline) -> Generated:
    values = {
        "pipeline": pipeline,
        "request": pipeline.request,
        "name": pipeline.request.name,
        "head": head(pipeline.request, _SOURCE_KEPT, "--").rstrip(),
        "topics": source_topics(pipeline),
        "bootstrap_variable": BOOTSTRAP,
    }
    made = {PurePosixPath("grants.sql"): render("kafka_connect/templates/grants.sql.j2", **values)}
    made |= topic_files(pipeline, source_topics(pipeline), BOOTSTRAP)
    return _made(pipeline, source_configuration(pipeline), values, _SOURCE_KEPT, made)


def _from_topics(pipeline: Pipeline) -> Generated:
    found, request = events(pipeline), pipeline.request
    sink = SINKS[request.destination]
    kept = {
        Promise.EXACTLY_ONCE: "" if sink.is_exactly_once else _AT_LEAST_ONCE,
        Promise.NO_SILENT_CASTS: "",
        Promise.NOTHING_DROPPED: _FORMAT_ONLY,
        Promise.BOUNDED_MEMORY: "",
        Promise.NO_SECRETS: "",
    }
    letters = [Topic(f"{request.name}_dead_letters", 1)]
    control = [Topic(f"{request.name}_control", 1)] if request.destination is Destination.ICEBERG else []
    values = {
        "pipeline": pipeline,
        "request": request,
        "name": request.name,
        "head": head(request, kept, "--").rstrip(),
        "events": found,
        "sink": sink,
        "sql_type": sql_type,
        "topics": letters + control,
        "bootstrap_variable": pipeline.address_variable,
    }
    made = {PurePosixPath("tables.sql"): render(f"kafka_connect/templates/{request.destination}.sql.j2", **values)}
    made |= event_files(pipeline, found, letters + control)
    return _made(pipeline, sink_configuration(pipeline, found), values, kept, made)


def _made(
    pipeline: Pipeline,
    configuration: Mapping[str, str],
    values: Mapping[str, object],
    kept: Mapping[Promise, str],
    others: Mapping[PurePosixPath, str],
) -> Generated:
    """The files that every connector has, and the others."""
    main = PurePosixPath(f"{pipeline.request.name}.json")
    comment = head(pipeline.request, kept).rstrip()
    made = {
        # JSON has no comments: what holds stands at the head of the worker's file and in the README
        main: json.dumps(configuration, indent=2) + "\n",
        PurePosixPath("worker.properties"): render(
            "kafka_connect/templates/worker.properties.j2", **{**values, "head": comment}
        ),
        PurePosixPath("README.md"): render("kafka_connect/templates/README.md.j2", **{**values, "head": comment}),
    }
    return Generated(main, {**made, **others})
