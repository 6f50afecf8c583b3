"""A job for Spark Structured Streaming, in Python: events, dead letters and windows of each topic.

What a topic holds comes from `streaming`; what each destination needs stands in the templates.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from dataeng_assets.generate.matrix import Refusal, Row, Standing
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Mode, Request, Source
from dataeng_assets.generate.spark_streaming.postgres import tables
from dataeng_assets.generate.streaming.events import WINDOW, Event, events
from dataeng_assets.generate.streaming.refusals import ONE_MODE, no_schedule, of_the_warehouse
from dataeng_assets.generate.streaming.topics import event_files

_EXECUTED = "tests/interop/test_sample_generated_spark_streaming.py"
_GOLDEN = "tests/generate/test_spark_streaming.py::test_the_job_is_the_golden_one"
ROWS = (
    Row(
        (Source.KAFKA,),
        (Destination.DELTA,),
        (Mode.STREAMING,),
        Standing.EXECUTED,
        f"{_EXECUTED}::test_every_record_arrives_exactly_once_over_a_kill",
    ),
    Row(
        (Source.KAFKA,),
        (Destination.POSTGRES,),
        (Mode.STREAMING,),
        Standing.EXECUTED,
        f"{_EXECUTED}::test_postgres_holds_every_record_once_over_a_kill_between_its_commit_and_the_checkpoint",
    ),
    Row(
        (Source.KAFKA,),
        (Destination.ICEBERG, Destination.DATABRICKS),
        (Mode.STREAMING,),
        Standing.PARSED,
        _GOLDEN,
    ),
    Row((Source.KINESIS, Source.PUBSUB), (Destination.DATABRICKS,), (Mode.STREAMING,), Standing.PARSED, _GOLDEN),
)
REFUSALS = (
    Refusal(
        "a DuckDB file takes one writing process, and Spark writes with many; DuckDB reads the Delta table as it is",
        destination=Destination.DUCKDB,
    ),
    Refusal(
        "Spark's sink for Kafka repeats records after a crash, so it is not offered; --type flink-sql writes to Kafka "
        "in transactions",
        destination=Destination.KAFKA,
    ),
    *(
        Refusal(
            f"Spark has no sink for this warehouse that repeats nothing after a crash; {of_the_warehouse(one)} writes "
            "how it takes in the topic by itself",
            destination=one,
        )
        for one in (Destination.SNOWFLAKE, Destination.BIGQUERY, Destination.REDSHIFT)
    ),
    Refusal(
        "Spark has no streaming source for tables, and JDBC reads in no common snapshot, so a row that is committed "
        "late would be lost; --type kafka-connect --mode changes brings the table's changes into a topic that "
        "this kind reads",
        source=Source.POSTGRES,
    ),
    Refusal("Apache Spark has no source for Kinesis or Pub/Sub; Databricks has", source=Source.KINESIS),
    Refusal("Apache Spark has no source for Kinesis or Pub/Sub; Databricks has", source=Source.PUBSUB),
    Refusal(
        "a file's lines have no offsets, by which this job proves that it lost and doubled none; send them with "
        "--type kafka-producer, or load them with --type airflow",
        source=Source.FILES,
    ),
    Refusal(ONE_MODE),
)
UNTAKEN = no_schedule("a stream runs all the time; whatever keeps the process alive starts it again")
_KEPT = {
    Promise.EXACTLY_ONCE: "",
    Promise.NO_SILENT_CASTS: "",
    Promise.IDEMPOTENT: "",
    Promise.BOUNDED_MEMORY: "",
    Promise.NO_SECRETS: "",
    Promise.NOTHING_DROPPED: (
        "An event that cannot be read is a dead letter, and a late one is in the table of events; but Spark leaves it "
        "out of its window and only counts it, and which one is late depends on how the batches fell. One whose time "
        "is further ahead of its record's than the contract allows is treated alike, so that it makes no other late."
    ),
    Promise.PROVED_DELIVERY: "Spark commits what its tasks report and compares nothing afterwards.",
}
_TO_DELTA = {
    Promise.PROVED_DELIVERY: "Spark commits what its tasks report; `verify.sql` compares counts with offsets.",
}
_TO_POSTGRES = {
    Promise.EXACTLY_ONCE: "",
    Promise.PROVED_DELIVERY: (
        "The rows of a batch are counted against what was read, in the transaction that commits them and the batch's "
        "number; their values are not compared. `verify.sql` compares counts with offsets."
    ),
}
_FROM_PUBSUB = {
    Promise.EXACTLY_ONCE: (
        "Pub/Sub may hand out an event twice, as two messages: the windows count it once by its key, the table of "
        "events holds both."
    ),
}
_KEPT_IN = {Destination.DELTA: _TO_DELTA, Destination.POSTGRES: _TO_POSTGRES}
_LAKE_SETTINGS = {
    Destination.DELTA: {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    },
    Destination.ICEBERG: {
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "rest",
    },
}
_RECORD = {
    Source.KAFKA: ("_kafka_partition", "_kafka_offset", "_kafka_timestamp"),
    Source.KINESIS: ("_kinesis_shard", "_kinesis_sequence", "_kinesis_timestamp"),
    Source.PUBSUB: ("_pubsub_subscription", "_pubsub_message", "_pubsub_timestamp"),
}
"""The columns that say which record a row was: where it lay, which one it is there, and when it was sent."""
_SPARK = {Destination.DELTA: "4.2.0", Destination.POSTGRES: "4.2.0", Destination.ICEBERG: "4.1.1"}
"""The newest Spark that the table format's release is built for; on Databricks the runtime brings its own."""
_PACKAGES = {
    Destination.DELTA: ("io.delta:delta-spark_4.2_2.13:4.4.0",),
    Destination.POSTGRES: ("org.postgresql:postgresql:42.7.7",),
    Destination.ICEBERG: ("org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0",),
}


def files(pipeline: Pipeline) -> Generated:
    """The job, its packages, the topics and a README."""
    request, found = pipeline.request, events(pipeline)
    main = PurePosixPath(f"{request.name}.py")
    said: dict[str, object] = {
        "name": request.name,
        "source": request.source.value,
        "destination": request.destination.value,
        "address_variable": pipeline.address_variable,
    }
    record = _RECORD[request.source]
    if request.destination is Destination.POSTGRES:
        said["tables"] = tables(found, record)
    topics = [_topic(event) for event in found]
    made = {
        main: render(
            "spark_streaming/templates/job.py.j2",
            **said,
            head=head(request, _kept(request)).rstrip(),
            purpose=f"Events of {', '.join(event.name for event in found)} to {request.destination}.",
            sink="delta" if request.destination is Destination.DATABRICKS else request.destination.value,
            settings=_LAKE_SETTINGS.get(request.destination, {}),
            topics=topics,
            record=list(record),
        ),
        PurePosixPath("README.md"): render(
            "spark_streaming/templates/README.md.j2",
            **said,
            events=found,
            request=request,
            spark=_SPARK.get(request.destination, ""),
        ),
    }
    if request.destination in _PACKAGES:
        made[PurePosixPath("packages.txt")] = "\n".join(_packages(request.destination)) + "\n"
    if request.destination is Destination.POSTGRES:
        made[PurePosixPath("tables.sql")] = render(
            "spark_streaming/templates/tables.sql.j2", head=head(request, _kept(request), "--").rstrip(), **said
        )
    if request.destination in (Destination.DELTA, Destination.POSTGRES):
        made[PurePosixPath("verify.sql")] = render("spark_streaming/templates/verify.sql.j2", **said, events=found)
    if request.source is Source.KAFKA:
        made |= event_files(pipeline, found)
    return Generated(main, made)


def _kept(request: Request) -> Mapping[Promise, str]:
    """Each promise that could be kept, with nothing where it holds."""
    return {
        **_KEPT,
        **_KEPT_IN.get(request.destination, {}),
        **(_FROM_PUBSUB if request.source is Source.PUBSUB else {}),
    }


def _packages(destination: Destination) -> tuple[str, ...]:
    """What Spark loads to read Kafka and to write the tables; all of one version of Spark."""
    return (f"org.apache.spark:spark-sql-kafka-0-10_2.13:{_SPARK[destination]}", *_PACKAGES[destination])


def _topic(event: Event) -> Mapping[str, object]:
    seconds = int(event.late_after.total_seconds())
    return {
        "name": event.name,
        "fields": event.fields,
        "required": [one.name for one in event.fields if not one.nullable],
        "key": list(event.key),
        "event_time": event.event_time,
        "late_after": f"{seconds} seconds" if event.event_time else "",
        "max_ahead": f"{int(event.max_ahead.total_seconds())} seconds" if event.event_time else "",
        "window": f"{int(WINDOW.total_seconds())} seconds" if event.event_time else "",
        "group_by": list(event.group_by),
    }
