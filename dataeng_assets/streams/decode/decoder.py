"""What every decoder promises, and which one reads the records of a contract. How a format is read has its module."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import pyarrow as pa

from dataeng_assets.contracts.model import Contract
from dataeng_assets.kafka.registry.schemas import SchemaRegistry

RESCUED = "_rescued"
REASON = "reason"
DETAIL = "detail"


class Decoder(ABC):
    """Decodes batches of one contract's records. Holds connections; not for several threads.

    Attributes:
        new_schemas: schemas of a registry that the last batch named and none before it, with the rows that do.
    """

    new_schemas: Mapping[str, Sequence[int]] = MappingProxyType({})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of what it holds."""

    @abstractmethod
    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """Type every record.

        Args:
            values: the records' values, binary, null for a record without one.

        Returns:
            As many rows in the same order: the contract's columns, `_rescued` (unknown fields as a JSON object),
            `reason` and `detail` (both null where the record keeps the contract).
        """


def open_decoder(contract: Contract, registry: SchemaRegistry | None = None) -> Decoder:
    """The decoder of the values of a contract's records.

    Args:
        contract: says how they are written.
        registry: knows the schemas that records name by a number.

    Raises:
        ContractError: the schema beside the contract cannot be used.
    """
    said, carried = contract.records.value, contract.records.carried
    columns = tuple(column for column in contract.columns if column.name not in carried)
    match said.kind:
        case "avro":
            from dataeng_assets.streams.decode.avro import AvroDecoder

            return AvroDecoder(columns, said, registry)
        case "csv":
            from dataeng_assets.streams.decode.csv_lines import CsvDecoder

            return CsvDecoder(columns, said)
        case "protobuf":
            from dataeng_assets.streams.decode.protobuf import ProtobufDecoder

            return ProtobufDecoder(columns, said, registry)
        case "raw":
            from dataeng_assets.streams.decode.raw_bytes import RawDecoder

            return RawDecoder(columns)
    from dataeng_assets.streams.decode.json_documents import JsonDecoder

    if said.wire == "plain":
        return JsonDecoder(columns)
    from dataeng_assets.streams.decode.framed_json import FramedJsonDecoder

    return FramedJsonDecoder(columns, said.wire, registry)
