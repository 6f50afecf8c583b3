# Written by `dataeng generate --type spark-streaming --source kafka --destination delta`.
# Change the contracts or the options and run it again.
# Holds: Each event reaches the destination exactly once.
# Holds: No value changes its type or is rounded without an error.
# Holds: Running the same window or batch again changes nothing.
# Holds: Memory follows the size of a batch and not of the table.
# Holds: No secret stands in a file; each is read from the environment or a secret store.
# Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. An event that
#   cannot be read is a dead letter, and a late one is in the table of events; but Spark leaves it out of its
#   window and only counts it, and which one is late depends on how the batches fell. One whose time is further
#   ahead of its record's than the contract allows is treated alike, so that it makes no other late.
# Does not hold: What was written is compared with what was read, before it is committed. Spark commits what its
#   tasks report; `verify.sql` compares counts with offsets.
"""Events of clicks to delta.

    spark-submit --packages "$(paste -sd, packages.txt)" stream_example.py [--once]

Addresses come from the environment and secrets never stand here; README.md names every variable.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.streaming import StreamingQuery, StreamingQueryListener
from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
)

NAME = "stream_example"
log = logging.getLogger(NAME)


@dataclass(frozen=True)
class Topic:
    """What the contract says of a topic.

    Attributes:
        fields: type by field; a field that is missing is refused when it is in `required`.
        values: the values that a field may have.
        from_record: fields that are the record's key or its own timestamp.
        event_time: the field that says when an event happened; no windows without it.
        late_after: how far behind the latest event time an event still counts in its window.
        max_ahead: an event further ahead of its record's own timestamp counts in no window and moves no watermark.
        window: length of a tumbling window.
        group_by: what windows are counted by.
    """

    name: str
    fields: Mapping[str, str]
    required: frozenset[str]
    key: Sequence[str]
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    from_record: Mapping[str, str] = field(default_factory=dict)
    event_time: str = ""
    late_after: str = ""
    max_ahead: str = ""
    window: str = ""
    group_by: Sequence[str] = ()


TOPICS = (
    Topic(
        name="clicks",
        fields={
            "click_id": "uuid",
            "user_id": "bigint",
            "event_type": "string",
            "clicked_at": "timestamp",
        },
        required=frozenset(["click_id", "event_type", "clicked_at"]),
        key=["click_id"],
        event_time="clicked_at",
        late_after="600 seconds",
        max_ahead="300 seconds",
        window="300 seconds",
        group_by=[],
    ),
)

UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
MOMENT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"
DAY = r"^\d{4}-\d\d-\d\d$"
EXACT_IN_DOUBLE = 2**53
RECORD = ["_kafka_partition", "_kafka_offset", "_kafka_timestamp"]
OF_RECORD = {"key": "key", "timestamp": RECORD[-1]}


def variable(name: str) -> str:
    """A variable of the environment.

    Raises:
        SystemExit: it is not set.
    """
    value = os.environ.get(name, "")
    if not value:
        sys.exit(f"{name} is not set; README.md says what it holds.")
    return value


def session() -> SparkSession:
    """Spark with its state in RocksDB and all times in UTC."""
    settings = {
        "spark.sql.session.timeZone": "UTC",
        # an answer of NULL where a value does not fit would be a silent cast
        "spark.sql.ansi.enabled": "true",
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
        # a checkpoint of the state holds what changed, not all of it
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        "spark.sql.streaming.metricsEnabled": "true",
        "spark.ui.prometheus.enabled": "true",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    }
    builder = SparkSession.builder.appName(NAME)
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def kafka_options() -> dict[str, str]:
    """How Kafka is reached: SASL/SCRAM or a client certificate over TLS; without encryption in a local trial only.

    The password stays a reference, which Kafka's own client resolves in the process that connects.
    """
    options = {"kafka.bootstrap.servers": variable("DATAENG_KAFKA_BOOTSTRAP")}
    protocol = os.environ.get("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    if protocol == "PLAINTEXT":
        if os.environ.get("PIPELINE_ENV") != "local":
            sys.exit("KAFKA_SECURITY_PROTOCOL=PLAINTEXT needs PIPELINE_ENV=local. Nothing was connected to.")
        return options
    options |= {
        "kafka.config.providers": "env",
        "kafka.config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
        "kafka.config.providers.env.param.allowlist.pattern": "KAFKA_.*",
        "kafka.ssl.truststore.type": "PEM",
        "kafka.ssl.truststore.location": variable("KAFKA_CA_FILE"),
    }
    if protocol == "SASL_SSL":
        mechanism = os.environ.get("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
        login = (
            "org.apache.kafka.common.security.scram.ScramLoginModule required "
            'username="${env:KAFKA_USERNAME}" password="${env:KAFKA_PASSWORD}";'
        )
        return options | {
            "kafka.security.protocol": protocol,
            "kafka.sasl.mechanism": mechanism,
            "kafka.sasl.jaas.config": login,
        }
    if protocol == "SSL":
        return options | {
            "kafka.security.protocol": protocol,
            "kafka.ssl.keystore.type": "PEM",
            "kafka.ssl.keystore.location": variable("KAFKA_KEYSTORE_FILE"),
        }
    sys.exit(f"KAFKA_SECURITY_PROTOCOL is {protocol!r}; it is SASL_SSL or SSL.")


def read(spark: SparkSession, topic: Topic) -> DataFrame:
    """The topic's records from its beginning, transactions that were rolled back aside."""
    records = (
        spark.readStream.format("kafka")
        .options(**kafka_options())
        .option("subscribe", topic.name)
        .option("startingOffsets", "earliest")
        .option("kafka.isolation.level", "read_committed")
        # records that the topic no longer holds end the query: they would be lost in silence otherwise
        .option("failOnDataLoss", "true")
        .option("maxOffsetsPerTrigger", os.environ.get("MAX_RECORDS_PER_BATCH", "1000000"))
        .load()
    )
    place = [f.col(name).alias(f"_kafka_{name}") for name in ("partition", "offset", "timestamp")]
    return records.select("key", "value", *place)


def typed(kind: str, variant: Column) -> tuple[Column, Column]:
    """A field's value in its type, and whether what the record holds is of that type: nothing is cast in silence."""
    found = f.schema_of_variant(variant)
    text = f.try_variant_get(variant, "$", "string")
    if kind == "json":
        return f.to_json(variant), f.lit(True)
    if kind == "boolean":
        return f.try_variant_get(variant, "$", "boolean"), found == "BOOLEAN"
    if kind == "bigint":
        return f.try_variant_get(variant, "$", "bigint"), found == "BIGINT"
    if kind == "double":
        value = f.try_variant_get(variant, "$", "double")
        whole = (found == "BIGINT") & (f.abs(value) <= EXACT_IN_DOUBLE)
        return value, whole | (found == "DOUBLE") | found.startswith("DECIMAL")
    if kind.startswith("decimal"):
        digits, scale = map(int, kind[len("decimal(") : -1].split(","))
        fraction = rf"(\.\d{{1,{scale}}})?" if scale else ""
        plain = rf"^-?\d{{1,{max(digits - scale, 1)}}}{fraction}$"
        exact = (found == "STRING") | (found == "BIGINT") | found.startswith("DECIMAL")
        return text.try_cast(kind), exact & text.rlike(plain)
    value, pattern = {
        "string": (text, ""),
        "uuid": (f.lower(text), UUID),
        "timestamp": (text.try_cast("timestamp"), MOMENT),
        "date": (text.try_cast("date"), DAY),
        "bytes": (f.try_to_binary(text, f.lit("base64")), ""),
    }[kind]
    return value, (found == "STRING") & (text.rlike(pattern) if pattern else f.lit(True))


def judged(records: DataFrame, topic: Topic) -> DataFrame:
    """Each record with its fields and `_reason`, which is NULL where the record keeps the contract.

    A parser of JSON ends with the first value and does not look at what follows, so a record is parsed between
    brackets of both kinds: what stands behind its value fits into one of them at most.
    """
    text = f.col("value").cast("string")
    inside = f.try_parse_json(f.concat(f.lit('{"event":'), text, f.lit("}")))
    alone = f.try_parse_json(f.concat(f.lit("["), text, f.lit("]")))
    single = alone.isNotNull() & f.try_variant_get(alone, "$[1]", "variant").isNull()
    parsed = f.when(f.is_valid_utf8(text) & single, f.try_variant_get(inside, "$.event", "map<string,variant>"))
    rows = records.withColumn("_fields", parsed)
    values, reasons = [], [f.when(f.col("_fields").isNull(), f.lit("json: no JSON object in UTF-8"))]
    for name, kind in topic.fields.items():
        if name in topic.from_record:
            value, fits = f.col(OF_RECORD[topic.from_record[name]]).cast(kind), f.lit(True)
            is_missing = value.isNull()
        else:
            variant = f.col("_fields").getItem(name)
            value, fits = typed(kind, variant)
            is_missing = variant.isNull() | f.is_variant_null(variant)
            value = f.when(~is_missing, value)
        if name in topic.required:
            reasons.append(f.when(is_missing, f.lit(f"missing: {name}")))
        reasons.append(f.when(~is_missing & (~fits | value.isNull()), f.lit(f"type: {name} is no {kind}")))
        if name in topic.values:
            reasons.append(f.when(~value.isin(*topic.values[name]), f.lit(f"values: {name} is none of the contract's")))
        values.append(value.alias(name))
    unknown = f.map_filter("_fields", lambda key, _: ~key.isin(*topic.fields))
    rescued = f.when(f.size(unknown) > 0, f.to_json(unknown)).alias("_rescued")
    return rows.select(*values, rescued, f.coalesce(*reasons).alias("_reason"), *RECORD, "key", "value")


def good(rows: DataFrame) -> DataFrame:
    """The records that keep the contract."""
    return rows.where("_reason is null").drop("_reason", "key", "value")


def dead(rows: DataFrame) -> DataFrame:
    """The others, with the reason and the bytes as they came."""
    return rows.where("_reason is not null").select(*RECORD, "_reason", "key", "value")


def too_far_ahead(topic: Topic) -> Column:
    """Whether an event's time is not to be believed: with it the watermark would make every event after it late."""
    if not topic.event_time:
        return f.lit(False)
    return f.col(topic.event_time) > f.col(RECORD[-1]) + f.expr(f"interval {topic.max_ahead}")


def counts(topic: Topic) -> list[Column]:
    """What is counted of each batch."""
    ahead = f.col("_reason").isNull() & too_far_ahead(topic)
    return [f.count("*").alias("records"), f.count("_reason").alias("dead"), f.count_if(ahead).alias("ahead")]


def windowed(rows: DataFrame, topic: Topic) -> DataFrame:
    """Events in each tumbling window, each event once by its key.

    The watermark is the state's time to live: keys and windows that lie behind it are let go.
    """
    events = rows.where(~too_far_ahead(topic)).withWatermark(topic.event_time, topic.late_after)
    if topic.key:
        events = events.dropDuplicatesWithinWatermark(list(topic.key))
    grouped = events.groupBy(f.window(topic.event_time, topic.window), *topic.group_by)
    times = [f.col("window.start").alias("window_start"), f.col("window.end").alias("window_end")]
    return grouped.agg(f.count("*").alias("records")).select(*times, *topic.group_by, "records")


def is_new(spark: SparkSession, place: str) -> bool:
    """Whether a table does not exist yet."""
    return not DeltaTable.isDeltaTable(spark, place)


def table(topic: Topic, suffix: str = "") -> str:
    """Where a table of the topic is."""
    return f"{variable('LAKE')}/{topic.name}{suffix}"


def refuse_a_lost_checkpoint(spark: SparkSession, topic: Topic, state: str) -> None:
    """Without its checkpoint the query would begin anew, and double what the tables hold.

    Raises:
        SystemExit: the checkpoint is missing and the table is not.
    """
    path = spark._jvm.org.apache.hadoop.fs.Path(f"{state}/metadata")
    has_state = path.getFileSystem(spark._jsc.hadoopConfiguration()).exists(path)
    if not has_state and not (is_new(spark, table(topic)) and is_new(spark, table(topic, "_dead_letters"))):
        sys.exit(
            f"{state} is missing while {table(topic)} holds records. Bring the checkpoint back, "
            "or move the tables away and begin anew. Nothing was written."
        )


def write(spark: SparkSession, rows: DataFrame, topic: Topic) -> list[StreamingQuery]:
    """The events and the dead letters, each exactly once.

    A batch that is repeated after a crash has the number it had before, and Delta passes over a number that the table
    knows of. The query's own id stands before it, as a query with another checkpoint counts from 0 again.
    """
    state = checkpoint(topic, "events")
    refuse_a_lost_checkpoint(spark, topic, state)

    def write_batch(batch: DataFrame, number: int) -> None:
        query = spark.sparkContext.getLocalProperty("sql.streaming.queryId")
        batch.persist()
        try:
            for suffix, part in (("", good(batch)), ("_dead_letters", dead(batch))):
                writer = part.write.format("delta").mode("append")
                writer = writer.option("txnAppId", f"{NAME}.{topic.name}{suffix}.{query}").option("txnVersion", number)
                writer.save(table(topic, suffix))
        finally:
            batch.unpersist()

    observed = rows.observe("routing", *counts(topic))
    writer = observed.writeStream.foreachBatch(write_batch).queryName(f"{topic.name}.events")
    return [writer.option("checkpointLocation", state).trigger(**trigger()).start()]


def write_windows(windows: DataFrame, topic: Topic) -> list[StreamingQuery]:
    """Each window once, when the watermark has passed its end; Delta's own sink keeps that exactly once."""
    writer = windows.writeStream.format("delta").outputMode("append").queryName(f"{topic.name}.windows")
    writer = writer.option("checkpointLocation", checkpoint(topic, "windows")).trigger(**trigger())
    return [writer.start(table(topic, "_windows"))]


class Reporter(StreamingQueryListener):
    """One line of JSON for each batch: what was read, how far the query is behind, and how large its state is."""

    def onQueryStarted(self, event: QueryStartedEvent) -> None:  # noqa: N802 - Spark calls it by this name
        """Say which query began."""
        log.info(json.dumps({"query": event.name, "started": str(event.runId)}))

    def onQueryProgress(self, event: QueryProgressEvent) -> None:  # noqa: N802 - Spark calls it by this name
        """Say what a batch did."""
        progress = event.progress
        routed = progress.observedMetrics.get("routing")
        said = {
            "query": progress.name,
            "batch": progress.batchId,
            "records": progress.numInputRows,
            "records_per_second": progress.processedRowsPerSecond,
            "lag": [source.metrics.get("maxOffsetsBehindLatest") for source in progress.sources],
            "dead_letters": routed["dead"] if routed is not None else None,
            "too_far_ahead": routed["ahead"] if routed is not None else None,
            "state_rows": sum(state.numRowsTotal for state in progress.stateOperators),
            "state_bytes": sum(state.memoryUsedBytes for state in progress.stateOperators),
            "late_and_left_out": sum(state.numRowsDroppedByWatermark for state in progress.stateOperators),
            "milliseconds": progress.durationMs.get("triggerExecution"),
        }
        log.info(json.dumps(said))

    def onQueryIdle(self, event: QueryIdleEvent) -> None:  # noqa: N802 - Spark calls it by this name
        """Nothing to say."""

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:  # noqa: N802 - Spark calls it by this name
        """Say why a query ended."""
        log.info(json.dumps({"query": str(event.id), "ended": event.exception or "in good order"}))


def trigger() -> dict[str, str | bool]:
    """How often a batch begins, which is also how often a checkpoint is made; `--once`: until the source is read."""
    if "--once" in sys.argv[1:]:
        return {"availableNow": True}
    return {"processingTime": os.environ.get("TRIGGER", "10 seconds")}


def checkpoint(topic: Topic, query: str) -> str:
    """Where a query keeps its progress and its state. It belongs to the tables: move, copy and delete them together."""
    return f"{variable('CHECKPOINTS')}/{NAME}/{topic.name}/{query}"


def main() -> None:
    """Run every query until one of them fails or, with `--once`, all have read what there is."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    spark = session()
    spark.streams.addListener(Reporter())
    queries: list[StreamingQuery] = []
    for topic in TOPICS:
        rows = judged(read(spark, topic), topic)
        queries += write(spark, rows, topic)
        if topic.event_time:
            queries += write_windows(windowed(good(rows), topic), topic)
    if "--once" in sys.argv[1:]:
        for query in queries:
            query.awaitTermination()
    else:
        spark.streams.awaitAnyTermination()


if __name__ == "__main__":
    main()
