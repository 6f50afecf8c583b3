"""Every kind of column arrives from a real Postgres as it was, also from a partitioned table (T8, T10, T14)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from made_source import AHEAD, contract, source_table, whole_table

from dataeng_assets.postgres.errors import SourceRefused

pytestmark = pytest.mark.server

FIRST = UUID("00000000-0000-0000-0000-000000000001")
LAST = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
SPRING, SUMMER = datetime(2026, 3, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)

KINDS = (
    ("part_id", "uuid", False),
    ("made_at", "timestamp with time zone", False),
    ("made_on", "date", True),
    ("made_time", "time", True),
    ("lasts", "interval", True),
    ("is_good", "boolean", True),
    ("pieces", "integer", True),
    ("doubled", "integer", True),
    ("weight", "numeric(12,3)", True),
    ("picture", "bytea", True),
    ("labels", "text[]", True),
    ("details", "jsonb", True),
    ("colour", "shop.colour", True),
    ("size", "smallint", True),
    ("score", "double precision", True),
    ("local_time", "timestamp without time zone", True),
    ("updated_at", "timestamp with time zone", False),
)

PARTS = """
    CREATE TYPE shop.colour AS ENUM ('red', 'green');
    CREATE DOMAIN shop.whole AS integer CHECK (value > -1000);
    CREATE DOMAIN shop.pieces AS shop.whole CHECK (value <= 2000000000);
    CREATE TABLE shop.parts (
      part_id uuid, made_at timestamptz, made_on date, made_time time, lasts interval, is_good boolean,
      pieces shop.pieces, doubled integer GENERATED ALWAYS AS (pieces * 2) STORED, weight numeric(12,3),
      picture bytea, labels text[], details jsonb, colour shop.colour, size smallint, score float8,
      local_time timestamp, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (part_id, made_at)
    ) PARTITION BY RANGE (made_at);
    CREATE TABLE shop.parts_spring PARTITION OF shop.parts FOR VALUES FROM ('2026-03-01 00:00+00')
      TO ('2026-04-01 00:00+00');
    CREATE TABLE shop.parts_rest PARTITION OF shop.parts DEFAULT;
"""

FULL = {
    "part_id": FIRST, "made_at": SPRING, "made_on": date(1, 1, 1), "made_time": "24:00:00",
    "lasts": "P1Y2M-3DT4H5M6.789S", "is_good": False, "pieces": -999, "weight": Decimal("-0.001"),
    "picture": b"\x00\xff\\x'\"\n", "labels": ["", "NULL", "a,b", None, "ä\n"], "details": '{"a": 1.10, "b": null}',
    "colour": "green", "size": -32768, "score": 0.1 + 0.2,
    "local_time": datetime.fromisoformat("1999-12-31T23:59:59.000001"),
}  # fmt: skip


@pytest.fixture
def parts(shop):
    shop.do(PARTS)
    shop.tables = [source_table(contract("parts", KINDS, ("part_id", "made_at"), {"colour": ("red", "green")}))]
    return shop


def insert(connection: psycopg.Connection, **values: object) -> None:
    names = ", ".join(values)
    casts = {"lasts": "::interval", "made_time": "::time", "details": "::jsonb", "colour": "::shop.colour"}
    holders = ", ".join(f"%s{casts.get(name, '')}" for name in values)
    connection.execute(f"INSERT INTO shop.parts ({names}) VALUES ({holders})", list(values.values()))


def stored(shop) -> list[dict[str, object]]:
    return [
        {n: v for n, v in row.items() if not n.startswith("_") and n != "updated_at"} for row in shop.bronze("parts")
    ]


def test_every_kind_of_column_arrives_as_it_was(parts):
    insert(parts.admin, **FULL)
    insert(parts.admin, part_id=LAST, made_at=SUMMER)
    report = parts.first()
    assert (report.rows_read, report.rows_appended) == (2, 2)
    full, empty = sorted(stored(parts), key=lambda row: str(row["part_id"]))
    assert full == {**FULL, "part_id": str(FIRST), "doubled": -1998}
    assert {name for name, value in empty.items() if value is not None} == {"part_id", "made_at"}
    assert (empty["part_id"], empty["made_at"]) == (str(LAST), SUMMER)
    assert parts.reread(None, AHEAD).rows_appended == 0, "each value is equal to itself when it is read again"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("made_on", "2026-01-02"), ("made_time", "00:00:00"), ("lasts", "P1D"), ("is_good", "true"), ("pieces", "3"),
        ("picture", ""), ("labels", "{}"), ("details", "{}"), ("colour", "red"), ("score", "0.3"),
    ],
)  # fmt: skip
def test_a_change_of_any_kind_of_column_is_a_new_version(parts, column, value):
    insert(parts.admin, **FULL)
    parts.first()
    for changed in (value, None):
        parts.do(f"UPDATE shop.parts SET {column} = %s", changed)
        assert parts.reread(None, AHEAD).rows_appended == 1
        assert parts.reread(None, AHEAD).rows_appended == 0
    assert [row[column] is None for row in stored(parts)] == [False, False, True]


def test_a_row_that_commits_late_into_another_partition_still_arrives(parts):
    late = parts.session()
    insert(late, part_id=FIRST, made_at=SPRING)
    insert(parts.admin, part_id=LAST, made_at=SUMMER)
    assert parts.first().rows_appended == 1
    late.commit()
    report = parts.follow()
    assert (report.rows_appended, report.method) == (1, "open transactions")
    assert {row["part_id"] for row in stored(parts)} == {str(FIRST), str(LAST)}


def test_without_the_right_to_see_sessions_late_rows_of_a_partition_are_found_by_number(parts, role):
    parts.do(f"GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {role}")
    late = parts.session()
    insert(late, part_id=FIRST, made_at=SPRING)
    insert(parts.admin, part_id=LAST, made_at=SUMMER)
    assert parts.first().rows_appended == 1
    late.commit()
    parts.do("CREATE TABLE shop.parts_autumn PARTITION OF shop.parts FOR VALUES FROM ('2026-09-01') TO ('2026-10-01')")
    insert(parts.admin, part_id=LAST, made_at=datetime(2026, 9, 1, tzinfo=UTC))
    report = parts.follow()
    assert (report.rows_appended, report.method) == (2, "xmin")
    assert [row["made_at"] for row in stored(parts)].count(SPRING) == 1
    assert parts.follow().rows_appended == 0


def test_partitions_without_the_right_to_read_them_are_read_through_their_table(parts, role):
    parts.do(f"GRANT SELECT ON shop.parts TO {role}")
    insert(parts.admin, part_id=FIRST, made_at=SPRING)
    assert parts.first().rows_appended == 1


def test_a_partitioned_table_can_be_read_whole(parts):
    parts.tables = [whole_table(parts.tables[0].contract, max_vanished=0.5)]
    insert(parts.admin, part_id=FIRST, made_at=SPRING)
    insert(parts.admin, part_id=FIRST, made_at=SUMMER)
    parts.first()
    parts.do("DROP TABLE shop.parts_spring")
    report = parts.follow()
    assert (report.rows_deleted, report.rows_in_source) == (1, 1)
    (deleted,) = [row for row in parts.bronze("parts") if row["_op"] == "delete"]
    assert (deleted["part_id"], deleted["made_at"]) == (str(FIRST), SPRING)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("ALTER TABLE shop.parts ALTER COLUMN doubled DROP EXPRESSION", None),
        ("ALTER TABLE shop.parts ALTER COLUMN made_on TYPE timestamp", "made_on is timestamp without time zone"),
        ("ALTER TABLE shop.parts ALTER COLUMN is_good TYPE text", "is_good is text, the contract says boolean"),
        ("ALTER TYPE shop.colour RENAME TO hue", "colour is shop.hue, the contract says shop.colour"),
        ("ALTER TABLE shop.parts ALTER COLUMN weight TYPE numeric", "weight is numeric, the contract says numeric"),
    ],
)
def test_a_column_of_another_kind_is_refused_by_name_and_one_worked_out_no_more_is_fine(parts, change, message):
    insert(parts.admin, **FULL)
    parts.do(change)
    if message is None:
        assert parts.first().rows_appended == 1
        return
    with pytest.raises(SourceRefused, match=message):
        parts.first()
