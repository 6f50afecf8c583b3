"""What stands before a record's value and says which schema it was written with; where it ends, the value begins.

A header is taken apart here and its number kept; what the number means is asked of a registry.
"""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from dataeng_assets.kafka.registry.glue_header import NoGlueRecord, read_glue_record
from dataeng_assets.streams.decode.document import Unreadable

_CONFLUENT, _SINGLE_OBJECT = b"\x00", b"\xc3\x01"


class Framed(NamedTuple):
    """A record's value without its header."""

    schema: "int | UUID | bytes | None"
    body: bytes


@dataclass(frozen=True)
class Framing:
    """Takes headers off.

    Attributes:
        wire: one of `contracts.record_format.WIRES`.
    """

    wire: str

    def take_off(self, value: bytes | None) -> Framed:
        """The header's schema, and what follows it.

        Raises:
            Unreadable: the record is empty, or its header is none of this kind.
        """
        if not value:
            raise Unreadable("empty", "the record has no value")
        match self.wire:
            case "confluent":
                return _confluent(value)
            case "glue":
                return _glue(value)
            case "single-object":
                return _single_object(value)
        return Framed(None, value)


def _confluent(value: bytes) -> Framed:
    if value[:1] != _CONFLUENT:
        raise Unreadable("bad_header", "the first byte of a value in the Confluent wire format is 0")
    if len(value) < 5:
        raise Unreadable("bad_header", "the value ends within the five bytes of the header")
    return Framed(int.from_bytes(value[1:5], "big"), value[5:])


def _glue(value: bytes) -> Framed:
    try:
        found = read_glue_record(value)
    except NoGlueRecord as none:
        raise Unreadable("bad_header", str(none)) from None
    return Framed(found.schema_id, found.payload)


def _single_object(value: bytes) -> Framed:
    if value[:2] != _SINGLE_OBJECT or len(value) < 10:
        raise Unreadable("bad_header", "an Avro single object begins with C3 01 and a fingerprint of 8 bytes")
    return Framed(value[2:10], value[10:])
