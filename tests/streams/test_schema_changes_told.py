"""How records are read changes: the contract, or the schema in the registry that they name. Each is told once."""

import io
import json
from dataclasses import replace
from pathlib import Path

import fastavro
import pytest
from prometheus_client.parser import text_string_to_metric_families
from stream_kit import COLUMNS, START, Sent, Topic, column, contract, run, sent, table

from dataeng_assets.contracts.record_format import RecordFormat, Records
from dataeng_assets.kafka.registry.repository import RepositoryRegistry
from dataeng_assets.kafka.registry.schemas import Kind as Language
from dataeng_assets.kafka.registry.schemas import Schema
from dataeng_assets.streams import session
from dataeng_assets.streams.health.changes import Kind, changes
from dataeng_assets.streams.health.exposition import write_textfile
from dataeng_assets.streams.health.state import state
from dataeng_assets.streams.stream import Stream

pytestmark = pytest.mark.server

FIELDS = [
    {"name": "event_id", "type": "string"},
    {"name": "user_id", "type": ["null", "long"]},
    {"name": "event_type", "type": "string"},
    {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
]
ONE = {"type": "record", "name": "Event", "fields": FIELDS}
TWO = {"type": "record", "name": "Event", "fields": [*FIELDS, {"name": "more", "type": "string"}]}
EVENT = {"event_id": "e", "user_id": 1, "event_type": "click", "timestamp": START, "more": "x"}


def framed(number: int, schema: object, partition: int = 0) -> Sent:
    out = io.BytesIO(b"\0" + number.to_bytes(4, "big"))
    out.seek(5)
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), EVENT)
    return Sent(partition, out.getvalue(), START)


@pytest.fixture
def registry(tmp_path: Path) -> RepositoryRegistry:
    return RepositoryRegistry(tmp_path / "schemas")


@pytest.fixture
def avro(events: Stream, registry: RepositoryRegistry) -> Stream:
    said = replace(contract(), records=Records(RecordFormat("avro", wire="confluent")))
    return replace(events, contract=said, registry=lambda: registry)


def add(registry: RepositoryRegistry, schema: object) -> int:
    found = registry.add("events-value", Schema(Language.AVRO, json.dumps(schema)))
    assert isinstance(found.id, int)
    return found.id


def counters(events: Stream, topic: Topic, folder: Path) -> dict[str, float]:
    write_textfile([state(events, lambda: topic.cluster)], folder / "dataeng.prom")
    families = text_string_to_metric_families((folder / "dataeng.prom").read_text())
    return {one.name: one.value for family in families for one in family.samples}


def test_another_contract_is_one_schema_change_with_its_columns_and_the_offsets_from_which(
    events: Stream, topic: Topic, tmp_path: Path
) -> None:
    topic.make(2).send([sent(1), sent(2), sent(3, partition=1)])
    run(events, topic)
    run(events, topic)
    assert changes(events) == (), "the first contract is no change"
    columns = (*COLUMNS, column("beta", "bigint", nullable=True))
    newer = replace(events, contract=replace(contract(columns), version="1.1.0"))
    topic.send([sent(4, beta=1)])
    for _ in range(2):
        run(newer, topic)
        topic.send([sent(5, beta=1)])
    [told] = changes(newer)
    assert (told.kind, told.offsets, told.told_by) == (Kind.READ_BY, {0: 2, 1: 1}, "run")
    assert (told.before["rules"], told.after["rules"]) == (events.routing, newer.routing)
    assert told.says == (
        f"Records are read by contract 1.1.0, rules {newer.routing}; before, by 1.0.0, {events.routing}. "
        "Columns: beta (new, bigint). From offset 2 of partition 0, offset 1 of partition 1."
    )
    assert {row["_kafka_offset"] for row in table(newer, newer.main) if row["beta"]} == {2, 3}
    found = counters(newer, topic, tmp_path)
    assert (found["stream_schema_changes_total"], found["stream_rebalances_total"]) == (1, 0)


def test_a_schema_that_the_registry_knows_and_the_stream_does_not_is_told_with_its_first_offsets(
    avro: Stream, topic: Topic, registry: RepositoryRegistry
) -> None:
    one = add(registry, ONE)
    topic.make(2).send([framed(one, ONE), framed(one, ONE)])
    run(avro, topic)
    assert changes(avro) == ()
    two = add(registry, TWO)
    topic.send([framed(one, ONE), framed(two, TWO), framed(two, TWO), framed(two, TWO, 1), framed(99, TWO)])
    for _ in range(2):
        assert run(avro, topic, batch_records=50).caught_up
        topic.send([framed(two, TWO), framed(one, ONE)])
    [told] = changes(avro)
    assert (told.kind, told.parts, told.offsets) == (Kind.SCHEMAS, (str(two),), {0: 3, 1: 0})
    assert told.says == (
        f"Records came with schema {two} of the registry; before, with {one}. "
        "From offset 3 of partition 0, offset 0 of partition 1."
    )
    assert len(table(avro, avro.dead_letters)) == 1, "of a number that nobody has given out nothing is told"


def test_a_batch_that_dies_before_its_commit_is_told_of_once(
    avro: Stream, topic: Topic, registry: RepositoryRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = add(registry, ONE), add(registry, TWO)
    topic.make(1).send([framed(one, ONE)])
    run(avro, topic)
    topic.send([framed(two, TWO)])

    class Died(BaseException): ...

    def die(*_: object, **__: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(session, "commit_batch", die)
        with pytest.raises(Died):
            run(avro, topic)
    run(avro, topic)
    [told] = changes(avro)
    assert told.offsets == {0: 1}
