"""From raw records to typed columns, or to the reason why not.

Works on columns. `json_layout` reads the documents that are laid out as most are; of the others DuckDB reads each that
it can be proved to read exactly, `document` reads the rest, and both give the same texts, which are typed here once;
where the others are few, `json_tokens` reads and types them one by one.
Nothing is cast in silence: "1" is no bigint, 1.5 is no bigint, true is no string, a time without an offset is no
timestamp. Where a record goes is decided in `routing`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.contracts.model import Column
from dataeng_assets.streams.decode.decoder import DETAIL, REASON, RESCUED, Decoder
from dataeng_assets.streams.decode.document import MAX_DEPTH
from dataeng_assets.streams.decode.json_layout import Layouts
from dataeng_assets.streams.decode.json_tokens import UUID, read_tokens, type_each
from dataeng_assets.streams.decode.texts import INTEGER, NUMBER, TIMESTAMP
from dataeng_assets.streams.decode.values import EXACT_IN_DOUBLE, FIRST_MICROSECOND, LAST_MICROSECOND

# DuckDB's parser accepts a comma before a closing bracket and NaN or Infinity as numbers; what might hold one of them
# outside a string is read by `document`
_TRAILING_COMMA = r",[ \t\n\r]*[\]}]"
_NOT_A_NUMBER = r"(?i)[:\[,+\-\s](nan|inf)"

_ONE_BY_ONE = 1_000

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "uuid": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


class JsonDecoder(Decoder):
    """Decodes JSON documents. Holds one in-memory DuckDB connection; not for several threads.

    Args:
        columns: of the result.
        one_by_one: documents without a known layout for which a query does not pay.
    """

    def __init__(self, columns: Sequence[Column], *, one_by_one: int = _ONE_BY_ONE) -> None:
        self._columns = tuple(columns)
        self._one_by_one = one_by_one
        self._connection = duckdb.connect(config={"threads": 2})
        self._layouts = Layouts(columns)
        self._types = {column.name: ARROW_TYPES[column.physical] for column in columns}
        self._types |= dict.fromkeys((RESCUED, REASON, DETAIL), pa.string())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """As promised: by columns where that is certain, one by one elsewhere."""
        cursor = self._connection.cursor()
        try:
            read = self._layouts.read(cursor, values)
            found: dict[str, Any] = {
                name: read.values.get(name, pa.nulls(len(values), type_))  # type: ignore[call-overload]  # takes any type
                for name, type_ in self._types.items()
            }
            if read.rows.false_count:
                unread = pc.invert(read.rows)
                others = self._decode_any(cursor, values.filter(unread))
                found = {n: pc.replace_with_mask(c, unread, others[n].combine_chunks()) for n, c in found.items()}
        finally:
            cursor.close()
        return pa.table(found)

    def _decode_any(self, cursor: duckdb.DuckDBPyConnection, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """Type records of whatever layout."""
        if len(values) <= self._one_by_one:
            return type_each(self._columns, read_tokens(self._columns, values.to_pylist()))
        every = pa.array(np.arange(len(values)), pa.int64())
        cursor.register("records", pa.table({"__row": every, "value": values}))
        tokens = _read_plain(cursor, self._columns)
        rows = pc.indices_nonzero(pc.invert(pc.is_in(every, value_set=tokens["__row"])))
        exact = pa.table({"__row": rows, **read_tokens(self._columns, values.take(rows).to_pylist())})
        cursor.register("tokens", pa.concat_tables([tokens, exact.cast(tokens.schema)]))
        return _finish(cursor.sql(_typing_sql(self._columns)).to_arrow_table(), self._types)


def _token_schema(columns: Sequence[Column]) -> list[tuple[str, pa.DataType]]:
    texts = [(name, pa.string()) for name in (*(column.name for column in columns), RESCUED, REASON, DETAIL)]
    return [("__row", pa.int64()), *texts]


def _read_plain(cursor: duckdb.DuckDBPyConnection, columns: Sequence[Column]) -> pa.Table:
    """Read the documents that DuckDB provably reads as `document` would.

    Plain: valid without leniency, an object, each key once and known; a json column additionally stands in the
    document as DuckDB writes it (DuckDB rewrites numbers and spaces: 1.10 becomes 1.1), at the only place where its
    key stands, which is certain when no escape can have written it and the quoted key occurs once.
    """
    names = [column.name for column in columns]
    shape = literal("{" + ",".join(f"{_json_string(name)}:{_json_string('JSON')}" for name in names) + "}")
    fields = ", ".join(f"fields[{literal(name)}]::VARCHAR AS {quoted(name)}" for name in names)
    exact = " AND ".join(_verbatim(column.name) for column in columns if column.physical == "json") or "true"
    known = f"[{', '.join(map(literal, names))}]"
    sql = f"""
        WITH texts AS (
            SELECT __row, try(decode(value)) AS text FROM records WHERE octet_length(value) > 0
        ), readable AS MATERIALIZED (  -- a fence: what follows fails on a text that is not JSON
            SELECT __row, text FROM texts
            WHERE CASE WHEN json_valid(text) THEN json_type(text) = 'OBJECT' ELSE false END
              AND NOT regexp_matches(text, {literal(_TRAILING_COMMA)})
              AND NOT CASE WHEN contains(lower(text), 'nan') OR contains(lower(text), 'inf')
                           THEN regexp_matches(text, {literal(_NOT_A_NUMBER)}) ELSE false END
              AND strlen(text) - strlen(replace(text, '{{', '')) <= {MAX_DEPTH // 2}
              AND strlen(text) - strlen(replace(text, '[', '')) <= {MAX_DEPTH // 2}
        ), documents AS (
            SELECT __row, text, json_keys(text) AS keys, json_transform(text, {shape}) AS fields FROM readable
        )
        SELECT __row, {fields}, NULL::VARCHAR AS {RESCUED}, NULL::VARCHAR AS {REASON}, NULL::VARCHAR AS {DETAIL}
        FROM documents
        WHERE CASE WHEN keys = {known} THEN true ELSE len(keys) = list_unique(keys) AND list_has_all({known}, keys) END
          AND {exact}
    """
    read: pa.Table = cursor.sql(sql).to_arrow_table()
    return read.cast(pa.schema(_token_schema(columns)))


def _verbatim(name: str) -> str:
    token, key = f"fields[{literal(name)}]::VARCHAR", _json_string(name)
    placed = " OR ".join(f"contains(text, {literal(key + colon)} || {token})" for colon in (":", ": "))
    # only a \u escape could write a plain name otherwise than it stands in the contract
    escape = "\\u" if name.isascii() and name.replace("_", "").isalnum() else "\\"
    once = f"strlen(text) - strlen(replace(text, {literal(key)}, '')) = {len(key.encode())}"
    is_plain = f"({token})[1] IN ('{{', '[') AND NOT contains(text, '{escape}')"
    return f"({token} IS NULL OR ({is_plain} AND {once} AND ({placed})))"


def _typing_sql(columns: Sequence[Column]) -> str:
    values = ", ".join(f"{_typed(column)[0]} AS {quoted(column.name)}" for column in columns)
    reasons, details = [], []
    for column in columns:
        token = quoted(column.name)
        if not column.nullable:
            reasons.append(f"WHEN {token} IS NULL THEN {literal('missing:' + column.name)}")
            details.append(f"WHEN {token} IS NULL THEN 'the field is required'")
        wrong = f"WHEN {token} IS NOT NULL AND NOT coalesce({_typed(column)[1]}, false) THEN "
        reasons.append(wrong + literal("type:" + column.name))
        details.append(wrong + literal(f"expected {column.physical}, found ") + f" || {_found(token)}")
    return f"""
        SELECT __row, {values}, {RESCUED},
            CASE WHEN {REASON} IS NOT NULL THEN {REASON} {" ".join(reasons)} END AS {REASON},
            CASE WHEN {REASON} IS NOT NULL THEN {DETAIL} {" ".join(details)} END AS {DETAIL}
        FROM tokens ORDER BY __row
    """


def _typed(column: Column) -> tuple[str, str]:
    """The value of a column as an expression over its token, and whether the token is of the type at all."""
    token = quoted(column.name)
    is_text, text = f"starts_with({token}, '\"')", f"json_extract_string({token}, '$')"
    match column.physical:
        case "string":
            return f"CASE WHEN {is_text} THEN {text} END", is_text
        case "uuid":
            right = f"({is_text} AND regexp_full_match({text}, {literal(UUID)}))"
            return f"CASE WHEN {right} THEN {text} END", right
        case "bigint":
            value = f"CASE WHEN regexp_full_match({token}, {literal(INTEGER)}) THEN try_cast({token} AS BIGINT) END"
            return value, f"{value} IS NOT NULL"
        case "double":
            value = f"CASE WHEN {token} = '-0' THEN 0.0::DOUBLE ELSE try_cast({token} AS DOUBLE) END"
            exact = (
                f"(NOT regexp_full_match({token}, {literal(INTEGER)}) OR abs({value}) <= {EXACT_IN_DOUBLE})"
                f" AND {token} NOT IN ('{EXACT_IN_DOUBLE + 1}', '-{EXACT_IN_DOUBLE + 1}')"
            )
            right = f"regexp_full_match({token}, {literal(NUMBER)}) AND isfinite({value}) AND {exact}"
            return f"CASE WHEN {right} THEN {value} END", f"({right})"
        case "boolean":
            return f"CASE {token} WHEN 'true' THEN true WHEN 'false' THEN false END", f"{token} IN ('true', 'false')"
        case "timestamp":
            shaped = f"{is_text} AND regexp_full_match({text}, {literal(TIMESTAMP)})"
            moment = f"CASE WHEN {shaped} THEN epoch_us(try_cast(upper({text}) AS TIMESTAMPTZ)) END"
            right = f"({moment} BETWEEN {FIRST_MICROSECOND} AND {LAST_MICROSECOND} AND NOT {_year_zero(text)})"
            return f"CASE WHEN {right} THEN {moment} END", right
        case "json":
            return token, "true"
    raise ValueError(f"column {column.name}: {column.physical} is no type of an event contract")


def _year_zero(text: str) -> str:
    return f"starts_with({text}, '0000')"


def _found(token: str) -> str:
    return (
        f"CASE {token}[1] WHEN '\"' THEN 'a string of another form' WHEN '{{' THEN 'an object' "
        f"WHEN '[' THEN 'an array' "
        f"WHEN 't' THEN 'a boolean' WHEN 'f' THEN 'a boolean' ELSE 'a number that does not fit' END"
    )


def _finish(typed: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.table({name: typed[name].cast(type_) for name, type_ in types.items()})


def _json_string(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
