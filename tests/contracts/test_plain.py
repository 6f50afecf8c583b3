"""A document is read as it stands, or refused by name; nothing in it can run, grow or nest without end."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.plain import DEEPEST, LARGEST_BYTES, read_plain

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def refused(tmp_path: Path):
    def reading(text: str | bytes, name: str = "document.json") -> ContractError:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(ContractError) as error:
            read_plain(path, "a document")
        return error.value

    return reading


@given(data=st.dictionaries(st.text(), values, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_is_read_as_json_reads_it(tmp_path: Path, data: dict[str, Any]):
    path = tmp_path / "document.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert read_plain(path, "a document").data == data


def test_a_number_that_yaml_would_read_as_a_text_is_a_number(tmp_path: Path):
    path = tmp_path / "document.json"
    path.write_text('{\n\t"a":\n\t1e5}')
    plain = read_plain(path, "a document")
    assert (plain.data, plain.at(("a",))) == ({"a": 1e5}, f"{path}:2")


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000 + "x", '{"a":' * 5000 + "1" + "}" * 5000])
@pytest.mark.parametrize("name", ["document.json", "document.yaml"])
def test_nesting_without_end_is_refused_and_does_not_end_the_process(refused, text, name):
    refused(text, name)


def test_json_may_be_as_deep_as_yaml(refused):
    assert "levels" in refused("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)).found


def test_aliases_that_grow_are_refused(refused):
    lines = ["a: &a [x]"] + [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9)]
    assert "alias" in refused("\n".join(lines), "bomb.yaml").found


def test_python_tags_are_refused_and_not_run(refused, tmp_path: Path):
    refused(f"a: !!python/object/apply:os.mkdir ['{tmp_path}/run']", "tags.yaml")
    assert not (tmp_path / "run").exists()


def test_a_key_given_twice_is_refused(refused):
    assert "second time" in refused('{"a": {"b": 1, "b": 2}}').found
    assert refused("a: 1\na: 2", "twice.yaml").line == 2


@pytest.mark.parametrize(
    "text", ['{"a": NaN}', '{"a": -Infinity}', '{"a": }', "", '{"a": ' + "1" * 5000 + "}", b"\xff\xfe"]
)
def test_what_is_no_json_is_refused(refused, text):
    refused(text)


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path: Path):
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(ContractError, match="at most"):
        read_plain(path, "a document")


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path):
    path = tmp_path / "document.json"
    path.write_bytes(b'\xef\xbb\xbf{\r\n"a": 1\r\n}')
    assert read_plain(path, "a document").data == {"a": 1}
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_plain(path, "a document").data == {"a": 1, "b": 2}
