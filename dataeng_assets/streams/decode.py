"""From raw records to typed columns, or to the reason why not.

Works on columns: DuckDB reads every document that it can be proved to read exactly, `document` reads the others, and
both give the same texts, which are typed here once. Nothing is cast in silence: "1" is no bigint, 1.5 is no bigint,
true is no string, a time without an offset is no timestamp. Where a record goes is decided in `routing`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.contracts.model import Column
from dataeng_assets.streams.document import MAX_DEPTH, Field, Unreadable, read_document

RESCUED = "_rescued"
REASON = "reason"
DETAIL = "detail"

# DuckDB's parser accepts a comma before a closing bracket and NaN or Infinity as numbers; what might hold one of them
# outside a string is read by `document`
_TRAILING_COMMA = r",[ \t\n\r]*[\]}]"
_NOT_A_NUMBER = r"(?i)[:\[,+\-\s](nan|inf)"

_INTEGER = r"-?(0|[1-9][0-9]*)"
_NUMBER = _INTEGER + r"(\.[0-9]+)?([eE][+\-]?[0-9]+)?"
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# RFC 3339 to the microsecond: more digits could not be kept, a leap second has no place in the type
_TIMESTAMP = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    r"([Zz]|[+\-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_FIRST_MICROSECOND, _LAST_MICROSECOND = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999
_EXACT_IN_DOUBLE = 2**53

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "uuid": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


class Decoder:
    """Decodes batches of one contract's records. Holds one in-memory DuckDB connection; not for several threads."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._connection = duckdb.connect(config={"threads": 2})
        self._names = {column.name for column in columns}

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """Type every record.

        Args:
            values: the records' values, binary, null for a record without one.

        Returns:
            As many rows in the same order: the contract's columns, `_rescued` (unknown fields as a JSON object),
            `reason` and `detail` (both null where the record keeps the contract).
        """
        cursor = self._connection.cursor()
        try:
            cursor.register("records", pa.table({"__row": pa.array(range(len(values)), pa.int64()), "value": values}))
            tokens = _read_plain(cursor, self._columns)
            rest = pc.invert(pc.is_in(pa.array(range(len(values)), pa.int64()), value_set=tokens["__row"]))
            rows = pc.indices_nonzero(rest)
            exact = self._read_exactly(rows, values.take(rows))
            cursor.register("tokens", pa.concat_tables([tokens, exact]))
            typed = cursor.sql(_typing_sql(self._columns)).to_arrow_table()
        finally:
            cursor.close()
        return _finish(typed, self._columns)

    def _read_exactly(self, rows: "pa.Array[Any]", values: "pa.ChunkedArray[Any]") -> pa.Table:
        names = [column.name for column in self._columns]
        out: dict[str, list[object]] = {name: [] for name in ("__row", *names, RESCUED, REASON, DETAIL)}
        for row, value in zip(rows.to_pylist(), values.to_pylist(), strict=True):
            fields: dict[str, Field] = {}
            reason = detail = None
            try:
                fields = read_document(value)
            except Unreadable as error:
                reason, detail = error.reason, error.detail
            out["__row"].append(row)
            for name in names:
                field = fields.get(name)
                out[name].append(None if field is None or field.text == "null" else field.text)
            out[RESCUED].append(_rescued(item for key, item in fields.items() if key not in self._names))
            out[REASON].append(reason)
            out[DETAIL].append(detail)
        return pa.table({name: pa.array(out[name], type_) for name, type_ in _token_schema(self._columns)})


def _token_schema(columns: Sequence[Column]) -> list[tuple[str, pa.DataType]]:
    texts = [(name, pa.string()) for name in (*(column.name for column in columns), RESCUED, REASON, DETAIL)]
    return [("__row", pa.int64()), *texts]


def _rescued(fields: Iterable[Field]) -> str | None:
    texts = [f"{field.key_text}:{field.text}" for field in fields]
    return "{" + ",".join(texts) + "}" if texts else None


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
            right = f"({is_text} AND regexp_full_match({text}, {literal(_UUID)}))"
            return f"CASE WHEN {right} THEN {text} END", right
        case "bigint":
            value = f"CASE WHEN regexp_full_match({token}, {literal(_INTEGER)}) THEN try_cast({token} AS BIGINT) END"
            return value, f"{value} IS NOT NULL"
        case "double":
            value = f"CASE WHEN {token} = '-0' THEN 0.0::DOUBLE ELSE try_cast({token} AS DOUBLE) END"
            exact = (
                f"(NOT regexp_full_match({token}, {literal(_INTEGER)}) OR abs({value}) <= {_EXACT_IN_DOUBLE})"
                f" AND {token} NOT IN ('{_EXACT_IN_DOUBLE + 1}', '-{_EXACT_IN_DOUBLE + 1}')"
            )
            right = f"regexp_full_match({token}, {literal(_NUMBER)}) AND isfinite({value}) AND {exact}"
            return f"CASE WHEN {right} THEN {value} END", f"({right})"
        case "boolean":
            return f"CASE {token} WHEN 'true' THEN true WHEN 'false' THEN false END", f"{token} IN ('true', 'false')"
        case "timestamp":
            shaped = f"{is_text} AND regexp_full_match({text}, {literal(_TIMESTAMP)})"
            moment = f"CASE WHEN {shaped} THEN epoch_us(try_cast(upper({text}) AS TIMESTAMPTZ)) END"
            right = f"({moment} BETWEEN {_FIRST_MICROSECOND} AND {_LAST_MICROSECOND} AND NOT {_year_zero(text)})"
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


def _finish(typed: pa.Table, columns: Sequence[Column]) -> pa.Table:
    types = {column.name: ARROW_TYPES[column.physical] for column in columns}
    names = [*types, RESCUED, REASON, DETAIL]
    return pa.table({name: typed[name].cast(types.get(name, pa.string())) for name in names})


def _json_string(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
