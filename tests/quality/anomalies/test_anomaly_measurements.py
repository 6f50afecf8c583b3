"""What is measured of rows, of a lake table, and of its days."""

from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.quality.anomalies import tables
from dataeng_assets.quality.anomalies.measure import Measurement, measure
from dataeng_assets.quality.anomalies.schemas import schema_text
from dataeng_assets.quality.anomalies.tables import days_held, measure_days, measure_table, measure_values

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ("bronze", "shop", "orders")
SCHEMA = pa.schema({"id": pa.int64(), "email": pa.string(), "price": pa.float64(), "at": pa.timestamp("us", tz="UTC")})


def measured(query: str, *columns: str, **options) -> dict[tuple[str, str | None], float | None]:
    with duckdb.connect() as connection:
        found = measure(connection, query, columns, now=NOW, **options)
    return {(one.metric, one.column): one.value if one.text is None else one.text for one in found}


def test_rows_are_measured_in_one_pass():
    query = "select * from (values (1, 'a', 2.5), (2, null, 3.5), (3, 'a', null), (4, 'a', null)) as t(id, name, price)"
    assert measured(query, "id", "name", "price") == {
        ("row_count", None): 4,
        ("schema", None): schema_text([("id", "INTEGER"), ("name", "VARCHAR"), ("price", "DECIMAL(2,1)")]),
        ("null_share", "id"): 0,
        ("null_share", "name"): 0.25,
        ("null_share", "price"): 0.5,
        ("distinct_share", "id"): 1,
        ("distinct_share", "name"): pytest.approx(1 / 3),
        ("distinct_share", "price"): 1,
        ("mean", "id"): 2.5,
        ("mean", "price"): 3,
    }


def test_of_no_rows_nothing_is_a_share_or_a_mean():
    found = measured("select 1 as id, now() as at where false", "id", fresh_by="at")
    assert found["row_count", None] == 0
    assert [found[name, "id"] for name in ("null_share", "distinct_share", "mean")] == [None] * 3
    assert found["hours_old", None] is None


def test_values_that_are_no_numbers_do_not_spoil_a_mean():
    query = "select unnest(['nan'::double, 'infinity'::double, 2, 4]) as x"
    assert measured(query, "x")["mean", "x"] == 3
    assert measured("select 'nan'::double as x", "x")["mean", "x"] is None


def test_of_personal_columns_no_mean_is_taken():
    found = measured("select 50000 as salary", "salary", personal={"salary"})
    assert ("mean", "salary") not in found
    assert found["null_share", "salary"] == 0


@pytest.mark.parametrize(
    "newest",
    ["timestamptz '2026-03-01 09:00:00+00'", "timestamp '2026-03-01 09:00:00'", "timestamptz '2026-03-01 10:00+01'"],
)
def test_freshness_is_the_age_of_the_newest_time(newest):
    query = f"select unnest([{newest}, {newest} - interval 3 day]) as at"
    assert measured(query, fresh_by="at")["hours_old", None] == 3


def test_a_day_is_as_old_as_its_beginning_and_infinity_is_no_day():
    assert (
        measured("select unnest([date '2026-03-01', date 'infinity']) as day", fresh_by="day")["hours_old", None] == 12
    )


@pytest.mark.parametrize("kind", ["blob", "integer[]", "struct(a integer)", "boolean", "uuid", "json", "time"])
def test_columns_of_every_kind_can_be_measured(kind):
    found = measured(f"select null::{kind} as x union all select null", "x")
    assert found["null_share", "x"] == 1
    assert found["distinct_share", "x"] is None
    assert ("mean", "x") not in found


def test_names_that_need_quotes_are_measured():
    name = 'a "b" c'
    assert measured('select 1 as "a ""b"" c"', name)["mean", name] == 1


def rows(count: int, first: int = 0, **values) -> pa.Table:
    at = NOW - timedelta(hours=5)
    listed = [{"id": first + n, "email": None, "price": 1.0, "at": at} | values for n in range(count)]
    return pa.Table.from_pylist(listed, schema=SCHEMA)


def of(found: list[Measurement]) -> dict[tuple[str, str | None], float | None]:
    return {(one.metric, one.column): one.value for one in found}


def test_a_lake_table_is_measured_by_its_log_and_its_rows(lake: Lake):
    table = lake.create(KEY, SCHEMA)
    append(table, rows(3), transactions={})
    append(table, rows(1, first=3, email="x", price=5.0), transactions={})
    found = of(measure_table(lake.open(KEY), SCHEMA.names, personal={"email"}, fresh_by="at", now=NOW))
    assert found["row_count", None] == 4
    assert found["hours_old", None] == pytest.approx(5)
    assert found["null_share", "email"] == 0.75
    assert found["mean", "price"] == 2
    assert ("mean", "email") not in found


def test_only_the_newest_files_are_read(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "MAX_ROWS", 5)
    table = lake.create(KEY, SCHEMA)
    for price in (100.0, 1.0, 3.0):
        append(table, rows(2, price=price), transactions={})
    found = of(measure_table(lake.open(KEY), SCHEMA.names))
    assert (found["row_count", None], found["mean", "price"]) == (6, 2)
    append(table, rows(6), transactions={})
    assert of(measure_table(lake.open(KEY), SCHEMA.names)).keys() == {("row_count", None), ("schema", None)}


def test_rows_may_be_left_out_of_shares_and_means(lake: Lake):
    append(lake.create(KEY, SCHEMA), pa.concat_tables([rows(2), rows(2, price=None)]), transactions={})
    found = of(measure_table(lake.open(KEY), SCHEMA.names, where="price is not null"))
    assert (found["row_count", None], found["null_share", "price"]) == (4, 0)


def test_an_empty_table_has_no_share_and_no_age(lake: Lake):
    found = of(measure_table(lake.create(KEY, SCHEMA), SCHEMA.names, fresh_by="at"))
    assert found == {("row_count", None): 0, ("schema", None): None, ("hours_old", None): None}


def test_days_are_measured_without_reading_a_row(lake: Lake):
    schema = SCHEMA.append(pa.field("day", pa.date32())).append(pa.field("raw", pa.binary()))
    table = lake.create(KEY, schema, partition_by=["day"])
    for day, count in ((1, 4), (3, 2)):
        days = rows(count).append_column("day", pa.array([date(2026, 2, day)] * count))
        days = days.append_column("raw", pa.array([b"x"] * count))
        replace_range(table, days, "day", date(2026, 2, day), date(2026, 2, day + 1))
    for path in (lake.folder / "bronze" / "shop" / "orders").rglob("*.parquet"):
        path.unlink()
    columns = [name for name in schema.names if name != "day"]
    found = measure_days(lake.open(KEY), "day", date(2026, 2, 1), date(2026, 2, 3), columns, now=NOW)
    by_day = {(one.metric, one.column, one.day and one.day.day): one.value for one in found}
    assert by_day["hours_old", None, None] == 26 * 24 + 12
    assert [by_day["row_count", None, day] for day in (1, 2, 3)] == [4, 0, 2]
    shares = {name: value for name, value in by_day.items() if name[0] == "null_share"}
    assert shares == {("null_share", "email", 3): 1, **{("null_share", name, 3): 0 for name in ("id", "price", "at")}}


def test_of_a_day_what_the_log_does_not_tell_is_measured_in_its_newest_rows(lake: Lake):
    schema = pa.schema({"day": pa.date32(), "n": pa.int64(), "at": pa.timestamp("us", tz="UTC")})
    table = lake.create(("events",), schema, partition_by=["day"])
    first, second = date(2026, 1, 1), date(2026, 1, 2)
    at = datetime(2026, 1, 2, 6, tzinfo=UTC)
    rows = [{"day": first, "n": 100, "at": at}, *({"day": second, "n": n, "at": at} for n in (1, 1, 4))]
    append(table, pa.Table.from_pylist(rows, schema), transactions={})
    assert days_held(table, "day") == [first, second]
    found = measure_values(table, "day", second, ["n"])
    assert {(one.metric, one.value, one.day) for one in found} == {
        ("distinct_share", 2 / 3, second),
        ("mean", 2, second),
    }
    assert [one.metric for one in measure_values(table, "day", second, ["n"], personal={"n"})] == ["distinct_share"]
    assert measure_values(table, "day", date(2026, 1, 3), ["n"]) == []
    now = at + timedelta(hours=2)
    by_time = measure_days(table, "day", first, second, (), fresh_by="at", now=now)
    assert [one.value for one in by_time if one.metric == "hours_old"] == [2]
