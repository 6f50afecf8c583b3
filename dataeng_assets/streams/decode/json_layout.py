"""Reading JSON documents that are all laid out alike: one regular expression that proves a document and takes it apart.

The records of one producer hold the same keys in the same order. For such a layout there is an expression that matches
a document only when it is one which `json_documents` would read as keeping the contract, and whose groups are then its
values as they stand: no number near a limit, no whitespace but one space after a colon or comma. Fields that the
contract does not name have their place in a layout too. What does not match is not wrong: it is read there.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.contracts.model import Column
from dataeng_assets.streams.decode.decoder import RESCUED
from dataeng_assets.streams.decode.document import Field, Unreadable, read_document

_LEVELS = 2
"""Of objects and arrays in a json column or an unknown field; each makes the expression four times as large."""
_MOST_UNKNOWN = 16
_MOST_LAYOUTS = 8
_FEW = 20  # a layout is looked for in a batch where more than one document in so many has none that is known
_LOOKED_AT = 20
_WORTH = 1_000  # documents of such batches for which a new expression pays, as it takes some milliseconds to be made
_MOST_BYTES = 1 << 30  # texts of one column must fit into one array
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")
_COLON, _COMMA = ": ?", ", ?"
_ANY_CHARACTER = r'[^"\\\x00-\x1f]'
_ASCII_CHARACTER = r"[ !#-\[\]-\x7f]"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+\-]?[0-9]+)?"
_HEX = "[0-9a-fA-F]"
# half of a surrogate pair is no character
_UNIT = rf"[0-9a-cefA-CEF]{_HEX}{{3}}|[dD][0-7]{_HEX}{{2}}|[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}"
_TIME = pa.timestamp("us", tz="UTC")
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"


def _value(characters: str, levels: int) -> str:
    """An expression for a value of JSON but null; `levels` deep, null may stand within it."""
    scalar = f'"{characters}"|{_NUMBER}|true|false'
    if not levels:
        return scalar
    inner = f"(?:{_value(characters, levels - 1)}|null)"
    member = f'"{characters}"{_COLON}{inner}'
    return rf"{scalar}|\{{(?:{member}(?:{_COMMA}{member})*)?\}}|\[(?:{inner}(?:{_COMMA}{inner})*)?\]"


# within the limits of the types, so that nothing but the day of a month is left to be judged
_TOKENS: Mapping[str, str] = {
    "uuid": rf'"({_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})"',
    "bigint": r"(0|-?[1-9][0-9]{0,17})",
    "double": r"(0|-?[1-9][0-9]{0,14}|-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,20})",
    "boolean": "(true|false)",
    "timestamp": rf'"([12][0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:Z|[+\-]{_CLOCK}))"',
}


@dataclass(frozen=True)
class _Alphabet:
    """What texts may hold.

    Attributes:
        ascii: nothing but ASCII, of which an expression takes four fifths of the time.
        escapes: any escape; else none but short ones, and those in json columns and unknown fields only. It takes
            three times as long, for documents that the other expression does not match.
    """

    ascii: bool
    escapes: bool

    @property
    def string(self) -> str:
        """An expression for what stands in a column of texts."""
        return self.inner if self.escapes else f"{self._character}*"

    @property
    def inner(self) -> str:
        """An expression for what stands in texts of a json column or an unknown field."""
        more = rf'\\(?:["\\/bfnrt]|u(?:{_UNIT}))' if self.escapes else r'\\["\\/bfnrt]'
        return f"(?:{self._character}|{more})*"

    @property
    def _character(self) -> str:
        return _ASCII_CHARACTER if self.ascii else _ANY_CHARACTER


@dataclass(frozen=True)
class Read:
    """What was read of a batch.

    Attributes:
        values: by column, and `_rescued`; of no meaning in rows that were not read. What nobody wrote is absent.
        rows: whether each was read.
    """

    values: "Mapping[str, pa.Array[Any]]"
    rows: "pa.BooleanArray"


@dataclass(frozen=True)
class Unknown:
    """A field that the contract does not name.

    Attributes:
        nested: whether its value may be an object or an array.
    """

    name: str
    nested: bool


@dataclass(frozen=True)
class Layout:
    """Fields in the order in which documents hold them; a column that may be empty may be absent from all of them.

    Attributes:
        escapes: whether texts may hold any escape; else none but short ones, and those in json columns and unknown
            fields only.
    """

    fields: tuple[Column | Unknown, ...]
    escapes: bool = False

    def expression(self, *, ascii_only: bool) -> str:
        """Matches documents of this layout; its groups are the fields' values."""
        alphabet = _Alphabet(ascii_only, self.escapes)
        members = [f"{json.dumps(field.name)}{_COLON}{_token(field, alphabet)}" for field in self.fields]
        return rf"^\{{{_COMMA.join(members)}\}}$"

    def read(self, cursor: duckdb.DuckDBPyConnection, texts: "pa.ChunkedArray[Any]") -> Read:
        """Read the documents that are laid out so."""
        is_ascii = bool(pc.all(pc.string_is_ascii(texts)).as_py())
        groups = pl.Series("text", texts).str.extract_groups(self.expression(ascii_only=is_ascii)).struct.unnest()
        groups.columns = [field.name for field in self.fields]
        columns = [field for field in self.fields if isinstance(field, Column)]
        certain = next(column.name for column in columns if not column.nullable)
        rows: Any = groups[certain].is_not_null().to_arrow()
        values = {column.name: _typed(cursor, column, groups[column.name]) for column in columns}
        for column in columns:
            if column.physical == "timestamp":
                no_day = pc.and_(pc.is_null(values[column.name]), groups[column.name].is_not_null().to_arrow())
                rows = pc.and_not(rows, no_day)
        unknown = [field.name for field in self.fields if isinstance(field, Unknown)]
        if unknown:
            values[RESCUED] = _rescued({name: groups[name] for name in unknown})
        return Read(values, rows)


class Layouts:
    """The layouts that a topic's documents were seen to have."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._known = {column.name: column for column in columns}
        self._required = {column.name for column in columns if not column.nullable}
        self._most = _MOST_LAYOUTS
        if not self._required or not all(_PLAIN_NAME.fullmatch(name) for name in self._known):
            self._most = 0
        self._seen = list[Layout]()
        self._unread = 0

    def read(self, cursor: duckdb.DuckDBPyConnection, values: "pa.ChunkedArray[Any]") -> Read:
        """Read the documents of a batch that have one of the layouts, and learn a new one where many have none."""
        nothing: Any = pa.array(np.zeros(len(values), np.bool_))
        read = Read({}, nothing)
        if not self._most or values.nbytes > _MOST_BYTES:
            return read
        texts = _texts(cursor, values)
        for layout in self._seen:
            read = _read_on(cursor, layout, texts, read)
        many = read.rows.false_count > len(values) // _FEW
        self._unread += read.rows.false_count if many else 0
        if self._unread >= _WORTH and many and len(self._seen) < self._most:
            self._unread = 0
            found = self._new_layout(values.filter(pc.invert(read.rows)).slice(0, _LOOKED_AT).to_pylist())
            if found is not None:
                self._seen.append(found)
                read = _read_on(cursor, found, texts, read)
        return read

    def _new_layout(self, values: Sequence[bytes | None]) -> Layout | None:
        """The layout that most documents have of those whose layout is not known; one document alone makes none."""
        found = Counter(layout for layout in map(self._layout_of, values) if layout is not None)
        layout, count = found.most_common(1)[0] if found else (None, 0)
        return layout if count > 1 else None

    def _layout_of(self, value: bytes | None) -> Layout | None:
        try:
            document = read_document(value)
        except Unreadable:
            return None
        unknown = [field for name, field in document.items() if name not in self._known]
        plain = all(_PLAIN_NAME.fullmatch(field.key_text[1:-1]) for field in unknown)
        if not self._required <= document.keys() or len(unknown) > _MOST_UNKNOWN or not plain:
            return None
        layout = Layout(tuple(self._known.get(name) or _unknown(name, field) for name, field in document.items()))
        if layout in self._seen and b"\\" in (value or b""):
            layout = replace(layout, escapes=True)
        return None if layout in self._seen else layout


def _unknown(name: str, field: Field) -> Unknown:
    return Unknown(name, nested=field.text[0] in "{[")


def _read_on(cursor: duckdb.DuckDBPyConnection, layout: Layout, texts: "pa.ChunkedArray[Any]", before: Read) -> Read:
    """Read with one more layout what no other has read."""
    if not before.rows.true_count:
        return layout.read(cursor, texts)
    if not before.rows.false_count:
        return before
    unread = pc.invert(before.rows)
    read = layout.read(cursor, texts.filter(unread))
    rows: Any = pc.replace_with_mask(before.rows, unread, read.rows)
    values = {
        name: pc.replace_with_mask(_column(before, read, name), unread, _column(read, before, name))
        for name in {**before.values, **read.values}
    }
    return Read(values, rows)


def _column(of: Read, other: Read, name: str) -> "pa.Array[Any]":
    """A column of what was read; nulls where only the other has it."""
    found: pa.Array[Any] | None = of.values.get(name)
    if found is None:
        found = pa.nulls(len(of.rows), other.values[name].type)
    return found


def _texts(cursor: duckdb.DuckDBPyConnection, values: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    """Records as texts; null where one is none."""
    texts: pa.ChunkedArray[Any]
    try:
        texts = values.cast(pa.string())
    except pa.ArrowInvalid:  # one of them is not UTF-8
        cursor.register("encoded", pa.table({"value": values}))
        texts = cursor.sql("SELECT try(decode(value)) AS text FROM encoded").to_arrow_table()["text"]
    return texts


def _token(field: Column | Unknown, alphabet: _Alphabet) -> str:
    if isinstance(field, Unknown):
        return f"(null|{_value(alphabet.inner, _LEVELS if field.nested else 0)})"
    match field.physical:
        case "string":
            token = f'"({alphabet.string})"'
        case "json":
            token = f"({_value(alphabet.inner, _LEVELS)})"
        case _:
            token = _TOKENS[field.physical]
    return f"(?:null|{token})" if field.nullable else token


def _rescued(tokens: Mapping[str, pl.Series]) -> "pa.Array[Any]":
    """Unknown fields, as they stood, as one object of JSON; null where a document was not read."""
    parts = list[Any]()
    for name, token in tokens.items():
        parts += ["," if parts else "{", f"{json.dumps(name)}:", _texts_of(token)]
    rescued: pa.Array[Any] = pc.binary_join_element_wise(*parts, "}", "")
    return rescued


def _typed(cursor: duckdb.DuckDBPyConnection, column: Column, tokens: pl.Series) -> "pa.Array[Any]":
    typed: pa.Array[Any]
    match column.physical:
        case "bigint":
            typed = tokens.cast(pl.Int64).to_arrow()
        case "double":
            typed = tokens.cast(pl.Float64).to_arrow()
        case "boolean":
            typed = (tokens == "true").to_arrow()
        case "timestamp":
            typed = _moments(cursor, tokens)
        case "string":
            typed = _characters(tokens)
        case _:
            typed = _texts_of(tokens)
    return typed


def _characters(tokens: pl.Series) -> "pa.Array[Any]":
    """The texts that tokens of JSON, without their quotes, stand for."""
    texts, escaped = _texts_of(tokens), tokens.str.contains("\\", literal=True).fill_null(value=False)
    if not escaped.any():
        return texts
    meant: pa.Array[Any] = pa.array([json.loads(f'"{token}"') for token in tokens.filter(escaped)], pa.string())
    replaced: pa.Array[Any] = pc.replace_with_mask(texts, escaped.to_arrow(), meant)
    return replaced


def _texts_of(tokens: pl.Series) -> "pa.Array[Any]":
    texts: pa.Array[Any] = tokens.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
    return texts


def _moments(cursor: duckdb.DuckDBPyConnection, tokens: pl.Series) -> "pa.Array[Any]":
    """Times in UTC; null where there is no such day."""
    texts: pa.Array[Any] = tokens.to_arrow(compat_level=pl.CompatLevel.oldest())
    moments: pa.Array[Any]
    try:
        moments = texts.cast(_TIME)
    except pa.ArrowInvalid:  # one of them names no day, and Arrow does not say which
        cursor.register("moments", pa.table({"token": texts}))
        found = cursor.sql("SELECT epoch_us(try_cast(token AS TIMESTAMPTZ)) AS moment FROM moments").to_arrow_table()
        cursor.unregister("moments")
        moments = found["moment"].combine_chunks().cast(_TIME)
    return moments
