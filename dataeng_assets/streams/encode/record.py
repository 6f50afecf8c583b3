"""From a line of a file to the key and the value of a record: a column that the key carries is taken out of the object.

How each is written belongs in `encoder`.
"""

from collections.abc import Callable
from typing import NamedTuple

from dataeng_assets.contracts.model import Contract
from dataeng_assets.kafka.registry.schemas import SchemaStore
from dataeng_assets.streams.decode.document import read_document
from dataeng_assets.streams.encode.encoder import open_encoder, open_key_encoder
from dataeng_assets.streams.errors import StreamStopped


class KeyNotInLine(StreamStopped):
    """Keys are carried into a column, and the lines of a file cannot say them."""


class Encoded(NamedTuple):
    """The bytes of a record; the key is None where no column carries it, or where the line has none."""

    key: bytes | None
    value: bytes | None


EncodeRecord = Callable[[bytes], Encoded]
"""Makes a record of a line; raises `Unreadable` where there is none."""


def open_record_encoder(contract: Contract, topic: str, schemas: Callable[[], SchemaStore] | None) -> EncodeRecord:
    """What makes records of lines; arguments and errors as in `open_encoder` and `open_key_encoder`.

    Raises:
        KeyNotInLine: the key is carried into a column, and a line is no object that could have it.
    """
    records, value = contract.records, open_encoder(contract, topic, schemas)
    if records.key is None:
        return lambda line: Encoded(None, value(line))
    column, kind = records.key.column, records.value.kind
    if kind in ("csv", "raw"):
        raise KeyNotInLine(
            f"{contract.path}: the key is carried into column {column}, and a value in {kind} is no object that could "
            "have it as a member. Nothing was sent. Send these records with a producer of your own."
        )
    key = open_key_encoder(contract, topic, schemas)

    def encode(line: bytes) -> Encoded:
        fields = read_document(line)
        carried = fields.pop(column, None)
        rest = ",".join(f"{field.key_text}:{field.text}" for field in fields.values())
        text = carried.text.strip(" \t\r\n") if carried else "null"
        return Encoded(None if text == "null" else key(text.encode()), value(f"{{{rest}}}".encode()))

    return encode
