"""Whole records to columns: the value by its format, and beside it the key and the record's own time, where they go."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.contracts.record_format import RecordFormat
from dataeng_assets.kafka.registry.schemas import SchemaRegistry
from dataeng_assets.streams.decode.decoder import DETAIL, REASON, RESCUED, Decoder, open_decoder
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.rows import decode_each, is_null
from dataeng_assets.streams.decode.texts import typed_json, typed_text

KEY = "key:"
"""Begins the reason of a record whose key cannot be read."""
_ABOUT_COLUMNS = ("type:", "missing:")


class RecordDecoder:
    """Decodes batches of one contract's records. Holds connections; not for several threads."""

    def __init__(self, contract: Contract, registry: SchemaRegistry | None = None) -> None:
        self._contract = contract
        self._value = open_decoder(contract, registry)
        self._key = _open_key(contract, registry)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what it holds."""
        self._value.close()
        if self._key:
            self._key.close()

    @property
    def new_schemas(self) -> Mapping[str, Sequence[int]]:
        """Schemas of a registry that the last batch named and none before it, with the rows that do."""
        return {**(self._key.new_schemas if self._key else {}), **self._value.new_schemas}

    def decode(self, records: pa.Table) -> pa.Table:
        """Type every record.

        Args:
            records: with `value`, and with `key` and `timestamp` where they have them.

        Returns:
            As `Decoder.decode`. Where value and key are both broken, the value gives the reason.
        """
        decoded = self._value.decode(records["value"])
        key, time = self._contract.records.key, self._contract.records.time
        if key and self._key:
            keys = _given(records, "key", pa.binary())
            found = self._key.decode(keys)
            reasons, details = self._why(keys, found)
            decoded = _beside(decoded, key.column, found[key.column], reasons, details)
        if time:
            column = self._contract.column(time)
            times = _given(records, "timestamp", column.type.arrow)
            none = [not valid and not column.nullable for valid in times.is_valid().to_pylist()]
            reasons = pa.array([f"missing:{time}" if one else None for one in none], pa.string())
            details = pa.array(["the record has no timestamp" if one else None for one in none], pa.string())
            decoded = _beside(decoded, time, times.cast(column.type.arrow), reasons, details)
        return decoded.select([*(column.name for column in self._contract.columns), RESCUED, REASON, DETAIL])

    def _why(self, keys: Any, found: pa.Table) -> "tuple[pa.Array[Any], pa.Array[Any]]":
        """What is wrong with each key; a key that is not there is no broken one."""
        column = self._contract.column(self._contract.records.key.column if self._contract.records.key else "")
        absent = (None, None) if column.nullable else (f"missing:{column.name}", "the record has no key")
        why = [
            (reason if reason is None or reason.startswith(_ABOUT_COLUMNS) else KEY + reason, detail)
            if valid
            else absent
            for valid, reason, detail in zip(
                keys.is_valid().to_pylist(), found[REASON].to_pylist(), found[DETAIL].to_pylist(), strict=True
            )
        ]
        return pa.array([one for one, _ in why], pa.string()), pa.array([one for _, one in why], pa.string())


def _given(records: pa.Table, name: str, kind: pa.DataType) -> "pa.ChunkedArray[Any]":
    if name in records.column_names:
        return records[name]
    return pa.chunked_array([pa.array([None] * len(records), kind)])


def _beside(decoded: pa.Table, name: str, values: Any, reasons: Any, details: Any) -> pa.Table:
    is_first = pc.is_null(decoded[REASON])
    for said, more in ((DETAIL, details), (REASON, reasons)):
        place = decoded.schema.get_field_index(said)
        decoded = decoded.set_column(place, said, pc.if_else(is_first, more, decoded[said]))
    return decoded.append_column(name, values)


def _open_key(contract: Contract, registry: SchemaRegistry | None) -> Decoder | None:
    key = contract.records.key
    if key is None:
        return None
    column = contract.column(key.column)
    if key.format.kind == "avro":
        from dataeng_assets.streams.decode.avro import AvroDecoder

        return AvroDecoder([column], key.format, registry, around=column.name)
    return _KeyDecoder(column, key.format)


class _KeyDecoder(Decoder):
    """Decodes keys that are bytes, a text, or one value of JSON."""

    def __init__(self, column: Column, said: RecordFormat) -> None:
        self._column, self._said = column, said

    def close(self) -> None:
        """Nothing is held."""

    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """As promised, each different key once."""
        encoded: Any = pa.concat_arrays([pa.array([], pa.binary()), *values.chunks]).dictionary_encode()
        keys = [*encoded.dictionary.to_pylist(), None]
        known = decode_each([self._column], keys, self._read)
        return known.take(encoded.indices.fill_null(len(keys) - 1))

    def _read(self, key: bytes | None) -> dict[str, Any]:
        return {self._column.name: is_null(self._column) if key is None else self._value(key)}

    def _value(self, key: bytes) -> Any:
        if self._said.kind == "raw":
            return key
        try:
            text = key.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable("not_utf8", f"byte {error.start} is not UTF-8") from None
        return typed_json(self._column, text) if self._said.kind == "json" else typed_text(self._column, text)
