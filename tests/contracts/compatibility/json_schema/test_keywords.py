"""Each keyword, in both directions: whom a change breaks, and what it is called."""

import pytest

from dataeng_assets.contracts.compatibility.json_schema.compare import compare_json_schemas
from dataeng_assets.contracts.compatibility.verdict import Breaks

DRAFT_4 = {"$schema": "http://json-schema.org/draft-04/schema#"}
DRAFT_7 = {"$schema": "http://json-schema.org/draft-07/schema#"}
DRAFT_2019 = {"$schema": "https://json-schema.org/draft/2019-09/schema"}
TEXT, WHOLE, NUMBER, NONE = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "null"}
ARRAY, OBJECT = {"type": "array"}, {"type": "object"}
CLOSED = {"type": "object", "additionalProperties": False}


def having(**properties):
    return OBJECT | {"properties": properties}


def closed(**properties):
    return CLOSED | {"properties": properties}


def tagged(tag, **properties):
    return having(kind={"const": tag}, **properties) | {"required": ["kind"]}


# old, new, whom it breaks (B backward, F forward), and the kinds of what is found there
EXAMPLES = {
    "integer to number": (WHOLE, NUMBER, "F", "type_widened"),
    "string to integer": (TEXT, WHOLE, "BF", "type_changed"),
    "null allowed too": (TEXT, {"type": ["string", "null"]}, "F", "type_widened"),
    "null by a union": ({"type": ["string", "null"]}, {"anyOf": [TEXT, NONE]}, "", ""),
    "number in whole steps is integer": (WHOLE, {"type": "number", "multipleOf": 1}, "", ""),
    "1.0 is no integer in draft 4": (DRAFT_4 | WHOLE, DRAFT_7 | WHOLE, "F", "integer_reading_widened"),
    "nothing is valid any more": (TEXT, False, "B", "all_values_refused"),
    "anything to anything": ({}, True, "", ""),
    "an enum shrinks": ({"enum": ["a", "b"]}, {"enum": ["b"]}, "B", "enum_values_removed"),
    "an enum grows": ({"enum": ["a"]}, {"enum": ["b", "a"]}, "F", "enum_values_added"),
    "an enum in another order": ({"enum": ["a", 1]}, {"enum": [1.0, "a"]}, "", ""),
    "true is not 1": ({"enum": [True]}, {"enum": [1]}, "BF", "enum_values_added enum_values_removed"),
    "an enum of one is a const": ({"enum": ["a"]}, {"const": "a"}, "", ""),
    "an enum where any text was": (TEXT, TEXT | {"enum": ["a"]}, "B", "enum_added"),
    "an enum fits a length": ({"enum": ["a", "bb"]}, TEXT | {"maxLength": 2}, "F", "enum_removed"),
    "all booleans listed": ({"type": "boolean"}, {"enum": [True, False]}, "", ""),
    "maximum lower": (NUMBER | {"maximum": 10}, NUMBER | {"maximum": 5}, "B", "maximum_decreased"),
    "minimum gone": (NUMBER | {"minimum": 1}, NUMBER, "F", "minimum_removed"),
    "exclusive bound of integers": (WHOLE | {"exclusiveMinimum": 0}, WHOLE | {"minimum": 1}, "", ""),
    "exclusive bound of numbers": (NUMBER | {"exclusiveMinimum": 0}, NUMBER | {"minimum": 0}, "F", "minimum_decreased"),
    "exclusive in the words of draft 4": (
        DRAFT_4 | NUMBER | {"minimum": 0, "exclusiveMinimum": True}, NUMBER | {"exclusiveMinimum": 0}, "", "",
    ),
    "finer steps": (NUMBER | {"multipleOf": 0.1}, NUMBER | {"multipleOf": 0.01}, "F", "multiple_of_changed"),
    "longer text": (TEXT | {"maxLength": 5}, TEXT | {"maxLength": 6}, "F", "max_length_increased"),
    "text not empty": (TEXT, TEXT | {"minLength": 1}, "B", "min_length_added"),
    "a pattern": (TEXT, TEXT | {"pattern": "^a"}, "B", "pattern_added"),
    "another pattern": (TEXT | {"pattern": "^a"}, TEXT | {"pattern": "^b"}, "BF", "undecided_pattern"),
    "a format": (TEXT, TEXT | {"format": "date"}, "", "format_changed"),
    "an encoding": (TEXT, TEXT | {"contentEncoding": "base64"}, "", "contentEncoding_changed"),
    "a title": (TEXT, TEXT | {"title": "Name"}, "", "annotation_changed"),
    "items of another type": (ARRAY | {"items": WHOLE}, ARRAY | {"items": NUMBER}, "F", "type_widened"),
    "a tuple closed": (ARRAY | {"prefixItems": [TEXT]}, ARRAY | {"prefixItems": [TEXT], "items": False},
                       "B", "items_removed"),
    "a tuple in the words of draft 7": (
        DRAFT_7 | ARRAY | {"items": [TEXT], "additionalItems": WHOLE}, ARRAY | {"prefixItems": [TEXT], "items": WHOLE},
        "", "",
    ),
    "fewer items": (ARRAY | {"maxItems": 3}, ARRAY | {"maxItems": 2}, "B", "max_items_decreased"),
    "a closed tuple has an end": (ARRAY | {"prefixItems": [TEXT], "items": False}, ARRAY | {"maxItems": 1},
                                  "F", "type_widened"),
    "distinct items": (ARRAY, ARRAY | {"uniqueItems": True}, "B", "unique_items_added"),
    "one item is distinct": (ARRAY | {"maxItems": 1}, ARRAY | {"maxItems": 1, "uniqueItems": True}, "", ""),
    "an item that must occur": (ARRAY, ARRAY | {"contains": WHOLE}, "B", "contains_added"),
    "an item that occurs by its place": (
        ARRAY | {"prefixItems": [WHOLE], "minItems": 1}, ARRAY | {"contains": NUMBER}, "F", "type_widened",
    ),
    "at most one such item": (
        ARRAY | {"contains": WHOLE, "minContains": 0}, ARRAY | {"contains": WHOLE, "minContains": 0, "maxContains": 1},
        "B", "undecided_contains",
    ),
    "unevaluated items": (
        ARRAY | {"allOf": [{"prefixItems": [TEXT]}], "unevaluatedItems": False},
        ARRAY | {"prefixItems": [TEXT], "items": False}, "", "",
    ),
    "property added, open": (having(a=TEXT), having(a=TEXT, b=WHOLE), "B", "property_added_to_open_model"),
    "property removed, open": (having(a=TEXT), having(), "F", "property_removed_from_open_model"),
    "property added, closed": (closed(a=TEXT), closed(a=TEXT, b=WHOLE), "F", "property_added_to_closed_model"),
    "property removed, closed": (closed(a=TEXT), closed(), "B", "property_removed_from_closed_model"),
    "property of any value added, open": (having(), having(b=True), "", "property_added"),
    "property added that a map allowed": (
        OBJECT | {"additionalProperties": WHOLE}, having(b=NUMBER) | {"additionalProperties": WHOLE}, "F",
        "property_added_not_covered",
    ),
    "property added beside a pattern that does not match": (
        CLOSED | {"patternProperties": {"^x-": TEXT}}, closed(b=WHOLE) | {"patternProperties": {"^x-": TEXT}}, "F",
        "property_added_to_closed_model",
    ),
    "required": (having(a=TEXT), having(a=TEXT) | {"required": ["a"]}, "B", "required_property_added"),
    "no longer required": (OBJECT | {"required": ["a"]}, OBJECT, "F", "required_property_removed"),
    "closed": (OBJECT, CLOSED, "B", "additional_properties_removed"),
    "a map": (OBJECT, OBJECT | {"additionalProperties": TEXT}, "B", "additional_properties_narrowed"),
    "a map of something wider": (
        OBJECT | {"additionalProperties": WHOLE}, OBJECT | {"additionalProperties": NUMBER}, "F", "type_widened",
    ),
    "a pattern of names": (OBJECT, OBJECT | {"patternProperties": {"^x": TEXT}}, "B", "type_narrowed"),
    "names": (OBJECT, OBJECT | {"propertyNames": {"maxLength": 3}}, "B", "property_names_added"),
    "names that are listed": (
        OBJECT | {"propertyNames": {"enum": ["a"]}}, OBJECT | {"maxProperties": 1}, "F", "property_names_removed",
    ),
    "at most one property": (closed(a=TEXT), OBJECT | {"maxProperties": 1}, "F",
                             "additional_properties_added property_removed_from_open_model"),
    "required count": (OBJECT | {"required": ["a"]}, OBJECT | {"minProperties": 1}, "F", "required_property_removed"),
    "one needs another": (OBJECT, OBJECT | {"dependentRequired": {"a": ["b"]}}, "B", "dependent_required_added"),
    "dependencies were one keyword": (
        DRAFT_7 | OBJECT | {"dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
        OBJECT | {"dependentRequired": {"a": ["b"], "c": ["d"]}}, "", "",
    ),
    "what one needs is always there": (
        OBJECT | {"required": ["b"]}, OBJECT | {"required": ["b"], "dependentRequired": {"a": ["b"]}}, "", "",
    ),
    "unevaluated properties": (
        OBJECT | {"allOf": [having(a=TEXT)], "unevaluatedProperties": False}, closed(a=TEXT), "", "property_added",
    ),
    "all of two is both": (
        {"allOf": [NUMBER | {"minimum": 1}, {"maximum": 5}]}, NUMBER | {"minimum": 1, "maximum": 5}, "", "",
    ),
    "a branch added": ({"anyOf": [TEXT]}, {"anyOf": [NONE, TEXT]}, "F", "branch_added"),
    "branches in another order": ({"oneOf": [tagged("a"), tagged("b")]}, {"oneOf": [tagged("b"), tagged("a")]}, "", ""),
    "one kind more": (
        {"oneOf": [tagged("a"), tagged("b")]}, {"oneOf": [tagged("a"), tagged("b"), tagged("c")]}, "F", "branch_added",
    ),
    "one kind less": ({"oneOf": [tagged("a"), tagged("b")]}, {"oneOf": [tagged("b")]}, "B", "branch_removed"),
    "one kind changed": (
        {"oneOf": [tagged("a", v=TEXT), tagged("b")]}, {"oneOf": [tagged("a", v=TEXT | {"maxLength": 5}), tagged("b")]},
        "B", "max_length_added",
    ),
    "branches that overlap": ({"anyOf": [TEXT, {"maxLength": 3}]}, {"oneOf": [TEXT, {"maxLength": 3}]},
                              "B", "undecided_one_of"),
    "an exclusion": (TEXT, TEXT | {"not": {"const": "a"}}, "B", "not_added"),
    "an exclusion of another type": (TEXT, TEXT | {"not": WHOLE}, "", ""),
    "a wider exclusion": ({"not": WHOLE}, {"not": NUMBER}, "B", "undecided_not"),
    "a condition": (
        having(a=TEXT), having(a=TEXT) | {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, "B",
        "required_property_added",
    ),
    "a condition on the same": (
        {"if": {"required": ["a"]}, "then": having(n=WHOLE)}, {"if": {"required": ["a"]}, "then": having(n=NUMBER)},
        "F", "type_widened",
    ),
    "the same under a reference": (
        {"$ref": "#/$defs/a", "$defs": {"a": TEXT}}, {"$anchor": "top", "allOf": [{"$ref": "#b"}],
                                                      "$defs": {"x": {"$anchor": "b"} | TEXT}}, "", "",
    ),
    "a reference hides what is beside it up to draft 7": (
        DRAFT_7 | {"$ref": "#/definitions/a", "maxLength": 3, "definitions": {"a": TEXT}}, TEXT, "", "",
    ),
    "and no longer from 2019-09 on": (
        DRAFT_2019 | {"$ref": "#/$defs/a", "maxLength": 3, "$defs": {"a": TEXT}}, TEXT, "F", "max_length_removed",
    ),
    "a keyword that no draft knows": (TEXT, TEXT | {"nullable": True}, "", "nullable_changed"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_change_breaks_whom_it_breaks_and_has_a_name(name):
    old, new, whom, kinds = EXAMPLES[name]
    changes = compare_json_schemas(old, new)
    broken = frozenset().union(*(change.breaks for change in changes))
    assert broken == {b for b in Breaks if b.value[0].upper() in whom}, changes
    told = {change.kind for change in changes if change.breaks or not whom}
    assert " ".join(sorted(told)) == kinds, changes


@pytest.mark.parametrize("name", EXAMPLES)
def test_read_the_other_way_round_the_same_change_breaks_the_other_side(name):
    old, new, whom, _ = EXAMPLES[name]
    broken = frozenset().union(*(change.breaks for change in compare_json_schemas(new, old)))
    turned = {"B": "F", "F": "B", "BF": "BF", "": ""}[whom]
    assert broken == {b for b in Breaks if b.value[0].upper() in turned}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_breaks_somebody_has_a_place_a_reason_and_a_safe_way(name):
    old, new, _, _ = EXAMPLES[name]
    for change in compare_json_schemas(old, new):
        assert change.place.startswith("#")
        assert change.reason.endswith(".")
        assert bool(change.migration) == bool(change.breaks)
