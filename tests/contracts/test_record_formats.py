"""How records are written: read from the contract, part of its fingerprint, refused where it makes no sense."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.contracts.model import Contract
from dataeng_assets.contracts.record_format import RecordFormat, RecordKey, Records
from dataeng_assets.contracts.write import contract_yaml

EVENTS = Path(__file__).parent / "documents" / "user_events.yaml"
SCHEMA = '{"type":"record","name":"R","fields":[]}'


def made(folder: Path, said: dict[str, Any], columns: tuple[tuple[str, str], ...] = ()) -> Contract:
    """The contract with these custom properties and further columns."""
    document = yaml.safe_load(EVENTS.read_text())
    table = document["schema"][0]
    table["customProperties"] += [{"property": name, "value": value} for name, value in said.items()]
    logical = {"timestamp": "timestamp", "decimal(5,2)": "number"}
    table["properties"] += [
        {"name": name, "physicalType": kind, "logicalType": logical.get(kind, "string"), "description": "More."}
        for name, kind in columns
    ]
    path = folder / "user_events.yaml"
    path.write_text(yaml.safe_dump(document))
    (folder / "r.avsc").write_text(SCHEMA)
    return load_contract(path)


@pytest.mark.parametrize(
    ("said", "records"),
    [
        ({}, Records()),
        ({"format": "json"}, Records()),
        ({"format": {"type": "json", "wire": "confluent"}}, Records(RecordFormat("json", wire="confluent"))),
        ({"format": {"type": "avro", "schema": "r.avsc"}}, Records(RecordFormat("avro", schema="r.avsc", text=SCHEMA))),
        (
            {"format": {"type": "protobuf", "schema": "r.avsc", "message": "a.B"}},
            Records(RecordFormat("protobuf", schema="r.avsc", text=SCHEMA, message="a.B")),
        ),
        ({"format": {"type": "avro", "wire": "glue"}}, Records(RecordFormat("avro", wire="glue"))),
        (
            {"format": {"type": "csv", "delimiter": ";", "quote": "'", "header": True}, "recordTime": "seen_at"},
            Records(RecordFormat("csv", delimiter=";", quote="'", header=True), time="seen_at"),
        ),
        (
            {"key": {"column": "raw_key", "format": "raw"}},
            Records(key=RecordKey("raw_key", RecordFormat("raw"))),
        ),
        (
            {"key": {"column": "text_key", "format": {"type": "avro", "wire": "confluent"}}},
            Records(key=RecordKey("text_key", RecordFormat("avro", wire="confluent"))),
        ),
    ],
)  # fmt: skip
def test_a_format_is_read_and_written_back(said: dict[str, Any], records: Records, tmp_path: Path) -> None:
    columns = [("seen_at", "timestamp"), ("text_key", "string")]
    columns += [("raw_key", "bytes")] if "key" in said and said["key"]["column"] == "raw_key" else []
    contract = made(tmp_path, said, tuple(columns))
    assert contract.records == records
    (tmp_path / "again.yaml").write_text(contract_yaml(contract))
    assert load_contract(tmp_path / "again.yaml").records == records


@pytest.mark.parametrize(
    ("said", "place", "allowed"),
    [
        ({"format": "arvo"}, "value", "did you mean 'avro'"),
        ({"format": 5}, "value", "a mapping with `type`"),
        ({"format": {"type": "json", "delimiter": ";"}}, "delimiter", "type, wire"),
        ({"format": {"type": "avro"}}, "value", "`schema`"),
        ({"format": {"type": "avro", "schema": "gone.avsc"}}, "schema", "a file beside the contract"),
        ({"format": {"type": "avro", "schema": "../../r.avsc"}}, "schema", "below its folder"),
        ({"format": {"type": "avro", "wire": "confluence"}}, "wire", "did you mean 'confluent'"),
        ({"format": {"type": "csv", "delimiter": ";;"}}, "delimiter", "one character"),
        ({"format": {"type": "csv", "delimiter": '"'}}, "quote", "another character"),
        ({"format": {"type": "csv", "header": "yes"}}, "header", "true or false"),
        ({"format": "raw"}, "value", "one column of type bytes"),
        ({"key": {"column": "event_id"}}, "value", "`column` and `format`"),
        ({"key": {"column": "none", "format": "string"}}, "column", "event_id"),
        ({"key": {"column": "event_id", "format": "csv"}}, "format", "avro, json, raw, string"),
        ({"key": {"column": "event_id", "format": "raw"}}, "format", "one column of type bytes"),
        ({"recordTime": "event_id"}, "value", "type timestamp"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    said: dict[str, Any], place: str, allowed: str, tmp_path: Path
) -> None:
    with pytest.raises(ContractError) as refused:
        made(tmp_path, said)
    assert place in refused.value.place
    assert allowed in refused.value.allowed


@pytest.mark.parametrize(("kind", "column"), [("json", "bytes"), ("json", "decimal(5,2)"), ("csv", "bytes")])
def test_types_that_a_format_cannot_hold_are_refused(kind: str, column: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"none of the types"):
        made(tmp_path, {"format": kind}, (("more", column),))


def test_the_fingerprint_follows_what_the_schema_says_and_not_what_its_file_is_called() -> None:
    plain = load_contract(EVENTS)
    avro = replace(plain, records=Records(RecordFormat("avro", schema="a.avsc", text=SCHEMA)))
    renamed = replace(plain, records=Records(RecordFormat("avro", schema="b.avsc", text=SCHEMA)))
    other = replace(plain, records=Records(RecordFormat("avro", schema="a.avsc", text=SCHEMA + " ")))
    keyed = replace(plain, records=Records(key=RecordKey("event_id", RecordFormat("string"))))
    assert avro.fingerprint == renamed.fingerprint
    assert len({one.fingerprint for one in (plain, avro, other, keyed)}) == 4
