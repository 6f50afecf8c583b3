"""Text that COPY prints arrives exactly, or is refused by the column's name (T14, T16)."""

from collections.abc import Iterator

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from dataeng_assets.contracts.types import postgres_type
from dataeng_assets.postgres import copy
from dataeng_assets.postgres.connect import connect
from dataeng_assets.postgres.copy import Copied
from dataeng_assets.postgres.errors import SourceRefused

pytestmark = pytest.mark.server


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with connect(database, "test") as connection:
        yield connection


def copied(connection, query: str, *types: str) -> pa.Table:
    """The rows of a query whose columns c0, c1 … have these types."""
    columns = [(f"c{number}", postgres_type(kind)) for number, kind in enumerate(types)]
    printed = sql.SQL(", ").join(sql.SQL(kind.copy_sql(f'"{name}"')) for name, kind in columns)
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
    statement = sql.SQL("SELECT {} FROM ({}) AS q ({})").format(printed, sql.SQL(query), names)
    read = Copied(connection, "the test", statement, columns)
    batches = list(read)
    table = pa.Table.from_batches(batches, pa.schema([(name, kind.csv_arrow) for name, kind in columns]))
    assert read.delivered == table.num_rows
    return table


def test_null_an_empty_text_and_the_text_null_stay_apart(connection):
    rows = copied(connection, "VALUES (NULL), (''), ('NULL'), ('null'), ('\\N'), ('\\.'), ('\"')", "text")
    assert rows["c0"].to_pylist() == [None, "", "NULL", "null", "\\N", "\\.", '"']


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
            st.none() | st.integers(-(2**63), 2**63 - 1),
        ),
        max_size=8,
    )
)
def test_any_text_survives_wherever_the_blocks_are_cut(connection, monkeypatch, rows):
    monkeypatch.setattr(copy, "BLOCK_BYTES", 16)
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS t (n serial, a text, b bigint)")
    connection.execute("TRUNCATE pg_temp.t")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO pg_temp.t (a, b) VALUES (%s, %s)", rows)
    found = copied(connection, "SELECT a, b FROM pg_temp.t ORDER BY n", "text", "bigint")
    assert list(zip(found["c0"].to_pylist(), found["c1"].to_pylist(), strict=True)) == rows


def test_a_value_larger_than_a_block_survives(connection):
    rows = copied(
        connection, r"SELECT repeat(E'line \"q\"\n', 1000000), i FROM generate_series(1, 2) i", "text", "integer"
    )
    assert rows["c0"].to_pylist() == ['line "q"\n' * 1_000_000] * 2


def test_no_rows_are_no_error(connection):
    assert copied(connection, "SELECT 1, 'a' WHERE false", "integer", "text").num_rows == 0


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("timestamp with time zone", "infinity"),
        ("timestamp with time zone", "0044-03-15 00:00:00+00 BC"),
        ("date", "-infinity"),
        ("date", "0044-03-15 BC"),
        ("numeric(12,2)", "NaN"),
    ],
)
def test_a_value_that_no_column_can_hold_is_refused_by_name_and_not_shown(connection, kind, value):
    with pytest.raises(SourceRefused, match="c1") as raised:
        copied(connection, f"SELECT 1, '{value}'::{kind}", "integer", kind)
    assert "0044" not in str(raised.value)
    assert not raised.value.retryable


def test_a_decimal_keeps_every_digit(connection):
    digits = "1" * 26 + "." + "9" * 12
    rows = copied(
        connection, f"SELECT {digits}::numeric(38,12), -0.10::numeric(12,2)", "numeric(38,12)", "numeric(12,2)"
    )
    assert [str(rows[c][0].as_py()) for c in ("c0", "c1")] == [digits, "-0.10"]
