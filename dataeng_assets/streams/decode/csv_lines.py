"""Records that are one line of CSV each, in the order of the contract's columns.

A line without quotes is split by columns. One with quotes, with an end of line or with anything else that two readers
might take differently is read one by one, by `read_line`, which is the full definition of what is readable. An empty
field is no value; an empty text stands in quotes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from dataeng_assets.contracts.model import Column
from dataeng_assets.contracts.record_format import RecordFormat
from dataeng_assets.streams.decode.decoder import Decoder
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.framed import repaired
from dataeng_assets.streams.decode.rows import array_of, decode_each, is_null, schema_of, table
from dataeng_assets.streams.decode.texts import INTEGER, NUMBER, typed_text

_SURE_DIGITS = 15
"""Integers of so many digits fit into every type of a number."""
_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z$"


class CsvDecoder(Decoder):
    """Decodes lines of CSV."""

    def __init__(self, columns: Sequence[Column], said: RecordFormat) -> None:
        self._columns, self._said = tuple(columns), said
        self._schema = schema_of(columns)

    def close(self) -> None:
        """Nothing is held."""

    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """As promised: by columns where that is certain, one by one elsewhere."""
        lines = pl.Series("line", values.to_pylist(), dtype=pl.Binary)
        texts = _texts(lines)
        frame = pl.DataFrame({"line": texts}).with_columns(
            parts=pl.col("line").str.split(self._said.delimiter),
            plain=self._is_plain(),
        )
        ok = (
            (frame["plain"] & (frame["parts"].list.len() == len(self._columns)))
            .fill_null(value=False)
            .to_numpy()
            .copy()
        )
        arrays: dict[str, Any] = {}
        for place, column in enumerate(self._columns):
            field = frame.select(pl.col("parts").list.get(place, null_on_oob=True).alias("text"))["text"]
            arrays[column.name] = _column(column, field.set(field == "", None), ok)
        nothing = [None] * len(lines)
        fast = table(self._columns, arrays, {"_rescued": nothing, "reason": nothing, "detail": nothing})
        return repaired(fast.cast(self._schema), ok, lambda rest: self._each(values.take(rest)))

    def decode_each(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """One by one: what `decode` must equal."""
        return self._each(values)

    def _each(self, values: Any) -> pa.Table:
        return decode_each(self._columns, values.to_pylist(), self._row).cast(self._schema)

    def _is_plain(self) -> pl.Expr:
        line, usual = pl.col("line"), pl.lit(value=True)
        for mark in (self._said.quote, "\r", "\n", "\0"):
            usual &= ~line.str.contains(mark, literal=True)
        header = self._said.delimiter.join(column.name for column in self._columns)
        return usual & (line != "") & ((line != header) if self._said.header else pl.lit(value=True))

    def _row(self, line: bytes | None) -> Mapping[str, Any]:
        fields = read_line(line, self._said.delimiter, self._said.quote)
        if self._said.header and [field for field, _ in fields] == [column.name for column in self._columns]:
            raise Unreadable("header", "the line repeats the names of the columns")
        if len(fields) != len(self._columns):
            raise Unreadable("field_count", f"the line has {len(fields)} fields, not {len(self._columns)}")
        return {
            column.name: typed_text(column, text) if text or is_quoted else is_null(column)
            for column, (text, is_quoted) in zip(self._columns, fields, strict=True)
        }


def read_line(line: bytes | None, delimiter: str, quote: str) -> list[tuple[str, bool]]:
    """The fields of one line: each text, and whether it stood in quotes.

    One end of line at its end is no part of it. A quote within quotes is doubled.

    Raises:
        Unreadable: with the reason empty, not_utf8 or not_csv.
    """
    if not line:
        raise Unreadable("empty", "the record has no value")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", f"byte {error.start} is not UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    fields: list[tuple[str, bool]] = []
    at = 0
    while True:
        field, at = _quoted(text, at, quote) if text.startswith(quote, at) else _bare(text, at, delimiter, quote)
        fields.append(field)
        if at == len(text):
            return fields
        if text[at] != delimiter:
            raise Unreadable("not_csv", f"character {at} follows a quoted field, and is no delimiter")
        at += 1


def _quoted(text: str, at: int, quote: str) -> tuple[tuple[str, bool], int]:
    parts, start = [], at + 1
    while True:
        end = text.find(quote, start)
        if end < 0:
            raise Unreadable("not_csv", f"the quote at character {at} has no end")
        parts.append(text[start:end])
        if not text.startswith(quote, end + 1):
            return (quote.join(parts), True), end + 1
        start = end + 2


def _bare(text: str, at: int, delimiter: str, quote: str) -> tuple[tuple[str, bool], int]:
    end = text.find(delimiter, at)
    end = len(text) if end < 0 else end
    field = text[at:end]
    if any(mark in field for mark in (quote, "\r", "\n")):
        raise Unreadable("not_csv", f"a quote or an end of line in a field without quotes, from character {at} on")
    return (field, False), end


def _texts(lines: pl.Series) -> pl.Series:
    """The lines as texts, null where there is none or it is no UTF-8."""
    try:
        return lines.cast(pl.String)
    except pl.exceptions.PolarsError:
        return pl.Series("line", [_text(line) for line in lines.to_list()], dtype=pl.String)


def _text(line: bytes | None) -> str | None:
    try:
        return line.decode() if line is not None else None
    except UnicodeDecodeError:
        return None


def _column(column: Column, texts: pl.Series, ok: "np.typing.NDArray[np.bool_]") -> Any:
    """One column of all lines; `ok` is taken from those of which the value is not certain."""
    empty = texts.is_null().to_numpy()
    if not column.nullable:
        ok &= ~empty
    made = _by_columns(column, texts)
    if made is None:
        return _one_by_one(column, texts, ok)
    ok &= empty | made.is_not_null().to_numpy()
    return made.to_arrow().cast(column.type.arrow)


def _by_columns(column: Column, texts: pl.Series) -> pl.Series | None:
    """The values, null where one is not certain; None for a type that is read one by one."""
    text = pl.col("text")
    match column.physical:
        case "string":
            made = text
        case "uuid":
            made = pl.when(text.str.contains(_UUID)).then(text)
        case "bigint":
            is_sure = text.str.contains(f"^{INTEGER}$") & (text.str.len_bytes() <= _SURE_DIGITS)
            made = pl.when(is_sure).then(text).cast(pl.Int64, strict=False)
        case "double":
            is_sure = text.str.contains(f"^{NUMBER}$") & (text.str.len_bytes() <= _SURE_DIGITS) & (text != "-0")
            made = pl.when(is_sure).then(text).cast(pl.Float64, strict=False)
            made = pl.when(made.is_finite()).then(made)
        case "boolean":
            made = pl.when(text.is_in(["true", "false"])).then(text == "true")
        case "timestamp":
            shaped = pl.when(text.str.contains(_MOMENT) & ~text.str.starts_with("0000")).then(text)
            made = shaped.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", strict=False)
            made = made.dt.replace_time_zone("UTC")
        case _:
            return None
    return pl.DataFrame({"text": texts}).select(made.alias("made"))["made"]


def _one_by_one(column: Column, texts: pl.Series, ok: "np.typing.NDArray[np.bool_]") -> Any:
    values: list[Any] = []
    for row, text in enumerate(texts.to_list()):
        value = None
        if text is not None and ok[row]:
            try:
                value = typed_text(column, text)
            except Unreadable:
                ok[row] = False
        values.append(value)
    return array_of(column, values)
