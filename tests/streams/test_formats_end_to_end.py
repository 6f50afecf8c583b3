"""A topic in each format becomes tables with every record accounted for."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from google.protobuf import message_factory
from stream_kit import COLUMNS, START, Sent, Topic, column, contract, dead, event, run, table

from dataeng_assets.contracts.compatibility.protobuf.document import read_protobuf
from dataeng_assets.contracts.record_format import RecordFormat, RecordKey, Records
from dataeng_assets.kafka.registry.errors import RegistryUnreachable, SchemaUnknown
from dataeng_assets.kafka.registry.schemas import Kind, RegisteredSchema, SchemaRegistry
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.decode.records import RecordDecoder
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.release import release
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify

AVRO = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "event_id", "type": "string"},
        {"name": "user_id", "type": ["null", "long"]},
        {"name": "event_type", "type": "string"},
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    ],
}
PARSED = fastavro.parse_schema(AVRO)


class Registry:
    """Knows one schema, and may be away."""

    def __init__(self, kind: Kind, text: str) -> None:
        self.kind, self.text, self.is_away = kind, text, False

    def by_id(self, id: object) -> RegisteredSchema:  # noqa: A002
        if self.is_away:
            raise RegistryUnreachable("no answer")
        if id != 7:
            raise SchemaUnknown(str(id))
        return RegisteredSchema(7, self.kind, self.text)

    def version(self, subject: str, version: int) -> RegisteredSchema:
        raise SchemaUnknown(subject)


def avro(number: int, when: datetime) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(
        out, PARSED, {"event_id": f"e{number}", "user_id": number, "event_type": "click", "timestamp": when}
    )
    return out.getvalue()


def framed(number: int, when: datetime) -> bytes:
    return b"\0\0\0\0\x07" + avro(number, when)


def framed_json(number: int, when: datetime) -> bytes:
    return b"\0\0\0\0\x07" + event(number, when, user=number)


def csv_line(number: int, when: datetime) -> bytes:
    return f"e{number},{number},click,{when.isoformat().replace('+00:00', 'Z')}".encode()


PROTO = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Event {
  string event_id = 1;
  optional int64 user_id = 2;
  string event_type = 3;
  google.protobuf.Timestamp timestamp = 4;
}
"""
EVENT = message_factory.GetMessageClass(read_protobuf(PROTO, Path("event.proto"), {}).message_types_by_name["Event"])


def protobuf(number: int, when: datetime) -> bytes:
    made = EVENT(event_id=f"e{number}", user_id=number, event_type="click")
    made.timestamp.FromDatetime(when)
    return b"\0\0\0\0\x07\x00" + bytes(made.SerializeToString())


PLAIN = RecordFormat("avro", schema="event.avsc", text=json.dumps(AVRO))
CASES: list[tuple[str, RecordFormat, Callable[[int, datetime], bytes], dict[bytes | None, str], Any]] = [
    ("avro", PLAIN, avro, {b"\x02": "truncated", avro(1, START) + b"x": "trailing_bytes", None: "empty"}, None),
    (
        "avro behind a header", RecordFormat("avro", wire="confluent"), framed,
        {b"\0\0\0\0\x08x": "unknown_schema", b"{}": "bad_header", framed(1, START)[:-1]: "truncated"},
        Registry(Kind.AVRO, json.dumps(AVRO)),
    ),
    (
        "protobuf behind a header", RecordFormat("protobuf", wire="confluent"), protobuf,
        {b"\0\0\0\0\x07\x02\x08": "bad_header", protobuf(1, START)[:-1]: "not_protobuf", None: "empty"},
        Registry(Kind.PROTOBUF, PROTO),
    ),
    (
        "json behind a header", RecordFormat("json", wire="confluent"), framed_json,
        {b"\0\0\0\0\x08{}": "unknown_schema", b"{}": "bad_header", b"\0\0\0\0\x07{": "not_json"},
        Registry(Kind.JSON, "{}"),
    ),
    (
        "json behind a header that nobody is asked about", RecordFormat("json", wire="confluent"), framed_json,
        {b"\0\0\0\0\x08{": "not_json", None: "empty"}, None,
    ),
    (
        "csv", RecordFormat("csv"), csv_line,
        {b"a,b": "field_count", b'"': "not_csv", b"e,x,click,2026-03-01T12:00:00Z": "type:user_id"}, None,
    ),
]  # fmt: skip


def stream_of(lake: Lake, topic: Topic, said: Records, registry: SchemaRegistry | None, *more: Any) -> Stream:
    written = replace(contract((*COLUMNS, *more)), records=said)
    opened = (lambda: registry) if registry else None
    return Stream("user_events", topic.name, "events", written, lake, registry=opened)


def filled(topic: Topic, write: Callable[[int, datetime], bytes], bad: dict[bytes | None, str]) -> None:
    topic.make(2)
    moments = [START + timedelta(seconds=number) for number in range(20)]
    good = [Sent(number % 2, write(number, when), when) for number, when in enumerate(moments)]
    topic.send([*good[:10], *(Sent(0, value, START) for value in bad), *good[10:]])


@pytest.mark.server
@pytest.mark.parametrize(("said", "write", "bad", "registry"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_topic_of_this_format_is_in_the_tables_record_by_record(
    topic: Topic, lake: Lake, said: RecordFormat, write: Any, bad: dict[bytes | None, str], registry: Any
) -> None:
    filled(topic, write, bad)
    events = stream_of(lake, topic, Records(said), registry)
    report = run(events, topic, batch_records=7)
    assert (report.main, report.dead_letters, report.caught_up) == (20, len(bad), True)
    rows = {row["event_id"]: (row["user_id"], row["timestamp"]) for row in table(events, events.main)}
    assert rows == {f"e{number}": (number, START + timedelta(seconds=number)) for number in range(20)}
    assert {row["value"]: row["reason"] for row in table(events, events.dead_letters)} == bad
    assert verify(events, topic.cluster).holds


@pytest.mark.parametrize(("said", "write", "bad", "registry"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_of_numbers_of_schemas_those_that_the_registry_knows_are_new_once(
    said: RecordFormat, write: Any, bad: dict[bytes | None, str], registry: Any
) -> None:
    values = pa.table({"value": pa.array([*bad, write(1, START), write(2, START)], pa.binary())})
    with RecordDecoder(replace(contract(), records=Records(said)), registry) as decoder:
        decoder.decode(values)
        rows = [row for rows in decoder.new_schemas.values() for row in rows]
        assert list(decoder.new_schemas) == (["7"] if registry else [])
        assert set(rows) >= ({len(bad), len(bad) + 1} if registry else set())
        decoder.decode(values)
        assert not decoder.new_schemas


def test_a_schema_that_is_none_of_json_is_named() -> None:
    said = replace(contract(), records=Records(RecordFormat("json", wire="confluent")))
    with RecordDecoder(said, Registry(Kind.AVRO, json.dumps(AVRO))) as decoder:
        [found] = decoder.decode(pa.table({"value": [framed_json(1, START)]})).to_pylist()
    assert (found["reason"], found["detail"]) == ("unsupported_schema", "schema 7 is AVRO, not JSON")


@pytest.mark.server
def test_a_registry_that_is_away_stops_the_stream_and_what_it_lacked_is_released_later(
    topic: Topic, lake: Lake
) -> None:
    registry = Registry(Kind.AVRO, json.dumps(AVRO))
    events = stream_of(lake, topic, Records(RecordFormat("avro", wire="confluent")), registry)
    filled(topic, framed, {b"\0\0\0\0\x08" + avro(99, START): "unknown_schema"})
    registry.is_away = True
    with pytest.raises(RegistryUnreachable) as stopped:
        drain(events, topic.cluster, run_id="run", budget=timedelta(minutes=1))
    assert stopped.value.retryable
    assert table(events, events.main) == table(events, events.dead_letters) == []
    registry.is_away = False
    assert run(events, topic).dead_letters == 1
    assert [reason for _, reason, _ in dead(events)] == ["unknown_schema"]
    registry.by_id = lambda _: RegisteredSchema(8, Kind.AVRO, json.dumps(AVRO))  # type: ignore[method-assign]
    assert release(events, release_id="again").released == 1
    assert "e99" in {row["event_id"] for row in table(events, events.main)}


@pytest.mark.server
def test_raw_bytes_with_their_key_and_time_survive_a_release(topic: Topic, lake: Lake) -> None:
    topic.make(1)
    topic.send([Sent(0, b"\xff\x00", START), Sent(0, None, START), Sent(0, b"", START)])
    said = Records(RecordFormat("raw"), RecordKey("name", RecordFormat("json")), "timestamp")
    columns = (column("timestamp", "timestamp"), column("name", "string"), column("body", "bytes"))
    events = stream_of(lake, topic, said, None)
    events = replace(events, contract=replace(events.contract, columns=columns, key=()))
    run(events, topic)
    assert [reason for _, reason, _ in dead(events)] == ["type:name", "missing:body", "type:name"]
    corrected = Records(RecordFormat("raw"), RecordKey("name", RecordFormat("string")), "timestamp")
    events = replace(events, contract=replace(events.contract, records=corrected))
    assert release(events, release_id="again").released == 2
    assert sorted((row["body"], row["name"], row["timestamp"]) for row in table(events, events.main)) == [
        (b"", "key", START), (b"\xff\x00", "key", START),
    ]  # fmt: skip
    assert verify(events, topic.cluster).holds
