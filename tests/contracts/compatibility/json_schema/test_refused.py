"""What cannot be compared is refused, with its place and the next step, and quickly."""

import math

import pytest

from dataeng_assets.contracts.compatibility.json_schema.compare import compare_json_schemas
from dataeng_assets.contracts.compatibility.json_schema.document import SchemaRefused


def deep(levels):
    schema = top = {}
    for _ in range(levels):
        schema["items"] = {}
        schema = schema["items"]
    return top


def aliased(levels):
    schema = {"enum": [1]}
    for _ in range(levels):
        schema = {"allOf": [schema, schema]}
    return schema


REFUSED = {
    "a list": ([], "#", "no schema"),
    "a text": ("x", "#", "no schema"),
    "null": (None, "#", "null is no schema"),
    "a property that is no schema": ({"properties": {"a": [1]}}, "#/properties/a", "an array is no schema"),
    "properties that are no object": ({"properties": []}, "#/properties", "an object of schemas"),
    "an unknown type": ({"type": "int"}, "#/type", "integer, number"),
    "required as in draft 3": ({"required": True}, "#/required", "draft 3"),
    "a negative length": ({"minLength": -1}, "#/minLength", "0 or more"),
    "a bound that is a text": ({"maximum": "5"}, "#/maximum", "Write a number"),
    "a bound that is a flag": ({"exclusiveMaximum": True}, "#/exclusiveMaximum", "Write a number"),
    "steps of nothing": ({"multipleOf": 0}, "#/multipleOf", "above 0"),
    "a number that JSON lacks": ({"minimum": math.nan}, "#/minimum", "no value of JSON"),
    "a key that is a number": ({"properties": {1: {}}}, "#/properties", "Write it in quotes"),
    "a list of items in 2020-12": ({"items": [{}]}, "#/items", "prefixItems"),
    "no branches": ({"anyOf": []}, "#/anyOf", "at least one"),
    "an unknown draft": ({"$schema": "http://json-schema.org/draft-03/schema#"}, "#/$schema", "Write one of"),
    "a part of another draft": (
        {"$defs": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}}, "#/$defs/a/$schema", "in one draft",
    ),
    "a remote reference": (
        {"properties": {"a": {"$ref": "https://example.com/a.json#/x"}}}, "#/properties/a/$ref",
        "https://example.com/a.json#/x",
    ),
    "a file beside it": ({"$ref": "other.json"}, "#/$ref", "nothing is fetched"),
    "a reference that leads nowhere": ({"$ref": "#/$defs/a"}, "#/$ref", "leads nowhere"),
    "a name that nothing has": ({"$ref": "#a"}, "#/$ref", "is named"),
    "a reference to what is no schema": ({"$ref": "#/enum/0", "enum": [1]}, "#/enum/0", "a number is no schema"),
    "a reference to itself": ({"$ref": "#"}, "#", "never ends"),
    "two that refer to each other": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}},
        "#/$defs/", "never ends",
    ),
    "a reference that depends on its way": (
        {"$ref": "#/$defs/a", "$defs": {
            "a": {"$id": "a", "$dynamicAnchor": "n", "properties": {"x": {"$dynamicRef": "#n"}}},
            "b": {"$id": "b", "$dynamicAnchor": "n"},
        }},
        "#/$defs/a/properties/x/$dynamicRef", "Use $ref",
    ),
    "a bomb of levels": (deep(100_000), "#/items/items/items/items/…", "nested deeper"),
    "a bomb of aliases": (aliased(60), "#", "values"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_compared_is_refused_with_its_place_and_what_to_do(name):
    schema, place, words = REFUSED[name]
    for old, new in ((schema, {}), ({}, schema)):
        with pytest.raises(SchemaRefused) as refused:
            compare_json_schemas(old, new)
        assert refused.value.place.startswith(place)
        assert words in str(refused.value)
        assert "Nothing was compared" in str(refused.value)
