"""An Avro schema holds the rows of the table that it was made from."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import fastavro
import pytest
from hypothesis import given
from random_suites import suites

from dataeng_assets.contracts.checks.kinds import NotNull, Unique
from dataeng_assets.contracts.checks.rule import Rule, Suite, SuiteColumn
from dataeng_assets.contracts.convert.avro_write import avro_text


def test_a_row_is_written_and_read_again():
    types = {
        "n": "bigint", "price": "numeric(12,2)", "day": "date", "at": "timestamp with time zone", "tags": "text[]",
        "ok": "boolean", "raw": "bytea", "share": "double precision",
    }  # fmt: skip
    columns = tuple(SuiteColumn(name, physical=kind) for name, kind in types.items())
    schema = fastavro.parse_schema(json.loads(avro_text(Suite("t", columns, (Rule(NotNull("n"), "r"),))).text))
    row = {
        "n": 2**40, "price": Decimal("12.30"), "day": date(2026, 1, 2), "at": datetime(2026, 1, 2, 3, tzinfo=UTC),
        "tags": ["a"], "ok": True, "raw": b"x", "share": 0.5,
    }  # fmt: skip
    for wanted in (row, {**dict.fromkeys(row), "n": 1}):
        stored = io.BytesIO()
        fastavro.schemaless_writer(stored, schema, wanted)
        stored.seek(0)
        assert fastavro.schemaless_reader(stored, schema) == wanted
    with pytest.raises((TypeError, ValueError)):
        fastavro.schemaless_writer(io.BytesIO(), schema, {**row, "n": None})


@given(suite=suites())
def test_every_suite_gives_a_schema_and_tells_what_it_lacks(suite: Suite):
    written = avro_text(suite)
    fastavro.parse_schema(json.loads(written.text))
    kept = [rule for rule in suite.rules if not isinstance(rule.check, Unique)]
    assert len(written.unsaid) >= len(suite.rules) - len(kept)


def test_names_become_names_of_avro_and_stay_apart():
    columns = tuple(SuiteColumn(name, "string") for name in ("a b", "a-b", "1st", "ü", ""))
    written = avro_text(Suite("my table", columns))
    schema = json.loads(written.text)
    fastavro.parse_schema(json.loads(written.text))
    assert [field["name"] for field in schema["fields"]] == ["a_b", "a_b_2", "_1st", "_", "__2"]
    assert [field["aliasOf"] for field in schema["fields"]] == ["a b", "a-b", "1st", "ü", ""]
    assert len(written.unsaid) == 5
