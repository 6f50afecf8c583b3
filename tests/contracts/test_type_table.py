"""Which types are carried, and that values of them travel from a real Postgres to Arrow without changing."""

import io
import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.copied import ValueRefused, read_copied
from dataeng_assets.contracts.errors import TypeRefused
from dataeng_assets.contracts.types import COPY_SETTINGS, event_type, postgres_type


@pytest.mark.parametrize(
    ("physical", "reason"),
    [
        ("numeric", "no precision"),
        ("decimal", "no precision"),
        ("numeric[]", "no precision"),
        ("numeric(39,0)", "38 digits"),
        ("numeric(5,-2)", "scale -2"),
        ("numeric(2,5)", "scale 5"),
        ("money", "lc_monetary"),
        ("point", "not in the type table"),
        ("int4range", "in a view"),
        ("shop.order_status", "labels"),
        ("timestmap with time zone", "did you mean"),
        ("text[][]", "list of lists"),
        ("", "not in the type table"),
    ],
)
def test_a_type_that_cannot_be_carried_is_refused_with_the_reason(physical, reason):
    with pytest.raises(TypeRefused, match=re.escape(reason)):
        postgres_type(physical)


@pytest.mark.parametrize(
    ("declared", "source", "accepted"),
    [
        ("numeric(12,2)", "numeric(12,2)", True),
        ("numeric(12,2)", "numeric(12,3)", False),
        ("numeric(12,2)", "numeric(13,2)", False),
        ("numeric(12,2)", "numeric", False),
        ("bigint", "integer", False),
        ("int8", "bigint", True),
        ("varchar(20)", "character varying(40)", True),
        ("text", "character varying(40)", False),
        ("timestamptz", "timestamp(3) with time zone", True),
        ("timestamptz", "timestamp without time zone", False),
        ("text[]", "text[]", True),
        ("text[]", "text", False),
        ("numeric(12,2)[]", "numeric(12,2)[]", True),
        ("text", "point", False),
    ],
)
def test_a_source_is_accepted_when_its_type_is_the_one_declared(declared, source, accepted):
    assert postgres_type(declared).accepts(source) is accepted


def test_an_enum_is_accepted_by_its_name():
    status = postgres_type("shop.order_status", ("placed", "paid"))
    assert status.accepts("shop.order_status")
    assert not status.accepts("shop.customer_tier")
    assert not status.accepts("text")
    assert postgres_type("shop.order_status[]", ("placed",)).arrow == pa.list_(pa.string())


def test_events_have_a_few_types_of_their_own():
    assert event_type("uuid").arrow == pa.string()
    assert event_type("timestamp").arrow == pa.timestamp("us", tz="UTC")
    with pytest.raises(TypeRefused, match="did you mean 'bigint'"):
        event_type("bigit")


TEXT = st.one_of(
    st.sampled_from(["", "NULL", "null", "NaN", "\\N", "\\.", '"', '""', ",", "\n", "\r\n", " a ", "\t", "{}", "👋"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
)  # fmt: skip
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30, 23, 59, 59, 999999))  # noqa: DTZ001  # zone added
UTC_INSTANTS = INSTANTS.map(lambda value: value.replace(tzinfo=UTC))
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
AMOUNTS = st.decimals(Decimal("-9999999999.99"), Decimal("9999999999.99"), places=2, allow_nan=False)
# from text, as arithmetic on decimals rounds to 28 digits
HUGE = st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal(f"{n}e-10"))
FLOATS = st.floats(allow_nan=True, allow_infinity=True)
JSON = st.sampled_from(
    ['{"a": 1.10}', "[1e400]", '"\\u00e9"', "null", '{"a": {"b": [null, "x,\\n"]}}', "12345678901234567890"]
)
BIGINTS = st.integers(-(2**63), 2**63 - 1)

# what is inserted, as text when Python has no exact value; the last says whether the printed text is what is carried
CARRIED = {
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "bigint": BIGINTS,
    "oid": st.integers(0, 2**32 - 1),
    "real": st.floats(width=32),
    "double precision": FLOATS,
    "boolean": st.booleans(),
    "date": DAYS,
    "timestamp with time zone": UTC_INSTANTS,
    "timestamp without time zone": INSTANTS,
    "numeric(12,2)": AMOUNTS,
    "numeric(38,10)": HUGE,
    "bytea": st.binary(max_size=20),
    "text": TEXT,
    "character varying(30)": TEXT,
    "text[]": st.lists(st.none() | TEXT, max_size=5),
    "bigint[]": st.lists(st.none() | BIGINTS, max_size=5),
    "double precision[]": st.lists(st.none() | FLOATS, max_size=5),
    "numeric(12,2)[]": st.lists(st.none() | AMOUNTS, max_size=5),
    "boolean[]": st.lists(st.none() | st.booleans(), max_size=5),
    "bytea[]": st.lists(st.none() | st.binary(max_size=9), max_size=5),
    "date[]": st.lists(st.none() | DAYS, max_size=5),
    "timestamp with time zone[]": st.lists(st.none() | UTC_INSTANTS, max_size=5),
}
AS_TEXT = {
    "character(8)": TEXT.filter(lambda text: len(text) <= 8),
    "uuid": st.uuids().map(str),
    "json": JSON,
    "jsonb": JSON.filter(lambda text: "e400" not in text),
    "interval": st.sampled_from(["1 mon 2 days -00:00:01", "-1 year", "0", "999 days", "infinity", "1.000001 s"]),
    "time without time zone": st.sampled_from(["24:00:00", "00:00:00", "12:34:56.789"]),
    "time with time zone": st.sampled_from(["24:00:00+02", "12:00:00-11:30"]),
    "inet": st.sampled_from(["10.0.0.1/8", "::1", "192.168.0.1"]),
    "bit(3)": st.sampled_from(["101", "000"]),
    '"char"': st.sampled_from(["", "a"]),
    "mood": st.sampled_from(["good", "so, so", 'very "bad"', "NULL"]),
}
LABELS = {"mood": ("good", "so, so", 'very "bad"', "NULL")}


def carry(connection: psycopg.Connection, physical: str) -> list:
    """What arrives of the table `carried`, through COPY, pyarrow and DuckDB."""
    kind = postgres_type(physical, LABELS.get(physical, ()))
    text = io.BytesIO()
    with connection.transaction(), connection.cursor() as cursor:
        for name, value in COPY_SETTINGS.items():
            cursor.execute("select set_config(%s, %s, true)", (name, value))
        query = (
            f"copy (select {kind.copy_sql('value')} from carried order by n) to stdout (format csv, encoding 'UTF8')"
        )
        with cursor.copy(query) as copy:
            for block in copy:
                text.write(block)
    text.seek(0)
    batches = list(read_copied(text, [("value", kind)]))
    schema = pa.schema([("value", kind.csv_arrow)])
    with duckdb.connect() as warehouse:
        warehouse.execute("set timezone = 'UTC'")
        warehouse.register("printed", pa.Table.from_batches(batches, schema))
        loaded = warehouse.sql(f"select {kind.load_sql('value')} as value from printed").to_arrow_table()
    assert loaded.schema.field("value").type == kind.arrow
    return loaded["value"].to_pylist()


@pytest.fixture
def connection(database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create type mood as enum ('good', 'so, so', 'very \"bad\"', 'NULL')")
        connection.execute("set timezone to 'Asia/Kolkata'")
        connection.execute("set datestyle to 'German, DMY'")
        yield connection


def fill(connection: psycopg.Connection, physical: str, values: list) -> None:
    connection.execute("drop table if exists carried")
    connection.execute(f"create table carried (n int, value {physical})")
    with connection.cursor() as cursor:
        cursor.executemany(f"insert into carried values (%s, cast(%s as {physical}))", list(enumerate(values, 1)))


def same(here: object, there: object) -> bool:
    if isinstance(here, list) and isinstance(there, list):
        return len(here) == len(there) and all(map(same, here, there))
    if isinstance(here, float) and isinstance(there, float):
        return (math.isnan(here) and math.isnan(there)) or (here, math.copysign(1, here)) == (
            there,
            math.copysign(1, there),
        )
    return type(here) is type(there) and here == there and str(here) == str(there)


quickly = settings(
    max_examples=8,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.server
@pytest.mark.parametrize("physical", CARRIED)
def test_values_arrive_exactly_as_they_were_stored(connection, physical):
    @quickly
    @given(st.lists(st.none() | CARRIED[physical], min_size=1, max_size=40))
    def check(values):
        fill(connection, physical, values)
        arrived = carry(connection, physical)
        wanted = [v.replace(tzinfo=UTC) if isinstance(v, datetime) and v.tzinfo else v for v in values]
        assert all(map(same, [plain(v) for v in arrived], wanted)), (arrived, wanted)
        assert len(arrived) == len(wanted)

    check()


def plain(value: object) -> object:
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo else value


@pytest.mark.server
@pytest.mark.parametrize("physical", AS_TEXT)
def test_the_text_that_postgres_prints_arrives_where_no_other_type_is_exact(connection, physical):
    @quickly
    @given(st.lists(st.none() | AS_TEXT[physical], min_size=1, max_size=20))
    def check(values):
        fill(connection, physical, values)
        with connection.transaction():
            for name, value in COPY_SETTINGS.items():
                connection.execute("select set_config(%s, %s, true)", (name, value))
            # textout, as a cast to text would drop the padding of a character(n)
            query = "select case when value is null then null else format('%s', value) end from carried order by n"
            printed = [text for (text,) in connection.execute(query)]
        assert carry(connection, physical) == printed

    check()


@pytest.mark.server
@pytest.mark.parametrize(
    ("physical", "value"),
    [
        ("timestamp with time zone", "infinity"),
        ("timestamp with time zone", "-infinity"),
        ("timestamp with time zone", "0044-03-15 12:00:00+00 BC"),
        ("timestamp with time zone", "20000-01-01 00:00:00+00"),
        ("timestamp without time zone", "infinity"),
        ("date", "infinity"),
        ("date", "0044-03-15 BC"),
        ("date", "20000-01-01"),
        ("numeric(12,2)", "NaN"),
    ],
)
def test_a_value_that_no_arrow_type_holds_is_refused_by_its_column(connection, physical, value):
    fill(connection, physical, [None, value])
    with pytest.raises(ValueRefused, match="Column value holds") as refused:
        carry(connection, physical)
    assert not re.search("0044|20000", str(refused.value))


@pytest.mark.server
@pytest.mark.parametrize(
    ("physical", "value"),
    [
        ("text[]", "{{a,b},{c,d}}"),
        ("text[]", "[0:1]={a,b}"),
        ("integer[]", "{{1},{2}}"),
        ("date[]", "{infinity}"),
        ("timestamp with time zone[]", "{-infinity}"),
        ("numeric(12,2)[]", "{NaN}"),
    ],
)
def test_a_list_that_no_arrow_list_holds_is_refused(connection, physical, value):
    fill(connection, physical, [value])
    with pytest.raises(duckdb.Error):
        carry(connection, physical)


def read(text: bytes, *physical: str, block_bytes: int = 2**20) -> list[dict]:
    columns = [(f"c{i}", postgres_type(p)) for i, p in enumerate(physical)]
    return [
        row for batch in read_copied(io.BytesIO(text), columns, block_bytes=block_bytes) for row in batch.to_pylist()
    ]


def test_no_text_is_no_row():
    assert read(b"", "text") == []


def test_null_and_empty_and_the_word_null_stay_apart():
    assert read(b',"",NULL\n', "text", "text", "text") == [{"c0": None, "c1": "", "c2": "NULL"}]


def test_a_null_in_a_table_of_one_column_is_a_row():
    assert read(b'\n""\n\n', "text") == [{"c0": None}, {"c0": ""}, {"c0": None}]


def test_a_value_with_many_lines_crosses_blocks():
    value = "line\n" * 40
    assert read(f'"{value}",1\n'.encode() * 300, "text", "integer", block_bytes=1000) == [{"c0": value, "c1": 1}] * 300


def test_a_row_larger_than_a_block_is_refused_with_the_size():
    with pytest.raises(ValueRefused, match="larger than 1,000 bytes"):
        read(b'"' + b"x\n" * 4000 + b'"\n', "text", block_bytes=1000)


def test_a_row_with_more_columns_than_expected_is_refused_without_showing_it():
    with pytest.raises(ValueRefused, match="could not be read") as refused:
        read(b"secret@example.org,1\n", "text")
    assert "secret" not in str(refused.value)


def test_text_that_is_not_utf8_is_refused_by_its_column():
    with pytest.raises(ValueRefused, match="Column c0"):
        read(b"\xff\xfe\n", "text")


@given(st.timedeltas(timedelta(-3000), timedelta(3000)))
def test_a_fraction_of_any_length_is_read(difference):
    moment = datetime(2000, 1, 1, tzinfo=UTC) + difference
    printed = moment.isoformat(sep=" ").replace("+00:00", "+00")
    printed = re.sub(r"(\.\d*?)0+\+", r"\1+", printed)
    assert read(f"{printed}\n".encode(), "timestamptz")[0]["c0"] == moment
