"""Protobuf records: which message of which schema each is, and its fields as the contract's columns.

Google's parser, which is C, reads one record after another: it is the definition, and there is no faster way beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError, Message

from dataeng_assets.contracts.compatibility.protobuf.document import read_protobuf
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.model import Column
from dataeng_assets.contracts.record_format import RecordFormat
from dataeng_assets.kafka.registry.schemas import Kind, RegisteredSchema, SchemaRegistry
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.framed import FramedDecoder, NoSchema, SchemaId, Schemas, referenced
from dataeng_assets.streams.decode.protobuf_values import field_value, unknown_fields
from dataeng_assets.streams.decode.rows import Source, decode_each, typed_row
from dataeng_assets.streams.decode.values import Value

_DEEPEST_INDEX = 100
_FIRST = (0,)


@dataclass(frozen=True)
class _Plan:
    """How the records of one message are read."""

    message: type[Message]
    sources: tuple[Source, ...]

    def row(self, body: bytes) -> Mapping[str, Any]:
        """The columns of a record."""
        message = self.message()
        try:
            message.ParseFromString(body)
        except DecodeError:
            raise Unreadable("not_protobuf", f"the bytes are no {self.message.DESCRIPTOR.name}, or cut off") from None
        if not message.IsInitialized():
            raise Unreadable("not_protobuf", "a field that the schema requires is not there")
        beside = unknown_fields(message)
        fields: dict[str, Value] = {one.name: field_value(message, one) for one in self.message.DESCRIPTOR.fields}
        known = {source.field for source in self.sources}
        # what is not on the wire and not in the contract is nothing to be kept
        kept = {name: value for name, value in fields.items() if name in known or value.kind != "null"}
        return typed_row(self.sources, kept | beside)


class ProtobufDecoder(FramedDecoder):
    """Decodes Protobuf.

    Args:
        columns: of the contract.
        said: how records are written.
        registry: knows the schemas that records name.

    Raises:
        ContractError: the schema beside the contract does not compile, or has not the message.
    """

    def __init__(self, columns: Sequence[Column], said: RecordFormat, registry: SchemaRegistry | None = None) -> None:
        super().__init__(columns, said.wire)
        self._registry = registry
        self._files = Schemas(Kind.PROTOBUF, registry, self._compiled)
        self._plans: dict[tuple[int, tuple[int, ...]], _Plan | None] = {}
        self._own = self._plan(own_message(said)) if said.wire == "plain" else None

    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """As promised."""
        self._files.ask_again()
        return super().decode(values)

    def is_registered(self, schema: SchemaId) -> bool:
        """Whether the registry was asked for it, and knows it."""
        return self._files.has(schema)

    def decode_bodies(self, schema: SchemaId, bodies: "pa.Array[Any]") -> pa.Table:
        """One by one, by the parser in C."""
        own = self._own
        if own is not None:
            return decode_each(self._columns, bodies.to_pylist(), own.row)
        number = schema if isinstance(schema, int) else 0
        file = self._files.of(number)

        def row(body: bytes) -> Mapping[str, Any]:
            path, at = message_path(body)
            return self._planned(number, file, path).row(body[at:])

        return decode_each(self._columns, bodies.to_pylist(), row)

    def _planned(self, schema: int, file: Any, path: tuple[int, ...]) -> _Plan:
        key = schema, path
        if key not in self._plans:
            found = _at(file, path)
            self._plans[key] = self._plan(found) if found is not None else None
        plan = self._plans[key]
        if plan is None:
            raise Unreadable("bad_header", f"schema {schema} has no message at the place that the header names")
        return plan

    def _plan(self, message: Any) -> _Plan:
        named = message.fields_by_name
        sources = (Source(column, column.name if column.name in named else None) for column in self._columns)
        return _Plan(message_factory.GetMessageClass(message), tuple(sources))

    def _compiled(self, schema: RegisteredSchema) -> Any:
        given = {name: other.text.encode() for name, other in referenced(schema, self._registry).items()}
        try:
            return read_protobuf(schema.text, Path(f"schema-{schema.id}.proto"), given)
        except ContractError as broken:
            raise NoSchema(f"it does not compile: {broken.found}") from None


def message_path(body: bytes) -> tuple[tuple[int, ...], int]:
    """Which message of a file a record is, as places from the outermost inwards, and where the record begins.

    Raises:
        Unreadable: the header is broken.
    """
    count, at = _zigzag(body, 0)
    if count == 0:
        return _FIRST, at
    if not 0 < count <= _DEEPEST_INDEX:
        raise Unreadable("bad_header", "the places of the message are too many, or less than none")
    path = []
    for _ in range(count):
        place, at = _zigzag(body, at)
        path.append(place)
    return tuple(path), at


def own_message(said: RecordFormat) -> Any:
    """The message of the schema that stands beside the contract.

    Raises:
        ContractError: the schema does not compile, or has not this message, or several and none is named.
    """
    path = Path(said.schema)
    file = read_protobuf(said.text, path, {})
    prefix = f"{file.package}." if file.package else ""
    names = {f"{prefix}{name}": message for name, message in file.message_types_by_name.items()}
    if not said.message and len(names) == 1:
        return next(iter(names.values()))
    if said.message not in names:
        raise ContractError(path, "message", said.message or "none named", f"one of {', '.join(names) or 'none'}")
    return names[said.message]


def _at(file: Any, path: tuple[int, ...]) -> Any:
    """The message at a place; None when there is none."""
    said = FileDescriptorProto()
    file.CopyToProto(said)
    inner, found = said.message_type, None
    for place in path:
        if not 0 <= place < len(inner):
            return None
        name = inner[place].name
        found = file.message_types_by_name[name] if found is None else found.nested_types_by_name[name]
        inner = inner[place].nested_type
    return found


def _zigzag(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(body) and shift <= 28:
        byte = body[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
    raise Unreadable("bad_header", "the value ends within the places of its message, or they are too large")
