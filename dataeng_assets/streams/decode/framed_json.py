"""JSON documents behind a header of a schema registry.

The contract says what they hold. A registry, where there is one, is asked whether it knows the number: one that it does
not know says that the record was meant for another registry, or that its producer skipped registering.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa

from dataeng_assets.contracts.model import Column
from dataeng_assets.kafka.registry.schemas import Kind, SchemaRegistry
from dataeng_assets.streams.decode.framed import FramedDecoder, SchemaId, Schemas
from dataeng_assets.streams.decode.json_documents import JsonDecoder


class FramedJsonDecoder(FramedDecoder):
    """Decodes JSON behind a header.

    Args:
        columns: of the contract.
        wire: which header.
        registry: knows the schemas that records name; when None, their numbers are not looked up.
    """

    def __init__(self, columns: Sequence[Column], wire: str, registry: SchemaRegistry | None = None) -> None:
        super().__init__(columns, wire)
        self._schemas = Schemas(Kind.JSON, registry, lambda schema: schema) if registry else None
        self._documents = JsonDecoder(columns)

    def close(self) -> None:
        """Close what reads the documents."""
        self._documents.close()

    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """As promised."""
        if self._schemas:
            self._schemas.ask_again()
        return super().decode(values)

    def is_registered(self, schema: SchemaId) -> bool:
        """Whether the registry was asked for it, and knows it."""
        return self._schemas is not None and self._schemas.has(schema)

    def decode_bodies(self, schema: SchemaId, bodies: "pa.Array[Any]") -> pa.Table:
        """As documents without a header, when their schema is one of JSON that is known."""
        if self._schemas and isinstance(schema, int | UUID):
            self._schemas.of(schema)
        return self._documents.decode(pa.chunked_array([bodies.cast(pa.binary())]))
