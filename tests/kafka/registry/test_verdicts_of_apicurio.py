"""Our verdicts beside those of a real Apicurio, case by case; where they differ, whose reason it is."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from dataeng_assets.kafka.registry.address import RegistryAddress
from dataeng_assets.kafka.registry.confluent import ConfluentRegistry
from dataeng_assets.kafka.registry.register import check
from dataeng_assets.kafka.registry.repository import RepositoryRegistry
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind, Schema
from dataeng_assets.local.registry import Registry

pytestmark = pytest.mark.server

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def avro(**fields: object) -> Schema:
    listed = [
        {"name": name, **(kind if isinstance(kind, dict) and "type" in kind else {"type": kind})}
        for name, kind in fields.items()
    ]
    return Schema(Kind.AVRO, json.dumps({"type": "record", "name": "Order", "fields": listed}))


def proto(body: str) -> Schema:
    return Schema(Kind.PROTOBUF, f'syntax = "proto3"; package shop; message Order {{ {body} }}')


def closed(properties: dict[str, object], *required: str) -> Schema:
    return described(properties, *required, additionalProperties=False)


def described(properties: dict[str, object], *required: str, **more: object) -> Schema:
    text = {"$schema": DRAFT_7, "type": "object", "properties": properties, "required": list(required), **more}
    return Schema(Kind.JSON, json.dumps(text))


def enum(*symbols: str) -> dict[str, object]:
    return {"type": {"type": "enum", "name": "Size", "symbols": list(symbols)}}


@dataclass(frozen=True)
class Case:
    """A change, and whether readers with the new schema can read the old data, and the other way round."""

    name: str
    old: Schema
    new: Schema
    backward: bool
    forward: bool


INT, STRING = {"type": "integer"}, {"type": "string"}
OPTIONAL = {"type": ["null", "string"], "default": None}
SAME = avro(id="long")
CASES = [
    Case("avro: nothing", SAME, SAME, True, True),
    Case("avro: optional field added", SAME, avro(id="long", note=OPTIONAL), True, True),
    Case("avro: required field added", SAME, avro(id="long", note="string"), False, True),
    Case("avro: required field removed", avro(id="long", note="string"), SAME, True, False),
    Case("avro: field with default removed", avro(id="long", note=OPTIONAL), SAME, True, True),
    Case("avro: widened", avro(id="int"), avro(id="long"), True, False),
    Case("avro: narrowed", avro(id="long"), avro(id="int"), False, True),
    Case("avro: retyped", avro(id="long"), avro(id="string"), False, False),
    Case("avro: string and bytes", avro(id="string"), avro(id="bytes"), True, False),
    Case("avro: null allowed", avro(id="long"), avro(id=["null", "long"]), True, False),
    Case("avro: symbol added", avro(s=enum("S")), avro(s=enum("S", "M")), True, False),
    Case("avro: symbol removed", avro(s=enum("S", "M")), avro(s=enum("S")), False, True),
    Case("avro: renamed with alias", avro(a="long"), avro(b={"type": "long", "aliases": ["a"]}), True, False),
    Case("protobuf: nothing", proto("int64 id = 1;"), proto("int64 id = 1;"), True, True),
    Case("protobuf: field added", proto("int64 id = 1;"), proto("int64 id = 1; string note = 2;"), True, True),
    Case("protobuf: retyped", proto("int64 id = 1;"), proto("string id = 1;"), False, False),
    Case("json: nothing", closed({"id": INT}, "id"), closed({"id": INT}, "id"), True, True),
    Case("json closed: optional added", closed({"id": INT}), closed({"id": INT, "n": STRING}), True, False),
    Case("json closed: required added", closed({"id": INT}), closed({"id": INT, "n": STRING}, "n"), False, False),
    Case("json closed: removed", closed({"id": INT, "n": STRING}), closed({"id": INT}), False, True),
    Case("json: no more required", described({"id": INT}, "id"), described({"id": INT}), True, False),
    Case("json: retyped", described({"id": INT}), described({"id": STRING}), False, False),
    Case("json: integer to number", described({"id": INT}), described({"id": {"type": "number"}}), True, False),
    Case("json open: optional added", described({"id": INT}), described({"id": INT, "n": STRING}), False, True),
    Case("json: opened", closed({"id": INT}), described({"id": INT}), True, False),
    Case(
        "json: maximum lowered",
        closed({"id": {"type": "integer", "maximum": 9}}),
        closed({"id": {"type": "integer", "maximum": 5}}),
        False,
        True,
    ),
]

MODES = {
    Compatibility.BACKWARD: lambda case: case.backward,
    Compatibility.FORWARD: lambda case: case.forward,
    Compatibility.FULL: lambda case: case.backward and case.forward,
}
APICURIO_DIFFERS = {
    ("avro: string and bytes", Compatibility.FORWARD): "a reader of strings fails on bytes that are not UTF-8",
    ("avro: string and bytes", Compatibility.FULL): "a reader of strings fails on bytes that are not UTF-8",
    ("protobuf: field added", Compatibility.FORWARD): "refused here, but allowed as FULL, which asks for more",
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_verdict_is_right_and_that_of_apicurio_where_no_reason_is_given(
    case: Case, mode: Compatibility, schema_registry: Registry, tmp_path: Path
) -> None:
    embedded = RepositoryRegistry(tmp_path)
    embedded.add("orders", case.old)
    right = MODES[mode](case)
    assert check(embedded, "orders", case.new, compatibility=mode).compatible is right
    theirs = right if (case.name, mode) not in APICURIO_DIFFERS else not right
    assert apicurio_allows(schema_registry.url, case, mode) is theirs


def apicurio_allows(url: str, case: Case, mode: Compatibility) -> bool:
    """Whether Apicurio would take the new schema after the old one."""
    subject = f"case-{uuid.uuid4().hex}"
    ConfluentRegistry(RegistryAddress(url, allow_plaintext=True)).add(subject, case.old)
    said = urllib3.request("PUT", f"{url}/config/{subject}", json={"compatibility": mode})
    assert said.status == 200, said.data
    asked = {"schema": case.new.text, "schemaType": case.new.kind}
    answer = urllib3.request("POST", f"{url}/compatibility/subjects/{subject}/versions/latest", json=asked)
    assert answer.status == 200, answer.data
    return bool(answer.json()["is_compatible"])
