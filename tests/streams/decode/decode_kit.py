"""What the tests of decoders share."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa

from dataeng_assets.contracts.model import Column
from dataeng_assets.contracts.types import event_type
from dataeng_assets.kafka.registry.errors import RegistryUnreachable, SchemaUnknown
from dataeng_assets.kafka.registry.schemas import Kind, Reference, RegisteredSchema
from dataeng_assets.streams.decode.decoder import Decoder


def column(name: str, physical: str, *, nullable: bool = False) -> Column:
    return Column(name, event_type(physical), physical, nullable, personal=False, description="")


def decoded(decoder: Decoder, values: Sequence[bytes | None]) -> list[dict[str, Any]]:
    """Decode in several chunks, and close."""
    cut = len(values) // 2
    chunks = [pa.array(part, pa.binary()) for part in (values[:cut], values[cut:])]
    with decoder:
        rows = decoder.decode(pa.chunked_array(chunks)).to_pylist()
    assert len(rows) == len(values)
    return rows  # type: ignore[no-any-return]


class FakeRegistry:
    """A registry in memory that can also be silent. It keeps what it was asked for."""

    def __init__(
        self,
        schemas: Mapping[Any, str],
        *,
        kind: Kind = Kind.AVRO,
        answers: bool = True,
        uses: Mapping[int, Mapping[str, tuple[str, int]]] | None = None,
        subjects: Mapping[tuple[str, int], str] | None = None,
    ) -> None:
        self.schemas, self.kind, self.answers = schemas, kind, answers
        self.uses, self.subjects = uses or {}, subjects or {}
        self.asked: list[int | UUID] = []

    def by_id(self, id: int | UUID) -> RegisteredSchema:  # noqa: A002
        self.asked.append(id)
        if not self.answers:
            raise RegistryUnreachable("no answer")
        if id not in self.schemas:
            raise SchemaUnknown(str(id))
        uses = self.uses.get(id, {}) if isinstance(id, int) else {}
        references = tuple(Reference(name, *place) for name, place in uses.items())
        return RegisteredSchema(id, self.kind, self.schemas[id], references)

    def version(self, subject: str, version: int) -> RegisteredSchema:
        if (subject, version) not in self.subjects:
            raise SchemaUnknown(subject)
        return RegisteredSchema(0, self.kind, self.subjects[subject, version])
