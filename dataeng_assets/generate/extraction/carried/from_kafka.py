"""Records of topics into Parquet files: of each topic a range of offsets that is frozen first, then read to its end.

A file holds good records and dead letters alike; a dead letter has a reason, and the record's own bytes.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from .config import Config, Table
from .decoded import Unreadable, decode
from .errors import NotProven
from .kafka_topic import connection, read_ranges, topic_state
from .progress import Progress, Staged
from .ranges import TopicReplaced, plan_ranges
from .staging import Staging
from .types import arrow_type

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COORDINATES: "list[pa.Field[Any]]" = [
    pa.field("_kafka_partition", pa.int64(), nullable=False),
    pa.field("_kafka_offset", pa.int64(), nullable=False),
    pa.field("_kafka_timestamp", pa.timestamp("us", tz="UTC")),
]
_DEAD: "list[pa.Field[Any]]" = [
    pa.field("_reason", pa.string()),
    pa.field("_key", pa.binary()),
    pa.field("_value", pa.binary()),
]


def extract(
    config: Config, bootstrap: str, stored: Mapping[str, Progress | None], staging: Staging, window: None = None
) -> list[Staged]:
    """Read what each topic holds beyond the stored progress into the staging folder.

    Args:
        config: what to read.
        bootstrap: the brokers, `host:port` after `host:port`; how to log in comes from the environment.
        stored: the progress of each topic, as the destination has it.
        staging: where the files are written.
        window: a topic is read by its offsets only.

    Raises:
        ExtractionError: nothing was loaded, and the next run reads the same again.
    """
    del window
    options = connection(bootstrap)
    return [_staged(options, table, stored.get(table.name), staging) for table in config.tables]


def main_schema(table: Table) -> pa.Schema:
    """The columns of a topic's table."""
    return pa.schema([*_fields(table), *_COORDINATES])


def dead_schema() -> pa.Schema:
    """The columns of a table of dead letters."""
    return pa.schema([*_COORDINATES, *_DEAD])


def staged_row(table: Table, message: Message) -> dict[str, Any]:
    """A record as a row of the staged file: of the topic's table, or with a reason of its dead letters."""
    said, key, value = table.options, message.key(), message.value()
    row: dict[str, Any] = {"_kafka_partition": message.partition(), "_kafka_offset": message.offset()}
    try:
        row["_kafka_timestamp"] = _sent_at(message)
        of_record = _of_record(said.get("from_record", {}), key, row["_kafka_timestamp"])
        return {**decode(value, of_record, table.columns, said.get("values", {})), **row}
    except Unreadable as reason:
        return {**row, "_reason": str(reason), "_key": key, "_value": value}


def _fields(table: Table) -> "list[pa.Field[Any]]":
    fields: list[pa.Field[Any]] = [pa.field(one.name, arrow_type(one.name, one.type)) for one in table.columns]
    return [*fields, pa.field("_rescued", pa.string())]


def _staged(options: Mapping[str, Any], table: Table, stored: Progress | None, staging: Staging) -> Staged:
    topic = str(table.options["topic"])
    now = topic_state(options, topic)
    position = stored.position if stored else None
    plan = plan_ranges(position, now, accept_lost=bool(table.options.get("accept_lost")))
    schema = pa.schema([*_fields(table), *_COORDINATES, *_DEAD])
    read = [0]

    def batches() -> Iterator[pa.RecordBatch]:
        for messages in read_ranges(options, topic, plan.ranges):
            read[0] += len(messages)
            yield pa.RecordBatch.from_pylist([staged_row(table, message) for message in messages], schema=schema)

    file, written = staging.write(table.name, schema, batches())
    if written != read[0]:
        raise NotProven(
            f"Of {topic} {read[0]} records were read, and {written} were staged. Nothing was loaded. Run again; if it "
            "repeats, look for a full disk."
        )
    if topic_state(options, topic).id != now.id:
        raise TopicReplaced(f"The topic {topic} was deleted and made again while it was read. Nothing was loaded.")
    # tells runs apart, also when a clock was set back
    extracted_at = max(time.time_ns() // 1000, stored.extracted_at + 1 if stored else 0)
    return Staged(
        table=table.name,
        file=file,
        rows=written,
        rows_in_source=None,
        before=stored.extracted_at if stored else None,
        after=Progress(extracted_at, plan.position()),
        whole=False,
        method="offsets",
        notes=tuple(f"accepted as lost: {one}" for one in plan.lost),
    )


def _of_record(taken: Mapping[str, str], key: Any, sent_at: datetime | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, part in taken.items():
        try:
            found[column] = sent_at if part == "timestamp" else None if key is None else key.decode("utf-8")
        except UnicodeDecodeError:
            raise Unreadable(f"type: {column} is no text in UTF-8") from None
    return found


def _sent_at(message: Message) -> datetime | None:
    kind, milliseconds = message.timestamp()
    if kind == TIMESTAMP_NOT_AVAILABLE:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        # its sender may have said any number
        raise Unreadable("timestamp: no moment before the year 10000") from None
