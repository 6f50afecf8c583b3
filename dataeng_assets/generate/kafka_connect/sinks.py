"""The connectors that write topics elsewhere: Iceberg's own, Snowflake's, and that for BigQuery's Storage Write API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.request import Destination, RequestRefused
from dataeng_assets.generate.streaming.events import Event


@dataclass(frozen=True)
class Sink:
    """What a destination asks of its connector.

    Attributes:
        package: where the connector comes from.
        is_exactly_once: whether it writes each record once over a crash.
        options: its own, with references for what differs between environments.
        variables: what those references are to hold.
    """

    package: str
    is_exactly_once: bool
    options: Mapping[str, str]
    variables: Mapping[str, str]


SINKS: Mapping[Destination, Sink] = {
    Destination.ICEBERG: Sink(
        package="Iceberg's own, `iceberg-kafka-connect-runtime`, from a build of Apache Iceberg 1.11",
        is_exactly_once=True,
        options={
            "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
            "iceberg.catalog.type": "rest",
            "iceberg.catalog.uri": "${env:CATALOG_URI}",
            "iceberg.catalog.credential": "${env:CATALOG_CREDENTIAL}",
            "iceberg.catalog.warehouse": "${env:CATALOG_WAREHOUSE}",
            "iceberg.control.commit.interval-ms": "60000",
            # tables and their types are made by tables.sql: nothing is guessed from a record
            "iceberg.tables.auto-create-enabled": "false",
            "iceberg.tables.evolve-schema-enabled": "false",
        },
        variables={
            "CATALOG_URI": "address of the REST catalog",
            "CATALOG_CREDENTIAL": "its client's id and secret",
            "CATALOG_WAREHOUSE": "name of the warehouse",
            "NAMESPACE": "where the tables are",
        },
    ),
    Destination.SNOWFLAKE: Sink(
        package="Snowflake's own, `com.snowflake:snowflake-kafka-connector:4`, by Snowpipe Streaming",
        is_exactly_once=True,
        options={
            "connector.class": "com.snowflake.kafka.connector.SnowflakeStreamingSinkConnector",
            "snowflake.url.name": "${env:SNOWFLAKE_URL}",
            "snowflake.user.name": "${env:SNOWFLAKE_USER}",
            "snowflake.private.key": "${env:SNOWFLAKE_PRIVATE_KEY}",
            "snowflake.private.key.passphrase": "${env:SNOWFLAKE_PRIVATE_KEY_PASSPHRASE}",
            "snowflake.role.name": "${env:SNOWFLAKE_ROLE}",
            "snowflake.database.name": "${env:SNOWFLAKE_DATABASE}",
            "snowflake.schema.name": "${env:SNOWFLAKE_SCHEMA}",
        },
        variables={
            "SNOWFLAKE_URL": "address of the account",
            "SNOWFLAKE_USER": "a user of type SERVICE with a key pair",
            "SNOWFLAKE_PRIVATE_KEY": "its private key without header, footer and line breaks",
            "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": "of that key",
            "SNOWFLAKE_ROLE": "the role of tables.sql",
            "SNOWFLAKE_DATABASE": "where the tables are",
            "SNOWFLAKE_SCHEMA": "where the tables are",
        },
    ),
    Destination.BIGQUERY: Sink(
        package="the BigQuery connector 2.6 or later that Aiven and Confluent keep up, `kcbq-connector`",
        is_exactly_once=False,
        options={
            "connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector",
            "project": "${env:BIGQUERY_PROJECT}",
            "defaultDataset": "${env:BIGQUERY_DATASET}",
            "keySource": "APPLICATION_DEFAULT",
            "useStorageWriteApi": "true",
            "autoCreateTables": "false",
            "allowNewBigQueryFields": "false",
            "kafkaDataFieldName": "kafka",
        },
        variables={
            "BIGQUERY_PROJECT": "where the data set is",
            "BIGQUERY_DATASET": "where the tables are",
            "GOOGLE_APPLICATION_CREDENTIALS": "a file, only where the machine has no identity of its own",
        },
    ),
}


def sink_configuration(pipeline: Pipeline, events: Sequence[Event]) -> Mapping[str, str]:
    """The connector's options.

    Raises:
        RequestRefused: there are several topics, and the connector takes one.
    """
    name, destination = pipeline.request.name, pipeline.request.destination
    return {
        **SINKS[destination].options,
        **_tables(destination, name, events),
        "tasks.max": str(max(event.partitions for event in events)),
        "topics": ",".join(event.name for event in events),
        "consumer.override.isolation.level": "read_committed",
        "consumer.override.auto.offset.reset": "earliest",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"{name}_dead_letters",
        "errors.deadletterqueue.topic.replication.factor": "3",
        "errors.deadletterqueue.context.headers.enable": "true",
        "errors.retry.timeout": "300000",
        "errors.log.enable": "true",
        # a record may hold what tells who a person is
        "errors.log.include.messages": "false",
    }


def _tables(destination: Destination, name: str, events: Sequence[Event]) -> Mapping[str, str]:
    """How the tables are named to a connector."""
    if destination is Destination.ICEBERG:
        if len(events) > 1:
            names = ", ".join(event.name for event in events)
            raise RequestRefused(f"Iceberg's connector writes one topic, and these are several: {names}. Use --tables.")
        return {"iceberg.tables": f"${{env:NAMESPACE}}.{events[0].name}", "iceberg.control.topic": f"{name}_control"}
    if destination is Destination.SNOWFLAKE:
        return {"snowflake.topic2table.map": ",".join(f"{event.name}:{event.name.upper()}" for event in events)}
    return {}
