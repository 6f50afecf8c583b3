"""What one writes first: `python naive.py CASE BOOTSTRAP TOPIC LAKE`, polls, parses and validates record by record.

kafka-python, `json.loads`, JSON Schema, and a table of Delta from the rows of so many records. It keeps no progress and
would double rows after a crash. Windows are kept in a dictionary and written at the end.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from events import SCHEMA
from jsonschema import Draft202012Validator
from kafka import KafkaConsumer, TopicPartition

_AT_ONCE = 100_000
_LENGTH, _LATE_AFTER = timedelta(minutes=5), timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = pa.timestamp("us", tz="UTC")
_PLACE = [("_kafka_partition", pa.int32()), ("_kafka_offset", pa.int64())]
EVENTS = pa.schema(
    [
        *[("event_id", pa.string()), ("user_id", pa.int64()), ("event_type", pa.string()), ("timestamp", _MOMENT)],
        *[("properties", pa.string()), *_PLACE, ("event_date", pa.date32())],
    ]
)
DEAD_LETTERS = pa.schema([*_PLACE, ("value", pa.binary())])
WINDOWS = pa.schema(
    [("window_start", _MOMENT), ("event_type", pa.string()), ("records", pa.int64()), ("unique_users", pa.int64())]
)


class Writer:
    """Rows on their way into the tables of a case."""

    def __init__(self, case: str, lake: str) -> None:
        self._case, self._lake = case, lake
        self._check = Draft202012Validator(SCHEMA)
        self._good: list[dict[str, Any]] = []
        self._dead: list[dict[str, Any]] = []
        self._windows: dict[tuple[datetime, str], list[Any]] = {}
        self._newest = _EPOCH

    def take(self, record: Any) -> None:
        """One record into a row, or into the dead letters."""
        place = {"_kafka_partition": record.partition, "_kafka_offset": record.offset}
        try:
            event = json.loads(record.value)
        except ValueError:
            event = None
        if not self._check.is_valid(event):
            self._dead.append(place | {"value": record.value})
            return
        moment = datetime.fromisoformat(event["timestamp"])
        if self._case == "window":
            start = moment - (moment - _EPOCH) % _LENGTH
            self._newest = max(self._newest, moment)
            window = self._windows.setdefault((start, event["event_type"]), [0, set()])
            window[0] += 1
            window[1].add(event["user_id"])
            return
        event |= {"timestamp": moment, "event_date": moment.date()} | place
        event["properties"] = json.dumps(event["properties"], separators=(",", ":"))
        self._good.append(event)
        if len(self._good) >= _AT_ONCE:
            self.write()

    def write(self) -> None:
        """What is left, and windows that are closed."""
        if self._case == "window":
            closed = [
                {"window_start": start, "event_type": kind, "records": count, "unique_users": len(users)}
                for (start, kind), (count, users) in self._windows.items()
                if start + _LENGTH <= self._newest - _LATE_AFTER
            ]
            write_deltalake(f"{self._lake}/silver/benchmark/page_events_5m", pa.Table.from_pylist(closed, WINDOWS))
            return
        base = f"{self._lake}/bronze/benchmark/page_events"
        rows = pa.Table.from_pylist(self._good, EVENTS)
        write_deltalake(base, rows, mode="append", partition_by=["event_date"])
        write_deltalake(f"{base}_dead_letters", pa.Table.from_pylist(self._dead, DEAD_LETTERS), mode="append")
        self._good, self._dead = [], []


def main() -> None:
    case, bootstrap, topic, lake = sys.argv[1:]
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    places = [TopicPartition(topic, partition) for partition in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    ends = consumer.end_offsets(places)
    writer = Writer(case, lake)
    while any(consumer.position(place) < end for place, end in ends.items()):
        for records in consumer.poll(timeout_ms=500, max_records=10_000).values():
            for record in records:
                writer.take(record)
    writer.write()


if __name__ == "__main__":
    main()
