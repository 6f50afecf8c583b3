"""What is no valid Avro schema is refused with its place; what is valid is read with its names resolved."""

from pathlib import Path
from typing import Any

import pytest

from dataeng_assets.contracts.compatibility.avro.document import read_schema
from dataeng_assets.contracts.compatibility.avro.types import Enum, Primitive, Record, Reference
from dataeng_assets.contracts.errors import ContractError

PATH = Path("order.avsc")


def record(*fields: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Order", "fields": list(fields), **more}


@pytest.mark.parametrize(
    ("schema", "place", "allowed"),
    [
        (record({"name": "a", "type": "strin"}), "fields[0].type", "'string'?"),
        (record({"name": "a", "type": "Customer"}), "fields[0].type", "files import nothing"),
        (record({"name": "a", "type": "int"}, {"name": "a", "type": "int"}), "fields[1].name", "each field once"),
        (record({"name": "1a", "type": "int"}), "fields[0].name", "begins with no digit"),
        (record({"name": "a"}), "fields[0].type", "a type"),
        (record("a"), "fields[0]", "an object"),
        (record({"name": "a", "type": "int", "default": "1"}), "fields[0].default", "of the type int"),
        (record({"name": "a", "type": "int", "default": 2**31}), "fields[0].default", "of the type int"),
        (record({"name": "a", "type": ["null", "int"], "default": 1.5}), "fields[0].default", "null or int"),
        (record({"name": "a", "type": "bytes", "default": "€"}), "fields[0].default", "bytes"),
        (record({"name": "a", "type": "boolean", "default": 0}), "fields[0].default", "boolean"),
        (record({"name": "a", "type": ["int", "int"]}), "fields[0].type", "each type once"),
        (record({"name": "a", "type": ["int", ["null"]]}), "fields[0].type", "one list"),
        (record({"name": "a", "type": []}), "fields[0].type", "at least one"),
        (record({"name": "a", "type": "int", "aliases": "b"}), "fields[0].aliases", "list"),
        (record(name="int"), "name", "primitive"),
        (record(name="a..b"), "name", "letters"),
        ({"type": "record", "name": "Order"}, "fields", "list of fields"),
        ({"type": "enum", "name": "E", "symbols": ["A", "A"]}, "symbols", "once"),
        ({"type": "enum", "name": "E", "symbols": ["A", "b c"]}, "symbols[1]", "letters"),
        ({"type": "enum", "name": "E", "symbols": ["A"], "default": "B"}, "default", "symbols A"),
        ({"type": "enum", "name": "E", "symbols": []}, "symbols", "list of symbols"),
        ({"type": "fixed", "name": "F", "size": -1}, "size", "whole number"),
        ({"type": "array"}, "items", "a type"),
        ([record(), record()], "[1].name", "once"),
        (42, "", "a type"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_place(schema: Any, place: str, allowed: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_schema(schema, PATH)
    assert caught.value.place == place
    assert allowed in caught.value.allowed


def test_names_are_resolved_in_the_namespace_around_them() -> None:
    inner = {"type": "enum", "name": "Status", "symbols": ["A"]}
    fields = [
        {"name": "now", "type": inner},
        {"name": "before", "type": "Status"},
        {"name": "of", "type": "shop.Order"},
    ]
    schema = read_schema(record(*fields, namespace="shop", aliases=["Purchase", "old.Sale"]), PATH)
    order = schema.named["shop.Order"]
    assert isinstance(order, Record)
    assert [one.type for one in order.fields] == [Reference(f"shop.{n}") for n in ("Status", "Status", "Order")]
    assert order.aliases == ("shop.Purchase", "old.Sale")
    assert schema.named["shop.Status"] == Enum("shop.Status", (), ("A",), None)


@pytest.mark.parametrize(
    "logical",
    [
        {"type": "string", "logicalType": "date"},
        {"type": "bytes", "logicalType": "decimal", "precision": 0},
        {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 5},
        {"type": "bytes", "logicalType": "decimal"},
        {"type": "long", "logicalType": "fortnight"},
    ],
)
def test_a_logical_type_that_is_unknown_or_invalid_is_ignored(logical: dict[str, Any]) -> None:
    assert read_schema(logical, PATH).root == Primitive(logical["type"])


def test_a_default_of_a_record_needs_what_has_no_default_of_its_own() -> None:
    inner = {"type": "record", "name": "I", "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "int"}]}
    inner["fields"][1]["default"] = 1
    assert read_schema(record({"name": "a", "type": inner, "default": {"x": 1}}), PATH)
    with pytest.raises(ContractError):
        read_schema(record({"name": "a", "type": inner, "default": {"y": 1}}), PATH)
