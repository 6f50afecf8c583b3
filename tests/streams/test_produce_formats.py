"""A file of JSON objects becomes records in the format of the contract, and the tables hold what the objects say."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_kit import COLUMNS, START, Topic, column, contract, run, table

from dataeng_assets.contracts.model import Contract
from dataeng_assets.contracts.record_format import RecordFormat, RecordKey, Records
from dataeng_assets.kafka.registry.errors import SchemaUnknown
from dataeng_assets.kafka.registry.repository import RepositoryRegistry
from dataeng_assets.kafka.registry.schemas import Kind, RegisteredSchema, Schema
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams import produce as produce_module
from dataeng_assets.streams.encode.encoder import SchemaUnfit, open_encoder
from dataeng_assets.streams.encode.record import Encoded, KeyNotInLine, open_record_encoder
from dataeng_assets.streams.produce import ContractBroken, Way, check, produce
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.validate import Validator

AVRO = json.dumps(
    {
        "type": "record",
        "name": "Event",
        "fields": [
            {"name": "event_id", "type": "string"},
            {"name": "user_id", "type": ["null", "long"]},
            {"name": "event_type", "type": "string"},
            {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "score", "type": ["null", "double"]},
        ],
    }
)
PROTO = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Other {}
message Event {
  string event_id = 1;
  optional int64 user_id = 2;
  string event_type = 3;
  google.protobuf.Timestamp timestamp = 4;
  optional double score = 5;
}
"""
AVSC = {"schema": "event.avsc", "text": AVRO}
CASES: dict[str, tuple[RecordFormat, Schema | None]] = {
    "avro": (RecordFormat("avro", **AVSC), None),
    "avro single objects": (RecordFormat("avro", wire="single-object", **AVSC), None),
    "avro behind a header": (RecordFormat("avro", wire="confluent"), Schema(Kind.AVRO, AVRO)),
    "avro behind a header of glue": (RecordFormat("avro", wire="glue"), Schema(Kind.AVRO, AVRO)),
    "protobuf": (RecordFormat("protobuf", schema="event.proto", text=PROTO, message="Event"), None),
    "protobuf behind a header": (
        RecordFormat("protobuf", wire="confluent", message="Event"), Schema(Kind.PROTOBUF, PROTO)
    ),
    "json behind a header": (RecordFormat("json", wire="confluent"), Schema(Kind.JSON, '{"type": "object"}')),
    "json behind a header of glue": (RecordFormat("json", wire="glue"), Schema(Kind.JSON, '{"type": "object"}')),
}  # fmt: skip
SAID = contract((*COLUMNS, column("score", "double", nullable=True)))


class GlueLike(RepositoryRegistry):
    """The schemas of a folder, under numbers as AWS Glue has them."""

    def version(self, subject: str, version: int) -> RegisteredSchema:
        found = super().version(subject, version)
        return replace(found, id=UUID(int=int(found.id)))

    def by_id(self, id: int | UUID) -> RegisteredSchema:  # noqa: A002
        return replace(super().by_id(int(id)), id=id)


def opened(folder: Path, topic: str, said: RecordFormat, schema: Schema | None) -> Callable[[], Any] | None:
    if schema is None:
        return None
    store = GlueLike(folder) if said.wire == "glue" else RepositoryRegistry(folder)
    store.add(topic if said.wire == "glue" else f"{topic}-value", schema)
    return lambda: store


def row(number: int, user: int | None, score: float | None) -> dict[str, Any]:
    when = (START + timedelta(seconds=number, microseconds=number)).isoformat().replace("+00:00", "Z")
    return {"event_id": f"é{number}", "user_id": user, "event_type": "click", "timestamp": when, "score": score}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def as_format(said: RecordFormat) -> Contract:
    return replace(SAID, records=Records(said))


@pytest.mark.server
@pytest.mark.parametrize("case", CASES)
def test_what_is_produced_is_what_is_drained(topic: Topic, lake: Lake, tmp_path: Path, case: str) -> None:
    said, schema = CASES[case]
    rows = [row(number, number or None, number / 3 if number % 2 else None) for number in range(200)]
    registry = opened(tmp_path / "schemas", topic.name, said, schema)
    events = Stream("user_events", topic.make(2).name, "events", as_format(said), lake, registry=registry)
    done = produce(events, topic.cluster, written(tmp_path / "e.ndjson", rows), Way(event_timestamps=True))
    report = run(events, topic)
    assert (done.records, report.main, report.dead_letters, report.late) == (200, 200, 0, 0)
    found = {one["event_id"]: (one["user_id"], one["timestamp"], one["score"]) for one in table(events, events.main)}
    assert found == {
        one["event_id"]: (one["user_id"], datetime.fromisoformat(one["timestamp"]), one["score"]) for one in rows
    }


objects = st.fixed_dictionaries(
    {
        "event_id": st.text(st.characters(exclude_categories=["Cs"])),
        "event_type": st.sampled_from(["click", "view", ""]),
        "timestamp": st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  # hypothesis adds the zone
            lambda when: when.isoformat(timespec="microseconds").replace("+00:00", "Z")
        ),
    },
    optional={
        "user_id": st.none() | st.integers(-(2**63), 2**63 - 1),
        "score": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    },
)


@settings(max_examples=60)  # the compiler of Protobuf is a process
@given(st.lists(objects, min_size=1, max_size=4), st.sampled_from(sorted(CASES)))
def test_every_format_says_of_an_object_what_json_says(rows: list[dict[str, Any]], case: str) -> None:
    said, schema = CASES[case]
    documents = [json.dumps(one).encode() for one in rows]
    with tempfile.TemporaryDirectory() as folder:
        registry = opened(Path(folder), "topic", said, schema)
        encode = open_encoder(as_format(said), "topic", registry)
        values = [encode(document) for document in documents]
        results = []
        for one, given_values, store in ((SAID, documents, None), (as_format(said), values, registry)):
            with Validator(one, store() if store else None) as validator:
                batch = tuple(enumerate((Encoded(None, value) for value in given_values), 1))
                results.append(validator.validate(produce_module._as_records(batch)).to_pylist())
    assert results[1] == results[0]


@pytest.mark.parametrize("case", [case for case in CASES if "json" not in case])
def test_a_line_that_does_not_fit_the_schema_is_named_and_nothing_is_sent(
    lake: Lake, tmp_path: Path, case: str
) -> None:
    said, schema = CASES[case]
    rows = [row(1, 1, None), row(2, 2, None) | {"score": "secret"}, row(3, 3, None) | {"more": "secret"}, {}]
    registry = opened(tmp_path / "schemas", "topic", said, schema)
    events = Stream("user_events", "topic", "events", as_format(said), lake, registry=registry)
    found = check(events, written(tmp_path / "e.ndjson", rows))
    assert (found.lines, found.invalid) == (4, 3)
    assert [(one.line, one.reason) for one in found.first[:2]] == [(2, "type:score"), (3, "unknown:more")]
    assert found.first[2].line == 4
    assert "secret" not in str(found)


def test_records_that_name_their_schema_need_one_that_is_registered_and_fits(lake: Lake, tmp_path: Path) -> None:
    said = RecordFormat("avro", wire="confluent")
    file = written(tmp_path / "e.ndjson", [row(1, 1, None)])

    def stream_with(schema: Schema | None) -> Stream:
        store = RepositoryRegistry(tmp_path / "schemas")
        if schema:
            store.add("topic-value", schema)
        return Stream("user_events", "topic", "events", as_format(said), lake, registry=lambda: store)

    with pytest.raises(SchemaUnknown, match="schemas register topic-value"):
        check(stream_with(None), file)
    with pytest.raises(SchemaUnfit, match="PROTOBUF"):
        check(stream_with(Schema(Kind.PROTOBUF, PROTO)), file)
    with pytest.raises(SchemaUnfit, match="not the schema of a record"):
        check(stream_with(Schema(Kind.AVRO, '"string"')), file)


def test_the_newest_schema_is_what_records_are_written_with(lake: Lake, tmp_path: Path) -> None:
    said = RecordFormat("avro", wire="confluent")
    store = RepositoryRegistry(tmp_path / "schemas")
    without = json.loads(AVRO)
    without["fields"] = without["fields"][:-1]
    store.add("topic-value", Schema(Kind.AVRO, json.dumps(without)))
    events = Stream("user_events", "topic", "events", as_format(said), lake, registry=lambda: store)
    file = written(tmp_path / "e.ndjson", [row(1, 1, 0.5)])
    assert check(events, file).first[0].reason == "unknown:score"
    newest = store.add("topic-value", Schema(Kind.AVRO, AVRO))
    assert check(events, file).invalid == 0
    value = open_encoder(events.contract, "topic", events.registry)(json.dumps(row(1, 1, 0.5)).encode())
    assert value[:5] == b"\0" + int(newest.id).to_bytes(4, "big")


@pytest.mark.server
def test_nothing_is_sent_when_a_line_does_not_fit(topic: Topic, lake: Lake, tmp_path: Path) -> None:
    said, _ = CASES["avro"]
    events = Stream("user_events", topic.make(1).name, "events", as_format(said), lake)
    file = written(tmp_path / "e.ndjson", [row(1, 1, None), {"event_id": "e2"}])
    with pytest.raises(ContractBroken, match="1 of 2 lines"):
        produce(events, topic.cluster, file, Way())
    done = produce(events, topic.cluster, file, Way(skip_invalid=True))
    assert (done.records, done.skipped) == (1, 1)
    assert run(events, topic).main == 1


LONG = {"schema": "key.avsc", "text": '"long"'}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
KEYS: dict[str, tuple[RecordFormat, str, st.SearchStrategy[Any]]] = {
    "text": (RecordFormat("string"), "string", TEXTS),
    "number as text": (RecordFormat("string"), "bigint", NUMBERS),
    "truth as text": (RecordFormat("string"), "boolean", st.booleans()),
    "uuid as text": (RecordFormat("string"), "uuid", st.uuids().map(str)),
    "document as text": (RecordFormat("string"), "json", TEXTS | NUMBERS | st.lists(TEXTS)),
    "text in json": (RecordFormat("json"), "string", TEXTS),
    "number in json": (RecordFormat("json"), "bigint", NUMBERS),
    "document in json": (RecordFormat("json"), "json", TEXTS | NUMBERS | st.lists(TEXTS)),
    "avro": (RecordFormat("avro", **LONG), "bigint", NUMBERS),
    "avro single object": (RecordFormat("avro", wire="single-object", **LONG), "bigint", NUMBERS),
    "avro behind a header": (RecordFormat("avro", wire="confluent"), "bigint", NUMBERS),
}


def keyed(said: RecordFormat, physical: str, value: RecordFormat | None = None) -> Contract:
    """A contract whose record's key is its column `account`."""
    records = Records(value or RecordFormat(), RecordKey("account", said))
    return replace(SAID, columns=(*SAID.columns, column("account", physical, nullable=True)), records=records)


@settings(max_examples=40)
@given(st.data(), st.sampled_from(sorted(KEYS)))
def test_a_key_says_of_its_column_what_json_says(data: st.DataObject, case: str) -> None:
    said, physical, values = KEYS[case]
    given_values = data.draw(st.lists(st.none() | values, min_size=1, max_size=4))
    lines = [json.dumps({"account": value, **row(1, 1, None)}).encode() for value in given_values]
    with tempfile.TemporaryDirectory() as folder:
        store = RepositoryRegistry(Path(folder))
        store.add("topic-key", Schema(Kind.AVRO, '"long"'))
        of = keyed(said, physical)
        encode = open_record_encoder(of, "topic", lambda: store)
        carried = [encode(line) for line in lines]
        results = []
        for one, records in ((replace(of, records=Records()), [Encoded(None, line) for line in lines]), (of, carried)):
            with Validator(one, store) as validator:
                found = validator.validate(produce_module._as_records(tuple(enumerate(records, 1))))
                results.append(found.to_pylist())
    assert results[1] == results[0]
    assert [record.key is None for record in carried] == [value is None for value in given_values]


@pytest.mark.server
def test_a_column_that_the_key_carries_is_produced_as_the_key_and_drained_from_there(
    topic: Topic, lake: Lake, tmp_path: Path
) -> None:
    of = keyed(RecordFormat("string"), "bigint", RecordFormat("avro", **AVSC))
    rows = [row(number, 1, None) | ({"account": number % 5} if number else {}) for number in range(40)]
    events = Stream("user_events", topic.make(3).name, "events", of, lake)
    produce(events, topic.cluster, written(tmp_path / "e.ndjson", rows), Way(event_timestamps=True))
    report = run(events, topic)
    assert (report.main, report.dead_letters, report.late) == (40, 0, 0)
    found = table(events, events.main)
    assert {one["event_id"]: one["account"] for one in found} == {one["event_id"]: one.get("account") for one in rows}
    places = {one["account"]: one["_kafka_partition"] for one in found if one["account"] is not None}
    assert {one["_kafka_partition"] == places[one["account"]] for one in found if one["account"] is not None} == {True}


def test_a_key_that_is_none_of_its_column_is_named_with_its_line(lake: Lake, tmp_path: Path) -> None:
    rows = [row(1, 1, None) | {"account": 5}, row(2, 2, None) | {"account": "secret"}]
    file = written(tmp_path / "e.ndjson", rows)
    for case in ("number as text", "number in json", "avro"):
        said, physical, _ = KEYS[case]
        found = check(Stream("user_events", "topic", "events", keyed(said, physical), lake), file)
        assert [(one.line, one.reason) for one in found.first] == [(2, "type:account")]
        assert "secret" not in str(found)
    binary = keyed(RecordFormat("raw"), "bytes")
    assert [one.line for one in check(Stream("user_events", "topic", "events", binary, lake), file).first] == [1, 2]
    encode = open_record_encoder(binary, "topic", None)
    assert encode(b'{"account": "AP8=", "event_id": "e"}') == (b"\0\xff", b'{"event_id":"e"}')


def test_lines_that_are_no_objects_have_no_key_to_carry(lake: Lake, tmp_path: Path) -> None:
    of = keyed(RecordFormat("string"), "string", RecordFormat("csv"))
    with pytest.raises(KeyNotInLine, match=r"column account.*a value in csv.*Nothing was sent"):
        check(Stream("user_events", "topic", "events", of, lake), written(tmp_path / "e.ndjson", []))
