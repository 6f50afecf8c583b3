"""Protobuf messages from JSON objects, by the mapping of proto3 to JSON that Protobuf itself defines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import EncodeError

from dataeng_assets.contracts.compatibility.protobuf.document import read_protobuf
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.encode.members import members


class ProtobufWriter:
    """Writes one message.

    Args:
        message: its descriptor.
        place: which of its file it is, for the header.
    """

    def __init__(self, message: Any, place: int = 0) -> None:
        self._message = message_factory.GetMessageClass(message)
        # the first message is told by a single 0; another by how many places follow, and its own
        self._place = b"\0" if place == 0 else _zigzag(1) + _zigzag(place)

    @classmethod
    def of_file(cls, text: str, given: Mapping[str, str], message: str) -> Self:
        """The writer of a message of a registered file.

        Args:
            text: the file.
            given: the files that it imports, by the path that an import names.
            message: its full name; the file's first when empty.

        Raises:
            ContractError: it does not compile, or has no such message.
        """
        path = Path("schema.proto")
        file = read_protobuf(text, path, {name: one.encode() for name, one in given.items()})
        said = FileDescriptorProto()
        file.CopyToProto(said)
        found = [file.message_types_by_name[one.name] for one in said.message_type]
        names = [str(one.full_name) for one in found]
        if not names or (message and message not in names):
            raise ContractError(path, "message", message or "none named", f"one of {', '.join(names) or 'none'}")
        place = names.index(message) if message else 0
        return cls(found[place], place)

    def write(self, document: bytes) -> bytes:
        """The bytes of a message.

        Raises:
            Unreadable: the document is no JSON object, or does not fit the message: `type:` and the field's name.
        """
        members(document)  # which refuses what Protobuf's parser would take: a key that occurs twice
        given: dict[str, Any] = json.loads(document)
        message = self._message()
        try:
            json_format.ParseDict(given, message)
        except json_format.ParseError:
            raise self._misfit(given) from None
        try:
            return bytes(message.SerializeToString(deterministic=True))
        except EncodeError:
            raise Unreadable("not_protobuf", "a field that the schema requires is not there") from None

    def write_placed(self, document: bytes) -> bytes:
        """As `write`, behind the places that a header of the Confluent wire format has for Protobuf."""
        return self._place + self.write(document)

    def _misfit(self, given: Mapping[str, Any]) -> Unreadable:
        """Which field it is, without its value, which the parser's own words repeat."""
        known = {name for one in self._message.DESCRIPTOR.fields for name in (one.name, one.json_name)}
        for name, said in given.items():
            if name not in known:
                return Unreadable(f"unknown:{name}", "the schema has no such field, so that it would be lost")
            try:
                json_format.ParseDict({name: said}, self._message())
            except json_format.ParseError:
                return Unreadable(f"type:{name}", "it is no value of the field's type in the schema")
        return Unreadable("not_protobuf", f"the document is no {self._message.DESCRIPTOR.name}")


def _zigzag(number: int) -> bytes:
    rest, out = number << 1, bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])
