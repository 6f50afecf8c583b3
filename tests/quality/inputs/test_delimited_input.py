"""CSV and its kin: read exactly, or refused with file and line."""

import csv
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs import guard
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.inputs.opened import Held, InputUnreadable


def rows(path: Path) -> list[tuple]:
    """All rows in the order of the file, without their position."""
    with connect() as connection, open_input(str(path), connection) as opened:
        assert {column.held for column in opened.columns} == {Held.TEXT}
        names = ", ".join(quoted(column.name) for column in opened.columns)
        order = ", ".join(opened.position)
        found = connection.execute(f"select {names} from {opened.relation} order by {order}").fetchall()
        assert opened.rows == len(found)
        return found


def written(folder: Path, content: bytes | str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path) -> str:
    with connect() as connection, pytest.raises(InputUnreadable) as error:
        open_input(str(path), connection)
    return str(error.value)


def test_an_empty_field_is_null_and_a_quoted_empty_one_is_empty(tmp_path):
    path = written(tmp_path, 'a,b\n,""\nNULL," "\n')
    assert rows(path) == [(None, ""), ("NULL", " ")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_every_delimiter_and_line_end_is_found(tmp_path, delimiter, end, last):
    lines = [["id", "amount", "text"], ["1", "1.5", '"x,;|\ty"'], ["2", "", ""]]
    text = end.join(delimiter.join(line) for line in lines) + (end if last else "")
    assert rows(written(tmp_path, text)) == [("1", "1.5", "x,;|\ty"), ("2", None, None)]


def test_a_decimal_comma_is_no_delimiter(tmp_path):
    assert rows(written(tmp_path, "price;weight\n1,5;2,25\n3,0;4,75\n")) == [("1,5", "2,25"), ("3,0", "4,75")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding_and_is_no_part_of_a_name(tmp_path, encoding):
    path = written(tmp_path, "näme,b\nÄ€😀,2\n".encode(encoding))
    assert rows(path) == [("Ä€😀", "2")]
    with connect() as connection, open_input(str(path), connection) as opened:
        assert [column.name for column in opened.columns] == ["näme", "b"]


def test_a_header_alone_has_no_rows(tmp_path):
    for text in ("a,b", "a,b\n", "a,b\r\n", "\n\na,b\n\n"):
        assert rows(written(tmp_path, text)) == []


def test_an_empty_line_is_a_null_where_there_is_one_column_only(tmp_path):
    assert rows(written(tmp_path, "a\nx\n\ny\n")) == [("x",), (None,), ("y",)]
    assert rows(written(tmp_path, "a,b\nx,y\n\nz,w\n")) == [("x", "y"), ("z", "w")]


def test_a_quote_inside_a_field_that_does_not_begin_with_one_means_itself(tmp_path):
    assert rows(written(tmp_path, 'a,b\n5" pipe,1\nx,say "hi"\n')) == [('5" pipe', "1"), ("x", 'say "hi"')]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\n1,2\n3\n4,5\n", ["line 3", "1 fields", "header 2"]),
        (b"a,b\n1,2\n3,4,5\n", ["line 3", "3 fields"]),
        (b'a,b\n1,"x\ny"\n3,4,5\n', ["line 4", "3 fields"]),
        (b'a,b\n\n1,"x\n\ny"\n\n3\n', ["line 7", "1 fields"]),
        (b'a,b\n1,2\n3,"4\n5,6\n', ["line 3", "never closed"]),
        (b'a,b\n1,2\n3,"4"5\n', ["line 3", "never closed"]),
        (b'a,"b\n1,2\n', ["line 1", "never closed"]),
        (b"a,b\n1,2\n3,\xe4\n", ["line 3", "not UTF-8", "byte 10", "iconv"]),
        (b"a,b\n1,2\n3,\xe4", ["line 3", "not UTF-8"]),
        (b"a,\xe4\n1,2\n", ["line 1", "not UTF-8"]),
        (b"a,b\n1,2\n3,\x00\n", ["line 3", "NUL"]),
        (b"a,\x00b\n", ["line 1", "NUL"]),
        ("a,b\n1,2\n".encode("utf-16")[:-1], ["UTF-16"]),
        (b"\n\n", ["empty"]),
        (b"", ["empty"]),
        (b"a,b,a\n", ["'a' twice"]),
        (b"id,ID\n1,2\n", ["'ID' and 'id'", "case only"]),
        (b",b\n0,2\n", ["column 1 has no name", "index=False"]),
    ],
)
def test_broken_text_is_refused_with_its_line_and_without_its_values(tmp_path, content, says):
    path = written(tmp_path, content)
    message = refused(path)
    for part in ["data.csv", "Nothing was judged", *says]:
        assert part in message


def test_a_line_of_a_hundred_megabytes_is_refused_after_a_few(tmp_path):
    path = tmp_path / "data.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"a,b\n1,2\n3,")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
    assert "line 3 is longer than 4,194,304 bytes" in refused(path)
    assert "line 1 is longer" in refused(written(tmp_path, b"x" * 20_000_000, "long.csv"))
    assert "line 2 has a quote that is never closed" in refused(
        written(tmp_path, b'a\n"' + b"x\n" * 20_000_000 + b'"\n', "record.csv")
    )


def test_a_compressed_file_that_is_cut_is_refused(tmp_path):
    whole = gzip.compress("".join(["a,b\n", *(f"{n},{n * n}\n" for n in range(10_000))]).encode())
    assert len(rows(written(tmp_path, whole, "whole.csv.gz"))) == 10_000
    assert "cut or damaged" in refused(written(tmp_path, whole[: len(whole) // 2], "cut.csv.gz"))
    assert "cut or damaged" in refused(written(tmp_path, whole[:-4] + b"wxyz", "wrong.csv.gz"))


def test_zstd_is_read_whatever_the_file_is_called(tmp_path):
    path = written(tmp_path, pa.Codec("zstd").compress(b"a,b\n1,2\n", asbytes=True), "data")
    assert rows(path) == [("1", "2")]


def test_files_of_a_folder_are_read_in_order_and_rows_know_their_file(tmp_path):
    written(tmp_path, "a,b\n1,2\n3,4\n", "2.csv")
    written(tmp_path, "a;b\n5;6\n", "1.csv")
    written(tmp_path, "not a table", "_SUCCESS")
    with connect() as connection, open_input(str(tmp_path), connection) as opened:
        found = connection.execute(f"from {opened.relation} order by _file, _row").fetchall()
    first, second = str(tmp_path / "1.csv"), str(tmp_path / "2.csv")
    assert found == [("5", "6", first, 1), ("1", "2", second, 1), ("3", "4", second, 2)]


def test_files_with_other_headers_are_refused_by_name(tmp_path):
    written(tmp_path, "a,b\n1,2\n", "1.csv")
    written(tmp_path, "a,c\n1,2\n", "2.csv")
    assert "2.csv has another header than" in (message := refused(tmp_path))
    assert "no 'b'; also 'c'" in message


def test_what_was_spilled_goes_when_the_input_is_closed_or_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    path = written(tmp_path, "a,b\n1,2\n")
    with connect() as connection:
        opened = open_input(str(path), connection)
        assert list((tmp_path / "temp").iterdir())
        opened.close()
        opened.close()
    assert not list((tmp_path / "temp").iterdir())
    refused(written(tmp_path, "a,b\n1,2\n3\n"))
    assert not list((tmp_path / "temp").iterdir())


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT, st.just("end")), max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_text_is_read_as_it_was_written(tmp_path, table, delimiter, end, all_quoted):
    def field(value: str | None) -> str:
        if value is None:
            return ""
        plain = value and not all_quoted and not set(value) & {delimiter, '"', "\n", "\r"}
        return value if plain else '"' + value.replace('"', '""') + '"'

    lines = [delimiter.join(map(field, row)) for row in [("a", "b", "c"), *table]]
    path = written(tmp_path, end.join(lines) + end)
    assert rows(path) == table


@settings(max_examples=200)
@given(st.text('ab",\n', max_size=24), st.integers(1, 5))
def test_quotes_are_judged_alike_however_the_text_is_cut(text, length):
    def verdict(pieces: list[bytes]) -> int | None:
        stream = io.BytesIO(b"".join(pieces))
        guarded = guard.Guard(stream, Path("x"), ",", 1, 0)
        try:
            while guarded.read(len(pieces[0]) if pieces else 1):
                pass
        except InputUnreadable as error:
            return int(str(error).split("line ")[1].split(" ")[0])
        return None

    whole = text.encode()
    pieces = [whole[at : at + length] for at in range(0, len(whole), length)]
    assert verdict(pieces) == verdict([whole])
    if verdict([whole]) is None:
        strict = csv.reader(io.StringIO(text, newline=""), strict=True)
        assert list(strict) is not None
