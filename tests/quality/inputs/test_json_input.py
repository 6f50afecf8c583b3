"""JSON and NDJSON as an input: every value as it was written, or refused with file and line."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs import json_rows, json_values
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.inputs.opened import Held, InputUnreadable


def written(folder: Path, content: bytes | str, name: str = "data.json") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path) -> tuple[list[str], list[tuple]]:
    """Names, and the rows in their order as JSON texts."""
    with connect() as connection, open_input(str(path), connection) as opened:
        assert {(column.held, column.duckdb_type) for column in opened.columns} == {(Held.JSON, "JSON")}
        kinds = connection.execute(f"describe from {opened.relation}").fetchall()
        assert {kind for _, kind, *_ in kinds[: len(opened.columns)]} == {"JSON"}
        names = [column.name for column in opened.columns]
        listed = ", ".join(f"cast({quoted(name)} as varchar)" for name in names)
        order = ", ".join(opened.position)
        rows = connection.execute(f"select {listed} from {opened.relation} order by {order}").fetchall()
        assert opened.rows == len(rows)
        return names, rows


def refused(path: Path) -> str:
    with connect() as connection, pytest.raises(InputUnreadable) as error:
        open_input(str(path), connection)
    assert "Nothing was judged" in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1, "b": "1"}, {"a": 1.10, "b": null}]',
        '{"a": 1, "b": "1"}\n{"a": 1.10, "b": null}\n',
        '\n{"a": 1, "b": "1"}\r\n\r\n{"a": 1.10}',
        '{\n  "a": 1,\n  "b": "1"\n}\n{\n  "a": 1.10\n}\n',
        '\ufeff  [ {"a": 1, "b": "1"}\n , \n{"a": 1.10, "b": null}\n ] \n',
    ],
)
def test_an_array_and_records_one_after_another_are_the_same_rows(tmp_path, text):
    assert read(written(tmp_path, text)) == (["a", "b"], [("1", '"1"'), ("1.10", None)])


def test_a_single_object_is_one_row(tmp_path):
    assert read(written(tmp_path, '{"a": {"b": [1, 2.50, null]}}')) == (["a"], [('{"b":[1,2.50,null]}',)])


def test_numbers_keep_every_digit(tmp_path):
    numbers = ["0.10", "1e400", "-0", "12345678901234567890123456789.123456789", "9" * 5_000]
    assert read(written(tmp_path, "\n".join(f'{{"n": {number}}}' for number in numbers)))[1] == [
        (number,) for number in numbers
    ]


def test_columns_are_the_keys_of_all_records_in_order_of_appearance(tmp_path, monkeypatch):
    monkeypatch.setattr(json_rows, "_BATCH_ROWS", 2)
    records = [{}, {}, {"b": 1}, {}, {"a": 2, "b": 3}, {}, {"c": 4}]
    path = written(tmp_path, "\n".join(map(json.dumps, records)))
    names, rows = read(path)
    assert names == ["b", "a", "c"]
    assert rows == [tuple(None if n not in r else str(r[n]) for n in names) for r in records]
    with connect() as connection, open_input(str(path), connection) as opened:
        found = connection.execute(f"select _row, _file from {opened.relation} order by 1").fetchall()
    assert found == [(row, str(path)) for row in range(1, 8)]


@pytest.mark.parametrize("content", ["[]", " \n ", "{}", "[{}, {}]"])
def test_without_a_key_there_are_no_columns_to_judge(tmp_path, content):
    assert "tells no columns" in refused(written(tmp_path, content))


def test_an_empty_file_is_refused(tmp_path):
    assert "is empty" in refused(written(tmp_path, ""))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"a": 1}\n{"a": secret}\n', ["line 2 begins a record that is not JSON", "column 7"]),
        ('{"a": 1}\n{"a": 2\n{"a": 3}\n', ["line 2 begins", "line 3, column 1"]),
        ('{"a": 1}\n{"a": 1, "a": 2}\n', ["line 2", "'a' twice"]),
        ('{"a": 1}\n{"b": [{"x": 1, "y": 2, "x": 3}]}\n', ["line 2", "'x' twice"]),
        ('{"a": NaN}', ["NaN"]),
        ('[{"a": 1}\n{"a": 2}]', ["line 2", "neither a comma"]),
        ('[{"a": 1},\n', ["ends inside of the array"]),
        ('[{"a": 1},\n{"a": 2}', ["line 2", "neither a comma nor the end"]),
        ('[{"a": 1},]', ["not JSON"]),
        ('[{"a": 1}] []', ["after the end"]),
        ('[{"a": 1}, 3]', ["no object"]),
        ('"text"', ["no object"]),
        ("id,name\n1,x\n", ["line 1", "not JSON"]),
        ('{"a": "\\ud800"}', ["half of a character"]),
        (b'{"a": 1}\n{"a": "\xe4"}', ["line 2 is not UTF-8"]),
        (b'{"a": 1}\n{"a": "x\xc3', ["line 2 is not UTF-8"]),
        ('{"a": ' + "[" * 100_000, ["nested too deeply"]),
        ('{"a":' * 100_000, ["nested too deeply"]),
        ('{"a": 1, "A": 2}', ["case only"]),
        ('{"": 1}', ["has no name"]),
        ('{"a": "' + "x" * 40_000_000, ["longer than 16,777,216"]),
    ],
)
def test_broken_text_is_refused_with_its_line_and_without_its_values(tmp_path, content, says):
    message = refused(written(tmp_path, content))
    for part in ["data.json", *says]:
        assert part in message
    assert "secret" not in message
    assert len(message) < 500


def test_keys_that_are_values_are_refused_before_they_fill_memory(tmp_path):
    lines = (json.dumps({f"user{n}": 1}) for n in range(6_000))
    assert "more than 2,000 different keys" in refused(written(tmp_path, "\n".join(lines)))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b", 'c"<', "d\n"]), VALUES), min_size=1, max_size=6),
    st.sampled_from(["array", "lines", "indented"]),
    st.booleans(),
    st.integers(1, 40),
)
def test_any_records_are_read_as_they_were_written(tmp_path, monkeypatch, records, shape, ascii_only, chunk):
    monkeypatch.setattr(json_values, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(json_rows, "_BATCH_ROWS", 2)
    indent = 2 if shape == "indented" else None
    texts = [json.dumps(record, ensure_ascii=ascii_only, indent=indent) for record in records]
    text = json.dumps(records, ensure_ascii=ascii_only) if shape == "array" else "\n".join(texts)
    keys = dict.fromkeys(key for record in records for key in record)
    path = written(tmp_path, text)
    if not keys:
        assert "tells no columns" in refused(path)
        return
    names, rows = read(path)
    assert names == list(keys)
    found = [{n: json.loads(v) for n, v in zip(names, row, strict=True) if v is not None} for row in rows]
    assert found == [{name: value for name, value in record.items() if value is not None} for record in records]
