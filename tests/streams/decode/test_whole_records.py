"""Keys, the record's own time, raw bytes, and JSON behind a header."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zlib import compress

import fastavro
import pyarrow as pa
import pytest
from decode_kit import FakeRegistry, column
from stream_kit import contract

from dataeng_assets.contracts.model import Contract
from dataeng_assets.contracts.record_format import RecordFormat, RecordKey, Records
from dataeng_assets.kafka.records import RECORDS
from dataeng_assets.streams.decode.records import RecordDecoder

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
TEXT = column("k", "string", nullable=True)


def of(records: Records, *columns: Any) -> Contract:
    return replace(contract(columns), records=records)


def decoded(
    said: Contract, rows: list[tuple[bytes | None, bytes | None]], registry: Any = None
) -> list[dict[str, Any]]:
    """Records of these keys and values."""
    table = pa.table(
        {
            "partition": [0] * len(rows), "offset": range(len(rows)), "timestamp": [AT, *[None] * (len(rows) - 1)],
            "key": [key for key, _ in rows], "value": [value for _, value in rows], "headers": [None] * len(rows),
        },
        RECORDS,
    )  # fmt: skip
    with RecordDecoder(said, registry) as decoder:
        return decoder.decode(table).to_pylist()  # type: ignore[no-any-return]


def test_bytes_are_carried_as_they_are() -> None:
    said = of(Records(RecordFormat("raw"), time="at"), column("at", "timestamp"), column("body", "bytes"))
    rows = decoded(said, [(None, b"\xff\x00"), (None, b""), (None, None)])
    assert [(row["body"], row["at"], row["reason"]) for row in rows] == [
        (b"\xff\x00", AT, None), (b"", None, "missing:at"), (None, None, "missing:body"),
    ]  # fmt: skip
    assert list(rows[0]) == ["at", "body", "_rescued", "reason", "detail"], "in the order of the contract"


@pytest.mark.parametrize(
    ("kind", "physical", "key", "found"),
    [
        ("raw", "bytes", b"\xff", b"\xff"),
        ("string", "string", "é".encode(), "é"),
        ("string", "string", b"", ""),
        ("string", "string", b"\xff", "key:not_utf8"),
        ("string", "bigint", b"12", 12),
        ("string", "bigint", b"1.0", "type:k"),
        ("json", "string", b'"a"', "a"),
        ("json", "string", b"a", "type:k"),
        ("json", "string", b'"\\ud800"', "type:k"),
        ("json", "bigint", b" 12 ", 12),
        ("json", "bigint", b'"12"', "type:k"),
        ("json", "string", b"null", None),
        ("json", "json", b'{"a": 1.10}', '{"a": 1.10}'),
        ("json", "json", b"{", "type:k"),
        ("string", "string", None, None),
    ],
)
def test_a_key_goes_into_its_column(kind: str, physical: str, key: bytes | None, found: Any) -> None:
    said = of(
        Records(key=RecordKey("k", RecordFormat(kind))), column("k", physical, nullable=True), column("a", "bigint")
    )
    row, again, other = decoded(said, [(key, b'{"a":1}'), (key, b'{"a":2}'), (None, b'{"a":3,"k":"x"}')])
    assert (row["reason"] or row["k"], row["a"]) == (found, 1)
    assert (again["reason"] or again["k"]) == found
    assert (other["k"], other["_rescued"]) == (None, '{"k":"x"}'), "a field of that name in the value is another thing"


def test_a_required_key_that_is_not_there_is_named_and_the_value_is_named_first() -> None:
    said = of(Records(key=RecordKey("k", RecordFormat("string"))), column("k", "string"), column("a", "bigint"))
    rows = decoded(said, [(None, b'{"a":1}'), (None, b"{"), (b"\xff", b'{"a":1}')])
    assert [row["reason"] for row in rows] == ["missing:k", "not_json", "key:not_utf8"]


def test_a_key_in_avro_is_one_value_or_json() -> None:
    registry = FakeRegistry({1: '"long"', 2: '{"type":"record","name":"K","fields":[{"name":"id","type":"long"}]}'})
    for physical, number, found in (
        ("bigint", 1, 3),
        ("json", 2, '{"id":3}'),
        ("bigint", 2, "type:k"),
        ("json", 9, None),
    ):
        said = of(
            Records(key=RecordKey("k", RecordFormat("avro", wire="confluent"))),
            column("k", physical, nullable=True), column("a", "bigint"),
        )  # fmt: skip
        row, none = decoded(said, [(b"\0\0\0\0" + bytes([number]) + b"\x06", b'{"a":1}'), (None, b'{"a":1}')], registry)
        assert (row["reason"] or row["k"]) == (found or "key:unknown_schema")
        assert (none["k"], none["reason"]) == (None, None)


@pytest.mark.parametrize("wire", ["confluent", "glue"])
def test_json_may_stand_behind_a_header(wire: str) -> None:
    said = of(Records(RecordFormat("json", wire=wire)), column("a", "bigint"))
    glue = b"\x03\x00" + UUID(int=5).bytes
    head = b"\0\0\0\0\x07" if wire == "confluent" else glue
    values = [head + b'{"a":1}', b'{"a":1}', head, head + b"{", None, head + b'{"a":2,"b":3}']
    if wire == "glue":
        values.append(b"\x03\x05" + UUID(int=5).bytes + compress(b'{"a":9}'))
    rows = decoded(said, [(None, value) for value in values])
    assert [row["reason"] or row["a"] for row in rows][:6] == [1, "bad_header", "empty", "not_json", "empty", 2]
    assert rows[5]["_rescued"] == '{"b":3}'
    assert wire == "confluent" or rows[6]["a"] == 9


def test_glue_names_avro_schemas_by_uuid_and_a_broken_compression_is_named() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
    registry = FakeRegistry({UUID(int=5): json.dumps(schema)})
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), {"a": 4})
    known, unknown = UUID(int=5).bytes, UUID(int=6).bytes
    said = of(Records(RecordFormat("avro", wire="glue")), column("a", "bigint"))
    rows = decoded(
        said,
        [(None, b"\x03\x00" + known + out.getvalue()), (None, b"\x03\x05" + known + compress(out.getvalue())),
         (None, b"\x03\x00" + unknown + b"\x00"), (None, b"\x03\x05" + known + b"x"), (None, b"\x03\x07" + known)],
        registry,
    )  # fmt: skip
    assert [row["reason"] or row["a"] for row in rows] == [4, 4, "unknown_schema", "bad_header", "bad_header"]
