"""Avro records: which schema wrote each, where the contract's columns come from in it, and decoding by columns.

Fields are resolved by the names of the contract's columns, and by aliases and defaults of the reader's schema where the
contract has one; whether a value fits its column is said by `values`. What has parts is carried as JSON, as the
writer's schema says it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from fastavro.schema import fingerprint, to_parsing_canonical_form

from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.model import Column
from dataeng_assets.contracts.record_format import RecordFormat
from dataeng_assets.kafka.registry.schemas import Kind, RegisteredSchema, SchemaRegistry
from dataeng_assets.streams.decode.avro_columns import AvroColumns
from dataeng_assets.streams.decode.avro_default import default_value
from dataeng_assets.streams.decode.avro_record import read_record
from dataeng_assets.streams.decode.avro_schema import Field, Node, SchemaUnusable, read_avro_schema, record_around
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.framed import FramedDecoder, NoSchema, SchemaId, Schemas, referenced, repaired
from dataeng_assets.streams.decode.rows import Source, decode_each, schema_of, table, typed_row


@dataclass(frozen=True)
class _Plan:
    """How the records of one schema are read."""

    node: Node
    sources: tuple[Source, ...]


class AvroDecoder(FramedDecoder):
    """Decodes Avro.

    Args:
        columns: of the contract that come from these bytes.
        said: how they are written.
        registry: knows the schemas that records name.
        around: the name of the one column that the whole of the bytes is, as with keys.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        said: RecordFormat,
        registry: SchemaRegistry | None = None,
        *,
        around: str | None = None,
    ) -> None:
        super().__init__(columns, said.wire)
        self._registry, self._around = registry, around
        self._schemas = Schemas(Kind.AVRO, registry, self._plan)
        self._own: _Plan | None = None
        self._reader: dict[str, Field] = {}
        self._mark = b""
        if said.text:
            node = read_own_schema(said, around)
            self._reader = {field.name: field for field in node.fields}
            self._own = self._planned(node)
            canonical = to_parsing_canonical_form(json.loads(said.text))
            self._mark = bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))

    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """As promised."""
        self._schemas.ask_again()
        return super().decode(values)

    def is_registered(self, schema: SchemaId) -> bool:
        """Whether the registry was asked for it, and knows it."""
        return self._schemas.has(schema)

    def decode_bodies(self, schema: SchemaId, bodies: "pa.Array[Any]") -> pa.Table:
        """By columns where that is certain, one by one elsewhere."""
        plan = self._plan_of(schema)
        columns = AvroColumns(bodies)
        arrays, rescued = columns.read(plan.node.fields, plan.sources)
        nothing = [None] * len(bodies)
        fast = table(self._columns, arrays, {"_rescued": rescued, "reason": nothing, "detail": nothing})
        return repaired(
            fast.cast(schema_of(self._columns)), columns.ok, lambda rest: self._each(plan, bodies.take(rest))
        )

    def decode_each(self, schema: SchemaId, bodies: "pa.Array[Any]") -> pa.Table:
        """One by one: what `decode_bodies` must equal."""
        return self._each(self._plan_of(schema), bodies)

    def _each(self, plan: _Plan, bodies: "pa.Array[Any]") -> pa.Table:
        return decode_each(
            self._columns, bodies.to_pylist(), lambda body: typed_row(plan.sources, read_record(plan.node, body))
        )

    def _plan_of(self, schema: SchemaId) -> _Plan:
        if isinstance(schema, bytes) and schema != self._mark:
            raise Unreadable("unknown_schema", "the fingerprint is not that of the contract's schema")
        if schema is None or isinstance(schema, bytes):
            if self._own is None:
                raise ValueError("records that name no schema need one in the contract")
            return self._own
        return self._schemas.of(schema)

    def _plan(self, schema: RegisteredSchema) -> _Plan:
        texts = [other.text for other in referenced(schema, self._registry).values()]
        try:
            return self._planned(_record(read_avro_schema(schema.text, texts), self._around))
        except SchemaUnusable as unusable:
            raise NoSchema(str(unusable)) from None

    def _planned(self, node: Node) -> _Plan:
        return _Plan(node, tuple(self._source(column, node) for column in self._columns))

    def _source(self, column: Column, writer: Node) -> Source:
        reader = self._reader.get(column.name)
        written = {field.name for field in writer.fields}
        for name in (column.name, *(reader.aliases if reader else ())):
            if name in written:
                return Source(column, name)
        if reader and reader.has_default:
            return Source(column, None, default_value(reader.node, reader.default))
        return Source(column, None)


def read_own_schema(said: RecordFormat, around: str | None = None) -> Node:
    """The schema that stands beside the contract.

    Raises:
        ContractError: it is none of a record, or cannot be used.
    """
    try:
        return _record(read_avro_schema(said.text), around)
    except SchemaUnusable as unusable:
        raise ContractError(Path(said.schema), "", str(unusable), "an Avro schema of a record") from None


def _record(node: Node, around: str | None) -> Node:
    if around is not None:
        return record_around(around, node)
    if node.kind != "record":
        raise SchemaUnusable("it is not the schema of a record")
    return node
