"""The combinations that an extraction exists for, shared by the kinds that carry it."""

from dataeng_assets.generate.matrix import Refusal, Row, Standing
from dataeng_assets.generate.request import Destination, Mode, Source

_BATCH = (Mode.INCREMENTAL, Mode.FULL)
_WAREHOUSES = (Destination.SNOWFLAKE, Destination.BIGQUERY, Destination.REDSHIFT, Destination.DATABRICKS)
_PARSED = "tests/generate/test_warehouse.py::test_every_statement_is_parsed_in_its_dialect"
REFUSALS = (
    Refusal("a batch does not follow the database's log of changes", mode=Mode.CHANGES),
    Refusal(
        "a schedule is no stream; an incremental run reads what has arrived since the last one", mode=Mode.STREAMING
    ),
    Refusal("no catalog of Iceberg is at hand to try it; Delta tables are", destination=Destination.ICEBERG),
    *(
        Refusal(
            "only the load into DuckDB, Delta and Postgres was tried with records of a topic; the warehouse takes a "
            "topic in by its own means with --type dbt --mode streaming",
            Source.KAFKA,
            one,
        )
        for one in _WAREHOUSES
    ),
    Refusal(
        "a topic is read by its offsets, which is --mode incremental: what it no longer holds, no run can read whole",
        Source.KAFKA,
        mode=Mode.FULL,
    ),
    *(
        Refusal("it is read by --type spark-streaming; here tables of Postgres and topics of Kafka are", source=one)
        for one in (Source.KINESIS, Source.PUBSUB)
    ),
    Refusal("tables of Postgres and topics of Kafka are read; files are not read yet", source=Source.FILES),
    Refusal("rows of a table are no events; a topic is fed by --type kafka-connect", destination=Destination.KAFKA),
)


def rows_shown_by(executed: str, topic_executed: str) -> tuple[Row, ...]:
    """The rows of the matrix.

    Args:
        executed: the test that runs what is executed here.
        topic_executed: the test that runs the copy of a topic to DuckDB.
    """
    run_here = (Destination.DUCKDB, Destination.DELTA, Destination.POSTGRES)
    return (
        Row((Source.POSTGRES,), run_here, _BATCH, Standing.EXECUTED, executed),
        Row((Source.POSTGRES,), _WAREHOUSES, _BATCH, Standing.PARSED, _PARSED),
        Row((Source.KAFKA,), (Destination.DUCKDB,), (Mode.INCREMENTAL,), Standing.EXECUTED, topic_executed),
        Row(
            (Source.KAFKA,),
            (Destination.DELTA, Destination.POSTGRES),
            (Mode.INCREMENTAL,),
            Standing.EXECUTED,
            "tests/generate/test_topic_extraction.py::test_every_record_is_there_exactly_once",
        ),
    )
