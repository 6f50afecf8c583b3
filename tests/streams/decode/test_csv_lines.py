"""CSV by columns against CSV line by line."""

import csv
import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from decode_kit import column, decoded
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.record_format import RecordFormat
from dataeng_assets.streams.decode.csv_lines import CsvDecoder, read_line
from dataeng_assets.streams.decode.document import Unreadable

COLUMNS = tuple(
    column(name, physical, nullable=name != "id")
    for name, physical in (
        ("id", "string"), ("session", "uuid"), ("user", "bigint"), ("score", "double"), ("ok", "boolean"),
        ("at", "timestamp"), ("day", "date"), ("price", "decimal(6,2)"), ("props", "json"),
    )
)  # fmt: skip
COMMAS = RecordFormat("csv")
GOOD = [
    "e1",
    "0188a8e2-5f1c-7c40-8a60-2f4f9e5b0001",
    "7",
    "0.5",
    "true",
    "2026-03-01T10:00:00.5Z",
    "2026-03-01",
    "1.10",
]
LINE = ",".join([*GOOD, "[1]"])


def both(values: list[bytes | None], said: RecordFormat = COMMAS, columns: Any = COLUMNS) -> list[dict[str, Any]]:
    """Decode by columns, and see that line by line gives the same."""
    with CsvDecoder(columns, said) as decoder:
        lines = pa.chunked_array([pa.array(values, pa.binary())])
        fast, slow = decoder.decode(lines), decoder.decode_each(lines)
    assert fast.schema == slow.schema
    assert fast.to_pylist() == slow.to_pylist()
    return fast.to_pylist()  # type: ignore[no-any-return]


def test_every_kind_of_value_arrives_exactly() -> None:
    [row] = both([LINE.encode()])
    assert row == {
        "id": "e1", "session": GOOD[1], "user": 7, "score": 0.5, "ok": True,
        "at": datetime(2026, 3, 1, 10, 0, 0, 500_000, UTC), "day": date(2026, 3, 1), "price": Decimal("1.10"),
        "props": "[1]", "_rescued": None, "reason": None, "detail": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (None, "empty"), (b"", "empty"), (b"\n", "field_count"), (b"\xff" + LINE.encode(), "not_utf8"),
        (b"a,b", "field_count"), (LINE.encode() + b",", "field_count"), (b'"a' + LINE.encode(), "not_csv"),
        (b'"a"b,' + LINE.encode(), "not_csv"), (b'a"b,,,,,,,,', "not_csv"), (b"a\nb,,,,,,,,", "not_csv"),
        (b",,,,,,,,", "missing:id"), (LINE.encode() + b"\n\n", "not_csv"),
    ],
)  # fmt: skip
def test_a_broken_line_is_named(line: bytes | None, reason: str) -> None:
    before, row, after = both([LINE.encode(), line, LINE.encode()])
    assert (before["reason"], row["reason"], after["reason"]) == (None, reason, None)
    assert row["detail"]


def test_quotes_hold_delimiters_quotes_and_ends_of_lines_and_an_empty_text_is_no_null() -> None:
    columns = (column("a", "string", nullable=True), column("b", "string", nullable=True))
    lines = [b'"x,""y""\r\n",', b'"",z', b"a,b\r\n", b'"a","b"\n', b",", b"\xef\xbb\xbfa,b", b"a\x00,b"]
    assert [(row["a"], row["b"]) for row in both(list(lines), columns=columns)] == [
        ('x,"y"\r\n', None), ("", "z"), ("a", "b"), ("a", "b"), (None, None), ("\ufeffa", "b"), ("a\x00", "b"),
    ]  # fmt: skip


def test_delimiter_quote_and_header_are_the_contracts() -> None:
    columns = (column("a", "string"), column("b", "bigint"))
    said = RecordFormat("csv", delimiter=";", quote="'", header=True)
    rows = both([b"a;b", b"'a';'b'", b"'x;y';1", b'"q";2'], said, columns)
    assert [(row["a"], row["b"], row["reason"]) for row in rows] == [
        (None, None, "header"), (None, None, "header"), ("x;y", 1, None), ('"q"', 2, None),
    ]  # fmt: skip
    assert both([b"a;b"], RecordFormat("csv", delimiter=";"), columns)[0]["reason"] == "type:b"


ODD = [
    "", '""', "0", "-0", "01", "+1", "1.0", "1e2", "1e999", "9223372036854775807", "9223372036854775808", "9" * 5000,
    "9007199254740993", "0.1", "123456789012345678901234567890.5", "NaN", "inf", "true", "TRUE", "t", " 1", "1 ", "1\n",
    "2026-03-01T10:00:00Z", "2026-03-01t10:00:00z", "2026-03-01T10:00:00+02:00", "2026-02-30T10:00:00Z", "2026-03-01",
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999999Z", "2026-02-30", "0000-01-01",
    "2026-03-01T10:00:60Z", "1234.56", "12345.6", "1.234", "-9999.99", GOOD[1], GOOD[1].upper(), "null", "[1,]", "{}",
    "é", "٣", "'a'", '"a"', '"1"', '"', "a\x00b", "\ufeff1", "[" * 3000, '"[""a"", 1.10]"', '"{""a"":NaN}"',
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(COLUMNS)))
def test_each_odd_text_in_each_column_is_right_or_set_aside(place: int) -> None:
    parts = LINE.split(",")
    both([",".join([*parts[:place], text, *parts[place + 1 :]]).encode() for text in ODD])


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(st.sampled_from(ODD) | st.text(max_size=4), min_size=8, max_size=10).map(
            lambda parts: ",".join(parts).encode("utf-8", "surrogatepass")
        )
        | st.binary(max_size=12)
        | st.none(),
        max_size=6,
    )
)
def test_by_columns_and_line_by_line_give_the_same_on_hostile_lines(values: list[bytes | None]) -> None:
    both(values)


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), min_size=1, max_size=4))
def test_what_pythons_writer_wrote_is_what_is_read(fields: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(fields)
    assert [text for text, _ in read_line(out.getvalue().encode(), ",", '"')] == fields


def test_a_line_of_ten_megabytes_is_read() -> None:
    columns = (column("a", "string"),)
    assert [len(row["a"]) for row in both([b"x" * 10_000_000, b'"' + b"x" * 10_000_000 + b'"'], columns=columns)] == [
        10_000_000, 10_000_000,
    ]  # fmt: skip


def test_no_lines_give_no_rows() -> None:
    assert decoded(CsvDecoder(COLUMNS, COMMAS), []) == []


def test_details_hold_nothing_of_the_record() -> None:
    with pytest.raises(Unreadable) as refused:
        read_line(b'"secret', ",", '"')
    assert not re.search("secret", refused.value.detail)
