"""Row hashes are equal for equal rows only, and stay what they are for years."""

import hashlib
import struct
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.types import postgres_type, row_hash_sql

CONNECTION = duckdb.connect()
CONNECTION.execute("set timezone = 'UTC'")


def hashes(rows: pa.Table, types: dict[str, str]) -> list[int]:
    columns = [(name, postgres_type(physical)) for name, physical in types.items()]
    with CONNECTION.cursor() as cursor:
        cursor.execute("set timezone = 'UTC'")
        cursor.register("rows", rows)
        return [value for (value,) in cursor.execute(f"select {row_hash_sql(columns)} from rows").fetchall()]


def table(rows: list[dict], types: dict[str, str]) -> pa.Table:
    schema = pa.schema([(name, postgres_type(physical).arrow) for name, physical in types.items()])
    return pa.Table.from_pylist(rows, schema=schema)


EVERY_TYPE = {
    "bool": "boolean",
    "bytes": "bytea",
    "char": "character(5)",
    "codes": "text[]",
    "day": "date",
    "double": "double precision",
    "id": "bigint",
    "json": "jsonb",
    "numbers": "numeric(12,2)[]",
    "price": "numeric(12,2)",
    "real": "real",
    "text": "text",
    "time": "timestamp with time zone",
}
ROW = {
    "bool": True,
    "bytes": b"\x00\xff",
    "char": "ab   ",
    "codes": ["a", None, "", "ü,\"'"],
    "day": date(1969, 12, 31),
    "double": 0.1,
    "id": -5,
    "json": '{"a": 1.10}',
    "numbers": [Decimal("1.00"), None],
    "price": Decimal("19.90"),
    "real": 1.5,
    "text": "grüße 👋",
    "time": datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
}


def test_known_rows_keep_their_hashes_for_years():
    empty = dict.fromkeys(EVERY_TYPE)
    other = ROW | {"double": float("nan"), "real": float("-inf"), "bool": False, "codes": [], "text": ""}
    assert hashes(table([ROW, empty, other], EVERY_TYPE), EVERY_TYPE) == [
        -5209181510300427539,
        -125264144566222615,
        -617142108452185408,
    ]


def test_the_hash_can_be_computed_without_duckdb():
    types = {"b": "text", "a": "bigint"}
    text = "1:a2:421:b7:grüße"  # the length in bytes
    lower = struct.unpack("<Q", hashlib.md5(text.encode()).digest()[8:])[0]
    assert hashes(table([{"a": 42, "b": "grüße"}], types), types) == [lower - 2**63]


TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["", "N", "NULL", "0:", "1:a", "1:b1:", "a", "b", ":", "1", "11:", "1:aN", "\x01", "é", "e\u0301"]),
    st.text(alphabet="01:Nab", max_size=6),
)


@given(st.lists(st.tuples(TEXTS, TEXTS, st.none() | st.lists(TEXTS, max_size=3)), min_size=2, max_size=20))
@settings(max_examples=150)
def test_rows_share_a_hash_exactly_when_they_are_equal(rows):
    types = {"a": "text", "b": "text", "c": "text[]"}
    found = hashes(table([dict(zip("abc", row, strict=True)) for row in rows], types), types)
    keys = [(a, b, None if c is None else tuple(c)) for a, b, c in rows]
    assert len(set(found)) == len(set(keys))
    assert len(set(zip(keys, found, strict=True))) == len(set(keys))


def test_a_new_column_that_is_still_empty_changes_no_hash():
    before, after = {"a": "text"}, {"a": "text", "A_new": "numeric(5,2)"}
    assert hashes(table([{"a": "x"}], before), before) == hashes(table([{"a": "x", "A_new": None}], after), after)


def test_the_order_of_columns_does_not_matter():
    there, back = {"a": "text", "b": "text"}, {"b": "text", "a": "text"}
    rows = [{"a": "x", "b": "y"}]
    assert hashes(table(rows, there), there) == hashes(table(rows, back), back)
    assert hashes(table(rows, there), there) != hashes(table([{"a": "y", "b": "x"}], there), there)


def test_the_session_of_the_reader_does_not_matter():
    expected = hashes(table([ROW], EVERY_TYPE), EVERY_TYPE)
    columns = [(name, postgres_type(physical)) for name, physical in EVERY_TYPE.items()]
    with duckdb.connect() as other:
        other.execute("set timezone = 'America/New_York'")
        other.register("rows", table([ROW], EVERY_TYPE))
        assert [other.execute(f"select {row_hash_sql(columns)} from rows").fetchone()[0]] == expected


@pytest.mark.parametrize("name", ["o'clock", 'say "x"', "über", "select", "a.b"])
def test_any_name_of_a_column_can_be_hashed(name):
    assert len(hashes(table([{name: "x"}], {name: "text"}), {name: "text"})) == 1


def test_values_that_differ_only_below_the_printed_digits_differ():
    types = {"a": "double precision", "b": "timestamp with time zone"}
    rows = [
        {"a": 0.1, "b": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)},
        {"a": 0.1 + 2**-56, "b": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)},
        {"a": 0.1, "b": datetime(9999, 12, 31, 23, 59, 59, 999998, tzinfo=UTC)},
        {"a": -0.0, "b": None},
        {"a": 0.0, "b": None},
    ]
    assert len(set(hashes(table(rows, types), types))) == 5
