"""Reading many Avro records of one schema at a time: each field of all records in one step.

A place is kept for every record and moved over one field after another, so nothing is ever read beyond a record, and
one broken record breaks no other. Only what `avro_record` would read alike is read here; a record of which that is not
certain is left to it, together with the reason. Fields with parts are read by it in any case.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.contracts.model import Column
from dataeng_assets.streams.decode.avro_record import read_value
from dataeng_assets.streams.decode.avro_schema import Field, Node
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.rows import Source, array_of
from dataeng_assets.streams.decode.values import (
    EXACT_IN_DOUBLE,
    FIRST_DAY,
    FIRST_MICROSECOND,
    LAST_DAY,
    LAST_MICROSECOND,
    Value,
    rescued,
    typed,
)

_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_BY_COLUMNS = frozenset(
    (
        ("text", "string"), ("text", "uuid"), ("integer", "bigint"), ("integer", "double"), ("float", "double"),
        ("boolean", "boolean"), ("bytes", "bytes"), ("micros", "timestamp"), ("millis", "timestamp"),
        ("nanos", "timestamp"), ("days", "date"),
    )
)  # fmt: skip
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class AvroColumns:
    """Reads the bodies of records.

    Attributes:
        ok: for each record, whether it was read; the rows of the others mean nothing.
    """

    def __init__(self, bodies: "pa.Array[Any]") -> None:
        """Begin.

        Args:
            bodies: values without headers, large binary, none null.
        """
        buffers: list[Any] = bodies.buffers()
        _, offsets, data = buffers
        bounds = np.frombuffer(offsets, np.int64)[bodies.offset : bodies.offset + len(bodies) + 1]
        # a padding, so that what is read of a record that has ended is still there to be looked at
        self._data = np.concatenate(
            [np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8), np.zeros(16, np.uint8)]
        )
        self._text: Any = memoryview(self._data.data)
        self._at, self._end = bounds[:-1].copy(), bounds[1:].copy()
        self.ok: Mask = np.ones(len(bodies), np.bool_)

    def read(self, fields: Sequence[Field], sources: Sequence[Source]) -> "tuple[dict[str, Any], list[str | None]]":
        """Columns by name, and the texts of `_rescued`."""
        wanted = {source.field: source.column for source in sources if source.field is not None}
        arrays: dict[str, Any] = {}
        unknown: dict[str, list[Value | None]] = {}
        for field in fields:
            column = wanted.get(field.name)
            if column is None:
                unknown[field.name] = self._each(field.node)
            else:
                arrays[column.name] = self._column(column, field.node)
        for source in sources:
            if source.field is None:
                arrays[source.column.name] = self._constant(source)
        self.ok &= self._at == self._end
        return arrays, self._rescued(unknown)

    def _rescued(self, unknown: Mapping[str, list[Value | None]]) -> list[str | None]:
        if not unknown:
            return [None] * len(self.ok)
        rows = zip(*unknown.values(), strict=True)
        return [
            rescued({name: value for name, value in zip(unknown, row, strict=True) if value}) if ok else None
            for row, ok in zip(rows, self.ok.tolist(), strict=True)
        ]

    def _constant(self, source: Source) -> "pa.Array[Any]":
        value = None
        try:
            value = typed(source.column, source.default)
        except Unreadable:
            self.ok[:] = False
        return array_of(source.column, [value] * len(self.ok))

    def _each(self, node: Node) -> list[Value | None]:
        """One field of every record by `avro_record`."""
        found: list[Value | None] = [None] * len(self.ok)
        ends = self._end.tolist()
        for row in np.flatnonzero(self.ok).tolist():
            at = int(self._at[row])
            try:
                found[row], used = read_value(node, self._text[at : ends[row]].tobytes(), 0)
                self._at[row] = at + used
            except Unreadable:
                self.ok[row] = False
        return found

    def _column(self, column: Column, node: Node) -> "pa.Array[Any]":
        branches = node.parts if node.kind == "union" else (node,)
        real = [branch for branch in branches if branch.kind != "null"]
        if len(real) != 1 or (real[0].means, column.physical) not in _BY_COLUMNS:
            return self._typed_each(column, node)
        rows = np.flatnonzero(self.ok)
        if node.kind == "union":
            branch = self._longs(rows)
            self.ok[rows] &= (branch >= 0) & (branch < len(branches))
            is_null = np.array([one.kind == "null" for one in branches])[branch.clip(0, len(branches) - 1)]
            if not column.nullable:
                self.ok[rows[is_null]] = False
            rows = rows[~is_null & self.ok[rows]]
        return self._scalar(column, real[0], rows)

    def _typed_each(self, column: Column, node: Node) -> "pa.Array[Any]":
        values: list[Any] = [None] * len(self.ok)
        for row, value in enumerate(self._each(node)):
            if value is not None and self.ok[row]:
                try:
                    values[row] = typed(column, value)
                except Unreadable:
                    self.ok[row] = False
        return array_of(column, values)

    def _scalar(self, column: Column, node: Node, rows: Numbers) -> "pa.Array[Any]":
        if node.kind in ("string", "bytes", "fixed"):
            return self._spans(column, node, rows)
        if node.kind in ("float", "double"):
            return self._placed(self._floats(node, rows), rows, pa.float64())
        if node.kind == "boolean":
            byte = self._fixed(rows, 1)[:, 0]
            self.ok[rows] &= byte <= 1
            return self._placed(byte == 1, rows, pa.bool_())
        numbers = self._longs(rows)
        if node.kind == "enum":
            self.ok[rows] &= (numbers >= 0) & (numbers < len(node.symbols))
            symbols = pa.array(node.symbols, pa.string())
            indices = self._placed(numbers.clip(0, len(node.symbols) - 1), rows, pa.int64())
            return self._fitting(column, symbols.take(indices))
        if node.kind == "int":
            self.ok[rows] &= (numbers >= -(2**31)) & (numbers < 2**31)
        return self._number(column, node, rows, numbers)

    def _number(self, column: Column, node: Node, rows: Numbers, numbers: Numbers) -> "pa.Array[Any]":
        match node.means:
            case "days":
                self._bound(rows, numbers, FIRST_DAY, LAST_DAY)
                return self._placed(numbers.clip(FIRST_DAY, LAST_DAY), rows, pa.int32()).cast(pa.date32())
            case "micros" | "millis" | "nanos":
                if node.means == "nanos":
                    self.ok[rows] &= numbers % 1000 == 0
                    numbers = numbers // 1000
                unit = 1000 if node.means == "millis" else 1
                first, last = -(-FIRST_MICROSECOND // unit), LAST_MICROSECOND // unit
                self._bound(rows, numbers, first, last)
                return self._placed(numbers.clip(first, last) * unit, rows, pa.int64()).cast(column.type.arrow)
        if column.physical == "double":
            self._bound(rows, numbers, -EXACT_IN_DOUBLE, EXACT_IN_DOUBLE)
            return self._placed(numbers.astype(np.float64), rows, pa.float64())
        return self._placed(numbers, rows, pa.int64())

    def _bound(self, rows: Numbers, numbers: Numbers, first: int, last: int) -> None:
        self.ok[rows] &= (numbers >= first) & (numbers <= last)

    def _spans(self, column: Column, node: Node, rows: Numbers) -> "pa.Array[Any]":
        """Bytes and texts, copied out of the records in one go."""
        lengths = np.full(len(rows), node.size, np.int64) if node.kind == "fixed" else self._longs(rows)
        starts = self._at[rows]
        # compared without a sum, which a length near the largest number would overflow
        inside = self.ok[rows] & (lengths >= 0) & (lengths <= self._end[rows] - starts)
        self.ok[rows] &= inside
        lengths = np.where(inside, lengths, 0)
        self._at[rows] = starts + lengths
        ends = np.cumsum(lengths)
        picked = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
        data = self._data[picked]
        if node.kind == "string":
            self.ok[rows] &= self._is_text(data, ends, lengths)
        sizes = np.zeros(len(self.ok) + 1, np.int64)
        sizes[rows + 1] = lengths
        valid = np.zeros(len(self.ok), np.bool_)
        valid[rows] = self.ok[rows]
        buffers = [pa.array(valid).buffers()[1], _buffer(np.cumsum(sizes)), _buffer(data)]
        made = pa.Array.from_buffers(pa.large_binary(), len(self.ok), buffers)
        return made.cast(pa.binary()) if node.kind != "string" else self._fitting(column, made.cast(pa.string()))

    def _is_text(self, data: "npt.NDArray[np.uint8]", ends: Numbers, lengths: Numbers) -> Mask:
        """Which spans are surely UTF-8: all, where all of them together are one by one; else those of ASCII alone."""
        offsets = np.concatenate([np.zeros(1, np.int64), ends])
        texts = pa.Array.from_buffers(pa.large_binary(), len(lengths), [None, _buffer(offsets), _buffer(data)])
        try:
            texts.cast(pa.large_string())
        except pa.ArrowInvalid:
            high = np.concatenate([np.zeros(1, np.int64), np.cumsum(data >= 0x80)])
            return np.asarray(high[offsets[1:]] == high[offsets[:-1]])
        return np.ones(len(lengths), np.bool_)

    def _fitting(self, column: Column, texts: "pa.Array[Any]") -> "pa.Array[Any]":
        if column.physical == "uuid":
            fits: Any = pc.match_substring_regex(texts, _UUID)
            self.ok &= fits.fill_null(True).to_numpy(zero_copy_only=False)
        return texts

    def _placed(self, values: Any, rows: Numbers, kind: pa.DataType) -> "pa.Array[Any]":
        """The values of some rows at their places, null elsewhere."""
        whole = np.zeros(len(self.ok), values.dtype)
        whole[rows] = values
        missing = np.ones(len(self.ok), np.bool_)
        missing[rows] = False
        return pa.array(whole, kind, mask=missing)

    def _floats(self, node: Node, rows: Numbers) -> "npt.NDArray[np.float64]":
        size = 4 if node.kind == "float" else 8
        data = np.ascontiguousarray(self._fixed(rows, size))
        return data.view(f"<f{size}")[:, 0].astype(np.float64)

    def _fixed(self, rows: Numbers, size: int) -> "npt.NDArray[np.uint8]":
        """As many bytes of each row."""
        at = self._at[rows]
        inside = self._end[rows] - at >= size
        self.ok[rows] &= inside
        at = np.where(inside, at, 0)
        self._at[rows] += np.where(inside, size, 0)
        # size is at most 8 here, and the padding is longer
        picked: npt.NDArray[np.uint8] = self._data[at[:, None] + np.arange(size)]
        return picked

    def _longs(self, rows: Numbers) -> Numbers:
        """One varint of each row."""
        value = np.zeros(len(rows), np.uint64)
        live = np.arange(len(rows))
        for step in range(10):
            places = rows[live]
            at = self._at[places]
            byte = self._data[at]
            inside = at < self._end[places]
            # the tenth byte holds what is left of 64 bits: one
            self.ok[places] &= inside & ((byte <= 1) | (step < 9))
            value[live] |= (byte & 0x7F).astype(np.uint64) << np.uint64(7 * step)
            self._at[places] = at + inside
            live = live[inside & (byte >= 0x80)]
            if not len(live):
                break
        return (value >> np.uint64(1)).astype(np.int64) ^ -(value & np.uint64(1)).astype(np.int64)


def _buffer(numbers: Any) -> pa.Buffer:
    return pa.py_buffer(numbers)
