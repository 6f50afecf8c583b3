"""Spark Structured Streaming: `python spark.py CASE BOOTSTRAP TOPIC LAKE STATE JARS`.

Both tables are written by one `foreachBatch` over a cached batch, with `txnAppId` and `txnVersion`, without which they
would be written at least once. Distinct users are exact, as they are by ours (`count(distinct)` is not supported
over streams: a set per window is collected). Shuffles have two partitions, not 200, which suits two cores best.
"""

import sys

from events import KINDS, UUID
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

_SCHEMA = "event_id string, user_id bigint, event_type string, timestamp timestamp, properties string, broken string"
_ROWS_PER_BATCH = 1_000_000
# XXX in the pattern is the offset of the zone
_OPTIONS = {"columnNameOfCorruptRecord": "broken", "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}


def session(jars: str) -> SparkSession:
    settings = {
        "spark.jars": jars,
        "spark.driver.memory": "4g",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
    }
    builder = SparkSession.builder.master("local[2]").appName("benchmark")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def judged(spark: SparkSession, bootstrap: str, topic: str) -> DataFrame:
    """The topic's records with their fields, and whether they keep the contract."""
    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", _ROWS_PER_BATCH)
        .load()
    )
    event = f.from_json(f.col("value").cast("string"), _SCHEMA, _OPTIONS).alias("event")
    place = [f.col("partition").alias("_kafka_partition"), f.col("offset").alias("_kafka_offset")]
    rows = records.select("value", f.col("timestamp").alias("_kafka_timestamp"), *place, event).select(
        "value", "_kafka_partition", "_kafka_offset", "_kafka_timestamp", "event.*"
    )
    is_good = (
        f.col("broken").isNull()
        & f.coalesce(f.col("event_id").rlike(UUID), f.lit(False))
        & f.coalesce(f.col("event_type").isin(*KINDS), f.lit(False))
        & f.col("timestamp").isNotNull()
        & f.col("properties").isNotNull()
    )
    return rows.withColumn("is_good", is_good)


def ingest(rows: DataFrame, lake: str, state: str) -> None:
    base = f"{lake}/bronze/benchmark/page_events"

    def write(batch: DataFrame, number: int) -> None:
        batch.persist()
        good = batch.where("is_good").drop("value", "broken", "is_good")
        good = good.withColumn("event_date", f.to_date("timestamp"))
        dead = batch.where("not is_good").select("_kafka_partition", "_kafka_offset", "_kafka_timestamp", "value")
        for table, part, by in (("", good, ["event_date"]), ("_dead_letters", dead, [])):
            writer = part.write.format("delta").mode("append").partitionBy(*by)
            writer = writer.option("txnAppId", f"benchmark{table}").option("txnVersion", number)
            writer.save(base + table)
        batch.unpersist()

    query = rows.writeStream.foreachBatch(write).option("checkpointLocation", state)
    query.trigger(availableNow=True).start().awaitTermination()


def window(rows: DataFrame, lake: str, state: str) -> None:
    counted = (
        rows.where("is_good")
        .withWatermark("timestamp", "10 minutes")
        .groupBy(f.window("timestamp", "5 minutes"), "event_type")
        .agg(f.count("*").alias("records"), f.size(f.collect_set("user_id")).cast("bigint").alias("unique_users"))
        .select(f.col("window.start").alias("window_start"), "event_type", "records", "unique_users")
    )
    query = counted.writeStream.format("delta").outputMode("append").option("checkpointLocation", state)
    query.trigger(availableNow=True).start(f"{lake}/silver/benchmark/page_events_5m").awaitTermination()


def main() -> None:
    case, bootstrap, topic, lake, state, jars = sys.argv[1:]
    spark = session(jars)
    spark.sparkContext.setLogLevel("ERROR")
    rows = judged(spark, bootstrap, topic)
    {"ingest": ingest, "window": window}[case](rows, lake, state)
    spark.stop()


if __name__ == "__main__":
    main()
