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
from dataeng_assets.contracts.record_format import RecordFormat, Records
from dataeng_assets.kafka.registry.errors import SchemaUnknown
from dataeng_assets.kafka.registry.repository import RepositoryRegistry
from dataeng_assets.kafka.registry.schemas import Kind, RegisteredSchema, Schema
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams import produce as produce_module
from dataeng_assets.streams.encode.encoder import SchemaUnfit, open_encoder
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


@settings(deadline=None, max_examples=60)  # the compiler of Protobuf is a process
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
                batch = tuple(enumerate(given_values, 1))
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
