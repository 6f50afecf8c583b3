"""The schema registry of AWS Glue as moto serves it, which neither lists versions nor decides about them."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from programs import interop_program, running

from dataeng_assets.kafka.registry.errors import SchemaIncompatible, SchemaUnknown
from dataeng_assets.kafka.registry.glue import GlueRegistry
from dataeng_assets.kafka.registry.glue_header import GlueRecord, read_glue_record, write_glue_record
from dataeng_assets.kafka.registry.register import register
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind, Schema
from dataeng_assets.local import process

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
