"""Records that are carried as they are: one column holds the bytes."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from dataeng_assets.contracts.model import Column
from dataeng_assets.streams.decode.decoder import Decoder
from dataeng_assets.streams.decode.rows import table


class RawDecoder(Decoder):
    """Carries bytes; only a record without a value can be wrong, where the column is required."""

    def __init__(self, columns: Sequence[Column]) -> None:
        (self._column,) = columns

    def close(self) -> None:
        """Nothing is held."""

    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """As promised."""
        missing = [not valid and not self._column.nullable for valid in values.is_valid().to_pylist()]
        name = self._column.name
        said = {
            "_rescued": [None] * len(missing),
            "reason": [f"missing:{name}" if one else None for one in missing],
            "detail": ["the record has none" if one else None for one in missing],
        }
        return table([self._column], {name: values.cast(pa.binary())}, said)
