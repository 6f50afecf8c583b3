"""Parquet as an input: scanned where it lies, with its own types, names and rows; refused where it would mislead."""

import gzip
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import explain_failure, open_input
from dataeng_assets.quality.inputs.opened import Held, InputUnreadable


def written(path: Path, table: pa.Table, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **options)
    return path


def read(where: Path | str) -> tuple[list[tuple], list[str]]:
    """The rows with file and number, in order, and the names of the columns."""
    with connect() as connection, open_input(str(where), connection) as opened:
        position = ", ".join(map(quoted, opened.position))
        found = connection.execute(f"from {opened.relation} order by {position}").fetchall()
        assert opened.rows == len(found)
        return found, [column.name for column in opened.columns]


def refused(where: Path | str) -> str:
    with connect() as connection, pytest.raises(InputUnreadable) as error:
        open_input(str(where), connection)
    assert "Nothing was judged" in str(error.value)
    return str(error.value)


def test_columns_tell_what_the_file_says_of_them(tmp_path):
    schema = pa.schema(
        [
            pa.field("id", pa.int32(), nullable=False),
            pa.field("amount", pa.decimal128(12, 2)),
            pa.field("at", pa.timestamp("ms", tz="Europe/Berlin")),
            pa.field("local", pa.timestamp("us")),
            pa.field("kind", pa.dictionary(pa.int8(), pa.string())),
            pa.field("text", pa.large_string()),
            pa.field("tags", pa.list_(pa.int64())),
        ]
    )
    path = written(tmp_path / "a.parquet", schema.empty_table())
    with connect() as connection, open_input(str(path), connection) as opened:
        assert opened.rows == 0
        assert opened.bytes == path.stat().st_size
        assert {column.held for column in opened.columns} == {Held.TYPED}
        assert [column.duckdb_type for column in opened.columns] == [
            "INTEGER", "DECIMAL(12,2)", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "VARCHAR", "VARCHAR", "BIGINT[]",
        ]  # fmt: skip
        physical = [column.physical for column in opened.columns]
    assert [(field.type, field.nullable) for field in physical[:5]] == [
        (pa.int32(), False),
        (pa.decimal128(12, 2), True),
        (pa.timestamp("ms", tz="Europe/Berlin"), True),
        (pa.timestamp("us"), True),
        (pa.string(), True),
    ]
    assert physical[5].type == pa.string()


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[1]b", "it's", "~x", "a b", "$x", "a\\b", "x{1,2}"])
def test_no_other_file_is_read_whatever_the_name_looks_like(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for other in ("a1b", "axb", "ab"):
        written(tmp_path / f"{other}.parquet", pa.table({"a": [99]}))
    written(tmp_path / f"{name}.parquet", pa.table({"a": [1]}))
    found, _ = read(f"{name}.parquet")
    assert [row[0] for row in found] == [1]


NAMES = ['"; drop table x; --', "<script>alert(1)</script>", "a\nb", "x" * 5_000, "sélect", "select", "'", " ", "%s"]


def test_any_name_of_a_column_is_only_a_name(tmp_path):
    path = written(tmp_path / "a.parquet", pa.table({name: [place] for place, name in enumerate(NAMES)}))
    found, names = read(path)
    assert names == NAMES
    assert found[0][:-2] == tuple(range(len(NAMES)))


def test_columns_named_like_technical_ones_are_kept_beside_them(tmp_path):
    names = ["filename", "File_Row_Number", "_file", "__ROW"]
    path = written(tmp_path / "a.parquet", pa.table({name: ["x", "y"] for name in names}))
    found, read_names = read(path)
    assert read_names == names
    assert found == [("x",) * 4 + (str(path), 1), ("y",) * 4 + (str(path), 2)]


@pytest.mark.parametrize(
    ("names", "says"), [(["a", "A"], "case only"), (["a", "a"], "'a' twice"), (["a", ""], "column 2 has no name")]
)
def test_names_that_sql_cannot_tell_apart_are_refused(tmp_path, names, says):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=names)
    assert says in refused(written(tmp_path / "a.parquet", table))


def test_letters_that_duckdb_tells_apart_are_no_twins(tmp_path):
    found, names = read(written(tmp_path / "a.parquet", pa.table({"Ä": [1], "ä": [2]})))
    assert (names, found[0][:2]) == (["Ä", "ä"], (1, 2))


def test_rows_of_several_files_know_their_file_and_number(tmp_path):
    for name, values in (("b", [3, 4, 5]), ("x/a", [1]), ("empty", [])):
        written(tmp_path / "data" / f"{name}.parquet", pa.table({"n": pa.array(values, pa.int64())}))
    written(tmp_path / "data" / "_delta_like" / "z.parquet", pa.table({"other": [1]}))
    found, _ = read(tmp_path / "data")
    first, second = (str(tmp_path / "data" / name) for name in ("b.parquet", "x/a.parquet"))
    assert found == [(3, first, 1), (4, first, 2), (5, first, 3), (1, second, 1)]
    found, _ = read(f"{tmp_path}/data/*.parquet")
    assert [row[0] for row in found] == [3, 4, 5]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (pa.table({"a": [1]}), "no 'b'"),
        (pa.table({"a": [1], "b": ["x"], "c": [1]}), "'c' as well"),
        (pa.table({"a": pa.array([1], pa.int32()), "b": ["x"]}), "'a' is int32 instead of int64"),
        (pa.table({"b": ["x"], "a": [1]}), "in another order"),
    ],
)
def test_files_that_differ_are_refused_by_what_differs(tmp_path, other, says):
    written(tmp_path / "1.parquet", pa.table({"a": [1], "b": ["x"]}))
    written(tmp_path / "2.parquet", other)
    assert says in refused(tmp_path)


def test_layouts_of_one_type_and_nullability_do_not_keep_files_apart(tmp_path):
    written(tmp_path / "1.parquet", pa.table({"a": ["x"]}, pa.schema([pa.field("a", pa.string(), nullable=False)])))
    written(tmp_path / "2.parquet", pa.table({"a": pa.array(["y"], pa.large_string())}))
    with connect() as connection, open_input(str(tmp_path), connection) as opened:
        assert opened.columns[0].physical.nullable
        assert connection.execute(f"select a from {opened.relation} order by a").fetchall() == [("x",), ("y",)]


def test_a_decimal_that_duckdb_would_round_is_refused(tmp_path):
    table = pa.table({"d": pa.array([Decimal(1)], pa.decimal256(40, 2))})
    assert "'d' is decimal256(40, 2)" in refused(written(tmp_path / "a.parquet", table))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"id,name\n1,x\n", "is named like Parquet but holds text"),
        (b"", "is empty"),
        (b"PAR1 and then nothing", "its footer cannot be read"),
        (b"PARE", "encrypted"),
        (b"PK\x03\x04" + b"\0" * 60, "a ZIP archive"),
        (b"\0" * 100, "no known format"),
        (b"x.csv".ljust(257, b"\0") + b"ustar" + b"\0" * 250, "a tar archive"),
        (b"SQLite format 3\0", "SQLite"),
        (gzip.compress(gzip.compress(b"x")), "compressed twice"),
    ],
)
def test_a_file_that_is_something_else_is_named_for_what_it_is(tmp_path, content, says):
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    assert says in refused(path)


def test_a_file_that_is_cut_is_refused(tmp_path):
    whole = written(tmp_path / "a.parquet", pa.table({"a": list(range(10_000))})).read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[:-20])
    assert "cut or damaged" in refused(tmp_path / "a.parquet")


def test_a_file_damaged_in_its_middle_is_explained_when_it_is_scanned(tmp_path):
    path = written(tmp_path / "a.parquet", pa.table({"a": [f"secret {n}" for n in range(10_000)]}), compression="zstd")
    whole = bytearray(path.read_bytes())
    whole[4:400] = b"\xff" * 396
    path.write_bytes(whole)
    with connect() as connection, open_input(str(path), connection) as opened:
        with pytest.raises(duckdb.Error) as error:
            connection.execute(f"select sum(length(a)) from {opened.relation}").fetchall()
        explained = str(explain_failure(error.value, opened))
    assert str(path) in explained
    assert "secret" not in explained


def test_the_content_decides_over_the_extension(tmp_path):
    found, _ = read(written(tmp_path / "a.csv", pa.table({"a": [1]})))
    assert found == [(1, str(tmp_path / "a.csv"), 1)]


def test_parquet_inside_a_compression_is_unpacked(tmp_path):
    plain = written(tmp_path / "a.parquet", pa.table({"filename": ["x"], "b": [2]})).read_bytes()
    packed = tmp_path / "a.parquet.gz"
    packed.write_bytes(gzip.compress(plain))
    assert read(packed)[0] == [("x", 2, str(packed), 1)]
    packed.write_bytes(gzip.compress(written(tmp_path / "b.parquet", pa.table({"b": [2]})).read_bytes()))
    assert read(packed)[0] == [(2, str(packed), 1)]


def test_a_mixture_of_formats_is_refused_by_their_names(tmp_path):
    written(tmp_path / "a.parquet", pa.table({"a": [1]}))
    (tmp_path / "b.csv").write_text("a\n1\n")
    message = refused(tmp_path)
    assert "a.parquet (Parquet)" in message
    assert "b.csv (CSV)" in message


def test_what_is_not_there_is_named(tmp_path):
    assert "nothing.parquet is not there" in refused(tmp_path / "nothing.parquet")
    assert "matches no file" in refused(f"{tmp_path}/*.parquet")
    assert "is a folder without data files" in refused(tmp_path)


def test_values_in_the_names_of_folders_are_columns_of_text(tmp_path):
    folder = tmp_path / "env=prod" / "sales"
    for day, shop, value in (("2026-01-31", "a%2Fb", 1), ("__HIVE_DEFAULT_PARTITION__", "it's", 2)):
        written(folder / f"day={day}" / f"shop={shop}" / "x.parquet", pa.table({"n": [value]}))
    with connect() as connection, open_input(str(folder), connection) as opened:
        found = connection.execute(f"select n, day, shop from {opened.relation} order by n").fetchall()
        assert found == [(1, "2026-01-31", "a/b"), (2, None, "it's")]
        assert [(column.name, column.held) for column in opened.columns] == [
            ("n", Held.TYPED), ("day", Held.TEXT), ("shop", Held.TEXT),
        ]  # fmt: skip
        assert connection.execute(f"select distinct _row from {opened.relation}").fetchall() == [(1,)]
    written(folder / "y.parquet", pa.table({"n": [3]}))
    assert "folders for other columns" in refused(folder)


def test_a_column_of_the_files_comes_before_a_folder_s_name(tmp_path):
    written(tmp_path / "data" / "N=9" / "x.parquet", pa.table({"n": [1]}))
    assert read(tmp_path / "data")[1] == ["n"]
