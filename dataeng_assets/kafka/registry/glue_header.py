"""What AWS Glue's serializers put before a record: a version byte, whether it is compressed, the version of its schema.

Eighteen bytes, then the payload. Fetching the schema belongs in `glue`.
"""

import zlib
from dataclasses import dataclass
from uuid import UUID

from dataeng_assets.kafka.errors import KafkaProblem

HEADER_BYTES = 18
_VERSION = 3
_PLAIN, _ZLIB = 0, 5
MOST_BYTES = 100_000_000
"""A payload that unpacks to more is refused; Kafka's own limit for a record lies far below."""


class NoGlueRecord(KafkaProblem):
    """Bytes that AWS Glue's serializers did not write; they may be a record of another kind."""


@dataclass(frozen=True)
class GlueRecord:
    """A record as AWS Glue's serializers have it.

    Attributes:
        schema_id: the version of the schema that it was written with.
        payload: Avro, JSON or Protobuf, unpacked.
    """

    schema_id: UUID
    payload: bytes


def read_glue_record(value: bytes, *, most_bytes: int = MOST_BYTES) -> GlueRecord:
    """Take the header off a record, and unpack it.

    Raises:
        NoGlueRecord: it is too short, of another version, cut off, or unpacks to more than is allowed.
    """
    if len(value) < HEADER_BYTES:
        raise NoGlueRecord(f"{len(value)} bytes are less than the header of AWS Glue, which has {HEADER_BYTES}")
    version, compression = value[0], value[1]
    if version != _VERSION:
        raise NoGlueRecord(f"the first byte is {version}, not {_VERSION}, which is the header version of AWS Glue")
    if compression not in (_PLAIN, _ZLIB):
        raise NoGlueRecord(f"the second byte is {compression}; AWS Glue has {_PLAIN} for plain and {_ZLIB} for zlib")
    payload = value[HEADER_BYTES:]
    if compression == _ZLIB:
        payload = _unpacked(payload, most_bytes)
    return GlueRecord(UUID(bytes=value[2:HEADER_BYTES]), payload)


def write_glue_record(record: GlueRecord, *, compressed: bool = False) -> bytes:
    """The bytes of a record, with its header."""
    payload = zlib.compress(record.payload) if compressed else record.payload
    return bytes((_VERSION, _ZLIB if compressed else _PLAIN)) + record.schema_id.bytes + payload


def _unpacked(packed: bytes, most_bytes: int) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        payload = unpacking.decompress(packed, most_bytes)
    except zlib.error as error:
        raise NoGlueRecord(f"the payload is no zlib ({error})") from None
    if unpacking.unconsumed_tail:
        raise NoGlueRecord(f"the payload unpacks to more than {most_bytes:,} bytes")
    if not unpacking.eof or unpacking.unused_data:
        raise NoGlueRecord("the payload is cut off, or has something behind its end")
    return payload
