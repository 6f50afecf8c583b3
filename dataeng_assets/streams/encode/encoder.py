"""Which encoder writes the records of a contract, and the header that says which schema they were written with.

A record behind a header is written with the newest schema that the registry has for its topic. Whether what was written
keeps the contract is judged by reading it again, as the stream will.
Taking a line apart into key and value belongs in `record`.
"""

import base64
import json
from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from fastavro.schema import fingerprint, to_parsing_canonical_form

from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.contracts.record_format import RecordFormat
from dataeng_assets.kafka.registry.errors import SchemaUnknown
from dataeng_assets.kafka.registry.glue_header import GlueRecord, write_glue_record
from dataeng_assets.kafka.registry.references import used_by
from dataeng_assets.kafka.registry.schemas import Kind, RegisteredSchema, SchemaStore
from dataeng_assets.streams.decode.avro import read_own_schema
from dataeng_assets.streams.decode.avro_schema import SchemaUnusable, read_avro_schema, record_around
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.framed import RegistryMissing
from dataeng_assets.streams.decode.protobuf import own_message
from dataeng_assets.streams.decode.texts import typed_json
from dataeng_assets.streams.encode.avro import AvroWriter
from dataeng_assets.streams.encode.protobuf import ProtobufWriter
from dataeng_assets.streams.errors import StreamStopped

Encode = Callable[[bytes], bytes]
"""Makes the bytes of a record from those of a JSON object; raises `Unreadable` where there are none."""

_KINDS = {"avro": Kind.AVRO, "json": Kind.JSON, "protobuf": Kind.PROTOBUF}
_SINGLE_OBJECT = b"\xc3\x01"


class SchemaUnfit(StreamStopped):
    """The topic's newest schema is none that records could be written with."""


def open_encoder(contract: Contract, topic: str, schemas: Callable[[], SchemaStore] | None) -> Encode:
    """What writes the values of a contract's records.

    Args:
        contract: says how they are written; JSON, CSV and bytes go as they stand.
        topic: whose schemas stand under `<topic>-value`; in AWS Glue under its own name.
        schemas: opens the registry; asked only where records name their schema.

    Raises:
        RegistryMissing: records name their schema, and no registry is named.
        SchemaUnknown: the registry has no schema for this topic.
        SchemaUnfit: records cannot be written with the one that it has.
        ContractError: the schema beside the contract cannot be used.
        KafkaProblem: the registry does not answer.
    """
    said = contract.records.value
    if said.wire in ("confluent", "glue"):
        return _named(said, topic if said.wire == "glue" else f"{topic}-value", schemas)
    if said.kind == "protobuf":
        return ProtobufWriter(own_message(said)).write
    return _own_avro(said) if said.kind == "avro" else lambda document: document


def open_key_encoder(contract: Contract, topic: str, schemas: Callable[[], SchemaStore] | None) -> Encode:
    """What writes a key that is carried into a column, from the value of that column in JSON.

    Args:
        contract: says how keys are written.
        topic: whose key's schemas stand under `<topic>-key`.
        schemas: as in `open_encoder`.

    Raises:
        As `open_encoder`; ValueError when the contract carries no key into a column.
    """
    key = contract.records.key
    if key is None:
        raise ValueError(f"{contract.path.name} carries no key into a column")
    column, said = contract.column(key.column), key.format
    if said.kind == "avro":
        named = said.wire in ("confluent", "glue")
        write = _named(said, f"{topic}-key", schemas, column.name) if named else _own_avro(said, column.name)
        name = json.dumps(column.name).encode()
        return lambda text: write(b"{%s:%s}" % (name, text))
    return partial(_WRITE_KEY[said.kind], column)


def _named(
    said: RecordFormat, subject: str, schemas: Callable[[], SchemaStore] | None, around: str | None = None
) -> Encode:
    """With the newest schema of a subject, behind its header."""
    if schemas is None:
        raise RegistryMissing(
            f"Records carry the number of a schema of {subject}, and no schema registry is named. Nothing was sent. "
            "Name the registry in the stream's defs.yaml."
        )
    store = schemas()
    schema = _newest(store, subject)
    header = _header(schema.id)
    body = _body(store, subject, schema, said, around)
    return lambda document: header(body(document))


def _own_avro(said: RecordFormat, around: str | None = None) -> Encode:
    """With the schema beside the contract."""
    write = AvroWriter(read_own_schema(said, around)).write
    mark = b""
    if said.wire == "single-object":
        canonical = to_parsing_canonical_form(json.loads(said.text))
        mark = _SINGLE_OBJECT + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))
    return lambda document: mark + write(document)


def _key_of_bytes(column: Column, text: bytes) -> bytes:
    try:
        return base64.b64decode(json.loads(text), validate=True)
    except (TypeError, ValueError):
        raise Unreadable(f"type:{column.name}", "expected bytes, found no text in base64") from None


def _key_of_text(column: Column, text: bytes) -> bytes:
    typed_json(column, text.decode())
    is_quoted = text.startswith(b'"') and column.physical != "json"
    return str(json.loads(text)).encode() if is_quoted else text


def _key_of_json(column: Column, text: bytes) -> bytes:
    typed_json(column, text.decode())
    return text


_WRITE_KEY: Mapping[str, Callable[[Column, bytes], bytes]] = {
    "raw": _key_of_bytes, "string": _key_of_text, "json": _key_of_json
}  # fmt: skip


def _newest(store: SchemaStore, subject: str) -> RegisteredSchema:
    versions = store.versions(subject)
    if not versions:
        raise SchemaUnknown(
            f"The registry has no schema {subject}, with which the records of this topic would be written. Nothing was "
            f"sent. Register it: `dataeng schemas register {subject} FILE`."
        )
    return store.version(subject, versions[-1])


def _header(number: int | UUID) -> Callable[[bytes], bytes]:
    if isinstance(number, UUID):
        return lambda body: write_glue_record(GlueRecord(number, body))
    mark = b"\0" + number.to_bytes(4, "big")
    return lambda body: mark + body


def _body(store: SchemaStore, subject: str, schema: RegisteredSchema, said: RecordFormat, around: str | None) -> Encode:
    kind = _KINDS[said.kind]
    if schema.kind != kind:
        raise _unfit(subject, f"it is {schema.kind}, and the contract says {kind}")
    used = used_by(store, schema.schema)
    if kind is Kind.JSON:
        return lambda document: document
    if kind is Kind.PROTOBUF:
        return ProtobufWriter.of_file(
            schema.text, {name: one.text for name, one in used.items()}, said.message
        ).write_placed
    try:
        node = read_avro_schema(schema.text, [one.text for one in used.values()])
    except SchemaUnusable as unusable:
        raise _unfit(subject, str(unusable)) from None
    if around is not None:
        return AvroWriter(record_around(around, node)).write
    if node.kind != "record":
        raise _unfit(subject, "it is not the schema of a record")
    return AvroWriter(node).write


def _unfit(subject: str, why: str) -> SchemaUnfit:
    return SchemaUnfit(
        f"No record can be written with the newest schema of {subject}: {why}. Nothing was sent. "
        f"`dataeng schemas show {subject}` shows it."
    )
