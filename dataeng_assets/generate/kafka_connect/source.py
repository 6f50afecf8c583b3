"""The connector that reads a Postgres database's log of changes: Debezium's, for Connect 4.

Debezium documents each option in its reference of the PostgreSQL connector.
"""

from collections.abc import Mapping

from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.streaming.topics import Topic

HEARTBEAT = "debezium_heartbeat"
_COMPACTED = (("cleanup.policy", "compact"), ("min.insync.replicas", "2"))


def source_topics(pipeline: Pipeline) -> tuple[Topic, ...]:
    """One compacted topic for each table, so that it keeps the newest state of each key; and that of the heartbeats."""
    prefix = pipeline.request.name
    tables = [Topic(f"{prefix}.{table.schema}.{table.name}", 6, configs=_COMPACTED) for table in pipeline.tables]
    return (*tables, Topic(f"__debezium-heartbeat.{prefix}", 1), Topic(f"{prefix}_signals", 1))


def source_configuration(pipeline: Pipeline) -> Mapping[str, str]:
    """The connector's options; what differs between environments, and every secret, is a reference."""
    name, schema = pipeline.request.name, pipeline.tables[0].schema
    beat = (
        f'INSERT INTO "{schema}"."{HEARTBEAT}" (id, beat) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET beat = now()'
    )
    return {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "tasks.max": "1",
        "database.hostname": "${env:POSTGRES_HOST}",
        "database.port": "${env:POSTGRES_PORT}",
        "database.dbname": "${env:POSTGRES_DATABASE}",
        "database.user": "${env:POSTGRES_USER}",
        "database.password": "${env:POSTGRES_PASSWORD}",
        "database.sslmode": "verify-full",
        "database.sslrootcert": "${env:POSTGRES_CA_FILE}",
        "plugin.name": "pgoutput",
        "slot.name": name,
        # the publication is made by grants.sql: the connector's user need not own the tables
        "publication.name": name,
        "publication.autocreate.mode": "disabled",
        "table.include.list": ",".join(f"{table.schema}\\.{table.name}" for table in pipeline.tables),
        "topic.prefix": name,
        # the first start reads the tables; a lost slot is an error afterwards, and no second reading in silence
        "snapshot.mode": "initial",
        "snapshot.isolation.mode": "repeatable_read",
        "snapshot.fetch.size": "10000",
        "signal.enabled.channels": "kafka",
        "signal.kafka.topic": f"{name}_signals",
        "signal.kafka.bootstrap.servers": "${env:KAFKA_BOOTSTRAP}",
        **{f"signal.consumer.{option}": value for option, value in _SECURITY.items()},
        # without them the slot of a quiet table keeps the database's log until the disk is full
        "heartbeat.interval.ms": "10000",
        "heartbeat.action.query": beat,
        # exact values only: a decimal and an interval as their text, bytes in base64
        "decimal.handling.mode": "string",
        "interval.handling.mode": "string",
        "hstore.handling.mode": "json",
        "binary.handling.mode": "base64",
        "time.precision.mode": "isostring",
        "tombstones.on.delete": "true",
        "max.batch.size": "2048",
        "max.queue.size": "8192",
        "max.queue.size.in.bytes": "67108864",
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "false",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "exactly.once.support": "required",
        "transaction.boundary": "poll",
        # a change that cannot be written stops the connector: passing over it would lose it
        "errors.tolerance": "none",
        "errors.retry.timeout": "300000",
        "errors.log.enable": "true",
        "errors.log.include.messages": "false",
    }


_SECURITY = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="${env:KAFKA_USERNAME}" password="${env:KAFKA_PASSWORD}";'
    ),
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": "${env:KAFKA_CA_FILE}",
}
