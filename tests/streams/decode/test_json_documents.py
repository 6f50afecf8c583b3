"""Decoding by columns against a plain reading of the rules, record by record."""

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.model import Column
from dataeng_assets.contracts.types import event_type
from dataeng_assets.streams.decode.json_documents import JsonDecoder


def column(name: str, physical: str, *, nullable: bool) -> Column:
    return Column(
        name=name,
        type=event_type(physical),
        physical=physical,
        nullable=nullable,
        personal=False,
        description="",
    )


COLUMNS = (
    column("id", "uuid", nullable=False),
    column("user", "bigint", nullable=True),
    column("kind", "string", nullable=False),
    column("at", "timestamp", nullable=False),
    column("score", "double", nullable=True),
    column("new", "boolean", nullable=True),
    column("props", "json", nullable=True),
)
GOOD = {
    "id": '"0188a8e2-5f1c-7c40-8a60-2f4f9e5b0001"',
    "kind": '"click"',
    "at": '"2026-03-01T10:00:00.5Z"',
}


class Number(str):
    """The text of a number."""

    __slots__ = ()


class Refused(Exception):
    """The reason code."""


def oracle(value: bytes | None) -> dict[str, Any]:
    """What the rules say, written without the code under test."""
    try:
        pairs = parse(value)
        fields = dict(pairs)
        row = {c.name: typed(c, fields.get(c.name)) for c in COLUMNS}
        row["_rescued"] = {key: item for key, item in pairs if key not in row} or None
    except Refused as refused:
        return {"reason": str(refused)}
    return row


def depth_of(text: str) -> int:
    depth = deepest = 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', text, re.DOTALL):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token, 0)
        deepest = max(deepest, depth)
    return deepest


def parse(value: bytes | None) -> list[tuple[str, Any]]:
    if not value:
        raise Refused("empty")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise Refused("not_utf8") from None
    if depth_of(text) > 100:
        raise Refused("too_deep")

    def constant(name: str) -> None:
        raise ValueError(name)

    try:
        pairs = json.loads(text, object_pairs_hook=tuple, parse_int=Number, parse_float=Number, parse_constant=constant)
        json.dumps(pairs, ensure_ascii=False).encode()
    except (ValueError, UnicodeEncodeError):
        raise Refused("not_json") from None
    if not isinstance(pairs, tuple):
        raise Refused("not_object")
    if len(dict(pairs)) != len(pairs):
        raise Refused("duplicate_key")
    return list(pairs)


def typed(c: Column, item: Any) -> Any:
    if item is None:
        if not c.nullable:
            raise Refused(f"missing:{c.name}")
        return None
    value = {
        "string": text_of,
        "uuid": uuid_of,
        "boolean": lambda item: item if isinstance(item, bool) else None,
        "bigint": integer_of,
        "double": double_of,
        "timestamp": moment_of,
        "json": lambda item: item,
    }[c.physical](item)
    if value is None:
        raise Refused(f"type:{c.name}")
    return value


def text_of(item: Any) -> str | None:
    return item if isinstance(item, str) and not isinstance(item, Number) else None


def uuid_of(item: Any) -> str | None:
    text = text_of(item)
    return text if text and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) else None


def integer_of(item: Any) -> int | None:
    is_integer = isinstance(item, Number) and re.fullmatch(r"-?[0-9]{1,30}", item)
    return int(item) if is_integer and -(2**63) <= int(item) < 2**63 else None


def double_of(item: Any) -> float | None:
    if not isinstance(item, Number) or abs(float(item)) == float("inf"):
        return None
    if re.fullmatch(r"-?[0-9]+", item):
        return float(int(item)) if abs(int(item)) <= 2**53 else None
    return float(item)


def moment_of(item: Any) -> datetime | None:
    shape = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)"
    text = text_of(item)
    if not text or not re.fullmatch(shape, text, re.ASCII) or "T24" in text.upper():
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@cache
def by_query() -> JsonDecoder:
    """A decoder that reads no document one by one because there are few; open to the end, as opening one takes long."""
    return JsonDecoder(COLUMNS, one_by_one=0)


def check(values: list[bytes | None], decoder: JsonDecoder | None = None) -> list[dict[str, Any]]:
    records = pa.chunked_array([pa.array(values, pa.binary())])
    with nullcontext(decoder) if decoder else JsonDecoder(COLUMNS) as reader:
        found = reader.decode(records)
    if len(values) < 1_000:  # of more it would learn a layout
        assert found.equals(by_query().decode(records))
    rows = found.to_pylist()
    assert len(rows) == len(values)
    for value, row in zip(values, rows, strict=True):
        expected = oracle(value)
        if "reason" in expected or row["reason"] is not None:
            assert row["reason"] == expected.get("reason"), (value, row, expected)
            assert row["detail"]
            continue
        for c in COLUMNS:
            found = row[c.name]
            if c.physical == "json" and found is not None:
                assert found in value.decode()
                found = json.loads(found, object_pairs_hook=tuple, parse_int=Number, parse_float=Number)
            assert found == expected[c.name], (c.name, value, row, expected)
            if c.physical == "double":
                assert str(found) == str(expected[c.name]), (value, row)
        rescued = row["_rescued"]
        if rescued is not None:
            rescued = json.loads(rescued, object_pairs_hook=tuple, parse_int=Number, parse_float=Number)
            rescued = dict(rescued)
        assert rescued == expected["_rescued"], (value, row)
    return rows


def document(**fields: str) -> bytes:
    items = {**GOOD, **fields}
    return ("{" + ",".join(f"{json.dumps(key)}:{text}" for key, text in items.items()) + "}").encode()


ODD_VALUES = [
    *('"1"', "1.5", "1.0", "1e2", "-0", "-0.0", "0", "true", "false", "null", "{}", "[]", '""', "NaN", "Infinity"),
    *("-inf", "1e999", "-1e999", "1e-999", "9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    *("18446744073709551616", "9007199254740992", "9007199254740993", "-9007199254740993", "9" * 5000),
    *("123456789012345678901234567890.5", "1.10", "0.1234567890123456789", "01", "+1", ".5", "1.", "0x10", "'a'"),
    *('"\\u0000"', '"\\ud800"', '"\\udc00"', '"\\ud83d\\ude00"', '"\\u00e9\\/"', '"é"', '"a\tb"', '"a\\nb"', '"\\x"'),
    *('"2026-03-01T10:00:00Z"', '"2026-03-01T10:00:00"', '"2026-03-01T10:00:00.123456+02:00"', '"2026-03-01"'),
    *('"2026-03-01T10:00:00.1234567Z"', '"2026-03-01T10:00:60Z"', '"2026-02-30T10:00:00Z"', '"2026-03-01T24:00:00Z"'),
    *('"2026-03-01t10:00:00z"', '"2026-03-01 10:00:00Z"', '"2026-03-01T10:00:00+0200"', '"2026-03-01T10:00:00+24:00"'),
    *(
        '"0001-01-01T00:00:00+00:01"',
        '"9999-12-31T23:59:59-00:01"',
        '"0000-01-01T00:00:00Z"',
        '"12026-01-01T00:00:00Z"',
    ),
    *('"0000-12-31T23:59:59-00:01"', '"1969-12-31T23:59:59.999999Z"'),
    *('"0188a8e2-5f1c-7c40-8a60-2f4f9e5b0001"', '"0188A8E25F1C7C408A602F4F9E5B0001"', '"{0188a8e2}"'),
    *('{"a": 1, "b": [1,2]}', '{"a":1.10}', '{"a":1,"a":2}', "[1, 2]", '{"props":{"x":1}}', "[1,]", '{"a":1,}', '"x'),
    *("[" * 99 + "]" * 99, "[" * 100 + "]" * 100, '"' + "[" * 200 + '"', "[1, nan]", '{"inf": "nan"}', '"a,]b"'),
]
ODD_DOCUMENTS: list[bytes | None] = [
    *(None, b"", b" ", b"{}", b"[]", b"null", b"1", b'"x"', b"{", b"}", b"\xff", b"{a:1}", b'{"a" 1}', b'{"a":}'),
    *(b"\xef\xbb\xbf" + document(), document() + b"x", document() + b"\x00", b" \n" + document() + b"\r\n\t "),
    *(document()[:-1], document()[:-1] + b",}", document().replace(b",", b",\n"), document().replace(b":", b" : ")),
    *(b"[" * 5000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 3000, b'{"id":1,"id":2}', document()[:-1] + b',"id":1}'),
    *(document(**{"": "1"}), document(Id="1"), document(_kafka_offset="7"), document(unknown='{"a": 1.10}')),
    *(document().replace(b'"kind"', b'"k\\u0069nd"'), b"// c\n" + document(), document() + document()),
    document(other='{"props":{"a":1}}', props='{"a":1}'),
    document(other='"\\"props\\":{}"', props="{ }"),
    document().replace(b'"kind"', b'"k\x00nd"'),
    *(document(props="[" * 50_000 + "]" * 50_000), document(props='{"a":' * 60 + "1" + "}" * 60)),
]


def test_each_odd_document_is_right_or_set_aside() -> None:
    rows = check(ODD_DOCUMENTS)
    assert rows[0]["reason"] == "empty"


@pytest.mark.parametrize("name", [c.name for c in COLUMNS])
def test_each_odd_value_of_a_column_is_right_or_set_aside(name: str) -> None:
    check([document(**{name: text}) for text in ODD_VALUES])


def test_a_json_column_keeps_the_exact_text() -> None:
    texts = [
        '{"price":1.10,"n":1e2}',
        '{ "a" : [1 , 2] }',
        "123456789012345678901234567890",
        '{"u":"\\u00e9"}',
        '{"a":1}',
    ]
    rows = check([document(props=text) for text in texts])
    assert [row["props"] for row in rows] == texts


def test_unknown_fields_are_rescued_as_they_stood() -> None:
    [row] = check([document(campaign='{"n": 1.10}', beta="true")])
    assert row["_rescued"] == '{"campaign":{"n": 1.10},"beta":true}'
    assert row["reason"] is None


def test_the_first_broken_column_in_contract_order_gives_the_reason() -> None:
    [row] = check([document(user='"7"', kind="null")])
    assert (row["reason"], row["detail"]) == ("type:user", "expected bigint, found a string of another form")


def test_no_records_give_no_rows() -> None:
    assert check([]) == []


def test_ten_megabytes_are_read_like_ten_bytes() -> None:
    text = json.dumps("é\n" + "x" * 10_000_000)
    plain, slow = check([document(kind=text), document(kind=text, unknown="1")])
    assert len(plain["kind"]) == len(slow["kind"]) == 10_000_002
    assert (plain["_rescued"], slow["_rescued"]) == (None, '{"unknown":1}')


scalars = st.sampled_from(ODD_VALUES) | st.integers().map(str) | st.floats().map(json.dumps) | st.text().map(json.dumps)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
texts = scalars | st.builds(
    lambda tree, ascii_, gap: json.dumps(tree, ensure_ascii=ascii_, separators=gap),
    trees,
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": ")]),
)
keys = st.sampled_from([c.name for c in COLUMNS]) | st.text(max_size=4)
documents = st.dictionaries(keys, texts, max_size=4).map(
    lambda fields: "{" + ",".join(f"{json.dumps(k)}:{t}" for k, t in {**GOOD, **fields}.items()) + "}"
)
damaged = st.builds(
    lambda text, at, junk: text[: at % (len(text) + 1)] + junk + text[at % (len(text) + 1) :],
    documents,
    st.integers(0, 400),
    st.sampled_from(["", ",", '"', "{", "}", "[", "]", "\\", "\n", " ", "nan", "\x00", ":", '"id":1,', "\ufeff"]),
)
records = st.one_of(
    st.none(),
    st.binary(max_size=20),
    st.builds(lambda text: text.encode("utf-8", "surrogatepass"), documents | damaged),
)


@settings(max_examples=120)
@given(st.lists(records, max_size=12))
def test_decoding_by_columns_equals_the_rules_record_by_record(values: list[bytes | None]) -> None:
    check(values)


LAID_OUT = {
    **GOOD,
    "user": "-7",
    "score": "1.5",
    "new": "true",
    "props": '{"price":1.10,"tags":["a",null],"u":"\\/"}',
}


ESCAPED = {"kind": '"\\u00e9"'}
UNKNOWN = {**GOOD, "campaign": '"spring"', **LAID_OUT, "extra": '{"n": 1.10,"tags":["a"]}'}


@pytest.fixture(scope="module")
def experienced() -> Iterator[JsonDecoder]:
    """A decoder that has seen three layouts, with escapes and without, so that documents are read by them."""
    with JsonDecoder(COLUMNS) as decoder:
        for fields in (LAID_OUT, GOOD, UNKNOWN, LAID_OUT | ESCAPED, GOOD | ESCAPED, UNKNOWN | ESCAPED):
            check([laid_out(fields)] * 1200, decoder)
        yield decoder


def laid_out(fields: dict[str, str], colon: str = ":", comma: str = ",") -> bytes:
    return ("{" + comma.join(f"{json.dumps(key)}{colon}{text}" for key, text in fields.items()) + "}").encode()


def test_documents_of_a_layout_are_read_by_its_expression(
    experienced: JsonDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a document of a known layout was read elsewhere")

    monkeypatch.setattr(experienced, "_decode_any", never)
    null = {**LAID_OUT, "user": "null", "score": "0", "props": "null"}
    rows = check([laid_out(LAID_OUT), laid_out(GOOD), laid_out(null), laid_out(LAID_OUT, ": ", ", ")], experienced)
    assert [row["user"] for row in rows] == [-7, None, None, -7]
    assert rows[0]["props"] == '{"price":1.10,"tags":["a",null],"u":"\\/"}'


def test_fields_that_the_contract_does_not_name_are_part_of_a_layout(
    experienced: JsonDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a document of a known layout was read elsewhere")

    monkeypatch.setattr(experienced, "_decode_any", never)
    odd = {**UNKNOWN, "campaign": "null", "extra": '[[1e2,"\\u00e9"],null]'}
    rows = check([laid_out(UNKNOWN), laid_out(odd), laid_out(LAID_OUT), laid_out(UNKNOWN, ": ", ", ")], experienced)
    assert [row["_rescued"] for row in rows] == [
        '{"campaign":"spring","extra":{"n": 1.10,"tags":["a"]}}',
        '{"campaign":null,"extra":[[1e2,"\\u00e9"],null]}',
        None,
        '{"campaign":"spring","extra":{"n": 1.10,"tags":["a"]}}',
    ]


def test_fields_whose_names_differ_from_document_to_document_make_no_layout() -> None:
    with JsonDecoder(COLUMNS) as decoder:
        rows = check([laid_out({**LAID_OUT, f"at_{at}": "1"}) for at in range(1_200)], decoder)
        assert rows[7]["_rescued"] == '{"at_7":1}'
        assert not decoder._layouts._seen


ESCAPES = ["\\u00e9", "\\uD83D\\ude00 ", 'a\\n\\"\\/', "\\u0000", "\\\\u00e9", "\\udbff\\uDFFF", "\\ud7ff"]


@pytest.mark.parametrize("text", ESCAPES)
def test_texts_with_escapes_are_read_by_an_expression_too(
    text: str, experienced: JsonDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a document of a known layout was read elsewhere")

    monkeypatch.setattr(experienced, "_decode_any", never)
    fields = {**LAID_OUT, "kind": f'"{text}"', "props": f'{{"{text}":["{text}"]}}'}
    [row, _] = check([laid_out(fields, ": ", ", "), laid_out(LAID_OUT)], experienced)
    assert (row["kind"], row["props"]) == (json.loads(f'"{text}"'), fields["props"])


def test_a_layout_is_learned_from_many_small_batches_as_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = list[int]()
    any_ = JsonDecoder._decode_any

    def counted(decoder: JsonDecoder, cursor: Any, values: Any) -> pa.Table:
        elsewhere.append(len(values))
        return any_(decoder, cursor, values)

    with JsonDecoder(COLUMNS) as decoder:
        monkeypatch.setattr(JsonDecoder, "_decode_any", counted)
        for _ in range(10):
            decoder.decode(pa.chunked_array([pa.array([laid_out(LAID_OUT)] * 200, pa.binary())]))
    assert elsewhere == [200] * 4


def test_each_odd_document_is_right_or_set_aside_by_a_decoder_that_knows_layouts(experienced: JsonDecoder) -> None:
    check([*ODD_DOCUMENTS, laid_out(LAID_OUT)], experienced)


@pytest.mark.parametrize("beside", [[], [laid_out({**LAID_OUT, "kind": '"\u00e9"'})]], ids=["ascii", "not ascii"])
def test_every_ascii_character_is_read_alike_in_a_batch_of_ascii_and_beside_another(
    beside: list[bytes], experienced: JsonDecoder
) -> None:
    texts_ = [chr(code) for code in range(128)]
    values = [laid_out({**LAID_OUT, "kind": f'"a{one}b"', "props": f'{{"k{one}":["{one}"]}}'}) for one in texts_]
    rows = check([*values, *beside], experienced)
    assert [row["kind"] for row in rows[32:128] if row["kind"]] == [
        f"a{one}b" for one in texts_[32:] if one not in '"\\'
    ]


def test_each_odd_document_of_ascii_is_right_or_set_aside_by_a_decoder_that_knows_layouts(
    experienced: JsonDecoder,
) -> None:
    values = [laid_out({**LAID_OUT, c.name: text}) for c in COLUMNS for text in ODD_VALUES if text.isascii()]
    check([*(one for one in ODD_DOCUMENTS if one and one.isascii()), *values], experienced)


@pytest.mark.parametrize("name", [*(c.name for c in COLUMNS), "campaign", "extra"])
def test_each_odd_value_is_right_or_set_aside_by_a_decoder_that_knows_layouts(
    name: str, experienced: JsonDecoder
) -> None:
    check([laid_out({**base, name: text}) for base in (LAID_OUT, GOOD, UNKNOWN) for text in ODD_VALUES], experienced)


like_others = st.builds(
    lambda base, fields, gap: laid_out({**base, **fields}, *gap).decode(errors="surrogatepass"),
    st.sampled_from([LAID_OUT, UNKNOWN]),
    st.dictionaries(st.sampled_from([*(c.name for c in COLUMNS), "campaign", "extra"]), texts, max_size=2),
    st.sampled_from([(":", ","), (": ", ", ")]),
)
damaged_like_others = st.builds(
    lambda text, at, junk: text[: at % (len(text) + 1)] + junk + text[at % (len(text) + 1) :],
    like_others,
    st.integers(0, 400),
    st.sampled_from(["", ",", '"', "{", "}", "[", "]", "\\", "\n", " ", "nan", "\x00", ":", '"id":1,', "\ufeff", "0"]),
)
records_like_others = st.builds(lambda text: text.encode("utf-8", "surrogatepass"), like_others | damaged_like_others)


@settings(max_examples=60)
@given(values=st.lists(records_like_others | records, max_size=12))
def test_reading_by_layout_equals_the_rules_record_by_record(
    experienced: JsonDecoder, values: list[bytes | None]
) -> None:
    check(values, experienced)
