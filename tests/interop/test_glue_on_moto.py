"""The schema registry of AWS Glue as moto serves it, which neither lists versions nor decides about them."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import boto3
import pytest
from programs import interop_program, running

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.contracts.record_format import RecordFormat, Records
from dataeng_assets.contracts.topic import TopicTerms
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.registry.errors import SchemaIncompatible, SchemaUnknown
from dataeng_assets.kafka.registry.glue import GlueRegistry
from dataeng_assets.kafka.registry.glue_header import GlueRecord, read_glue_record, write_glue_record
from dataeng_assets.kafka.registry.register import register
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind, Schema
from dataeng_assets.kafka.topic_admin import TopicAdmin
from dataeng_assets.lake.location import Lake
from dataeng_assets.local import process
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.produce import Way, produce
from dataeng_assets.streams.stream import Stream

pytestmark = pytest.mark.interop

FIRST = Schema(Kind.AVRO, '{"type":"record","name":"Order","fields":[{"name":"id","type":"int"}]}')
WIDER = Schema(Kind.AVRO, '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}')


class OnMoto(GlueRegistry):
    """moto does not list versions; what it has is counted up to the newest instead."""

    def versions(self, subject: str) -> tuple[int, ...]:
        try:
            newest = self._ask(subject, self._client.get_schema, SchemaId=self._id(subject))["LatestSchemaVersion"]
        except SchemaUnknown:
            return ()
        return tuple(range(1, newest + 1))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnMoto]:
    folder, port = tmp_path_factory.mktemp("glue"), process.choose_port()
    log, command = folder / "moto.log", [interop_program("moto_server"), "-H", process.HOST, "-p", str(port)]
    with (
        running(command, log=log, cwd=folder, environment={"PATH": os.environ["PATH"]}) as server,
        pytest.MonkeyPatch.context() as patched,
    ):
        assert process.wait_until(lambda: server.poll() is not None or process.accepts(port), 60), process.tail(log)
        patched.setenv("AWS_ENDPOINT_URL_GLUE", f"http://{process.HOST}:{port}")
        patched.setenv("AWS_ACCESS_KEY_ID", "test")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "test")
        boto3.client("glue", region_name="eu-central-1").create_registry(RegistryName="shop")
        yield OnMoto("eu-central-1", "shop", allow_plaintext=True)


def test_a_record_leads_to_the_schema_it_was_written_with(registry: OnMoto) -> None:
    first = register(registry, "orders", FIRST)
    second = register(registry, "orders", WIDER)
    assert registry.versions("orders") == (1, 2)
    assert registry.version("orders", 2) == second
    for one, compressed in ((first, False), (second, True)):
        record = read_glue_record(write_glue_record(GlueRecord(one.id, b"\x02"), compressed=compressed))
        assert registry.by_id(record.schema_id) == one
        assert record.payload == b"\x02"


def test_a_new_subject_promises_backward_and_is_held_to_it(registry: OnMoto) -> None:
    register(registry, "held", WIDER)
    assert registry.compatibility("held") is Compatibility.BACKWARD
    with pytest.raises(SchemaIncompatible, match="id"):
        register(registry, "held", FIRST)
    assert registry.versions("held") == (1,)


def test_what_is_not_there_is_unknown(registry: OnMoto, tmp_path: Path) -> None:
    with pytest.raises(SchemaUnknown):
        registry.by_id(uuid4())
    with pytest.raises(SchemaUnknown):
        registry.version("nobody", 1)


def test_json_is_produced_behind_its_header_and_drained_by_it(
    registry: OnMoto, kafka_broker: Kafka, topic_name: str, lake: Lake, tmp_path: Path
) -> None:
    cluster, terms = Cluster(kafka_broker.bootstrap, allow_plaintext=True), TopicTerms(1, 1)
    with TopicAdmin(cluster) as admin:
        admin.apply(admin.plan(topic_name, terms), terms)
    said = load_contract(ROOT / "dataeng_assets" / "defs" / "events" / "contracts" / "user_events.yaml")
    said = replace(said, records=Records(RecordFormat("json", wire="glue")))
    events = Stream("user_events", topic_name, "events", said, lake, registry=lambda: registry)
    rows = [
        {"event_id": str(UUID(int=number)), "user_id": number, "event_type": "page_view", "properties": {},
         "timestamp": f"2026-03-01T12:00:{number:02}Z"}
        for number in range(20)
    ]  # fmt: skip
    file = tmp_path / "e.ndjson"
    file.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(SchemaUnknown, match="schemas register"):
        produce(events, cluster, file, Way())
    register(registry, topic_name, Schema(Kind.JSON, '{"type": "object"}'))
    assert produce(events, cluster, file, Way(event_timestamps=True)).records == 20
    report = drain(events, cluster, run_id="run", budget=timedelta(minutes=1))
    assert (report.main, report.dead_letters, report.late) == (20, 0, 0)
    found = lake.open(events.main).to_pyarrow_table(columns=["event_id", "user_id"]).to_pylist()
    assert {str(one["event_id"]): one["user_id"] for one in found} == {one["event_id"]: one["user_id"] for one in rows}
