"""The header that AWS Glue's serializers put before a record."""

import zlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.kafka.registry.glue_header import GlueRecord, NoGlueRecord, read_glue_record, write_glue_record

NUMBER = UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63")


@given(st.uuids(), st.binary(max_size=2000), st.booleans())
def test_what_is_written_is_read_again(number: UUID, payload: bytes, compressed: bool) -> None:
    record = GlueRecord(number, payload)
    assert read_glue_record(write_glue_record(record, compressed=compressed)) == record


def test_the_bytes_are_those_that_amazon_describes() -> None:
    assert write_glue_record(GlueRecord(NUMBER, b"xy")) == b"\x03\x00" + NUMBER.bytes + b"xy"
    packed = write_glue_record(GlueRecord(NUMBER, b"xy"), compressed=True)
    assert packed[:18] == b"\x03\x05" + NUMBER.bytes
    assert zlib.decompress(packed[18:]) == b"xy"


@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused_by_name_or_read(value: bytes) -> None:
    try:
        record = read_glue_record(value)
    except NoGlueRecord:
        return
    assert value[0] == 3
    assert record.schema_id.bytes == value[2:18]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x03\x00" + NUMBER.bytes[:-1],
        b"\x00\x00" + NUMBER.bytes,
        b"\x03\x01" + NUMBER.bytes,
        b"\x03\x05" + NUMBER.bytes + b"no zlib",
        b"\x03\x05" + NUMBER.bytes + zlib.compress(b"cut off")[:-1],
        b"\x03\x05" + NUMBER.bytes + zlib.compress(b"longer") + b"!",
    ],
)
def test_what_is_no_record_of_glue_is_refused(value: bytes) -> None:
    with pytest.raises(NoGlueRecord):
        read_glue_record(value)


def test_a_payload_that_unpacks_without_end_is_refused_before_it_is_in_memory() -> None:
    bomb = write_glue_record(GlueRecord(NUMBER, bytes(5_000_000)), compressed=True)
    assert len(bomb) < 10_000
    with pytest.raises(NoGlueRecord, match="1,000,000"):
        read_glue_record(bomb, most_bytes=1_000_000)
    assert len(read_glue_record(bomb, most_bytes=5_000_000).payload) == 5_000_000, "the bound itself is allowed"
