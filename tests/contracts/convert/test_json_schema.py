"""A JSON Schema says the same of a row as the rules that are read from it, or what is lost is named."""

import json
from typing import Any

import duckdb
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.contracts.checks.functions import register_functions
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Format,
    HasColumns,
    Holds,
    IsNull,
    JsonSchema,
    Length,
    Matches,
    Measure,
    Metric,
    MultipleOf,
    NotNull,
    Nulls,
    OfType,
    OneOf,
    RowCheck,
    Unique,
)
from dataeng_assets.contracts.checks.predicates import violation_sql
from dataeng_assets.contracts.checks.rule import Bounds, Rule, Suite
from dataeng_assets.contracts.convert.json_schema import read_json_schema
from dataeng_assets.contracts.errors import ContractError


def read(schema: dict[str, Any]) -> Suite:
    (suite,) = read_json_schema(schema)
    return suite


def of_column(schema: dict[str, Any], **around: Any) -> list[Any]:
    """The checks of one property, those of its presence aside."""
    suite = read({"type": "object", "properties": {"c": schema}, **around})
    assert not suite.not_executed
    return [rule.check for rule in suite.rules if not isinstance(rule.check, HasColumns)]


@pytest.mark.parametrize(
    ("schema", "checks"),
    [
        ({"type": "integer"}, [OfType("c", "integer")]),
        ({"type": ["integer", "number", "null"]}, [OfType("c", "number")]),
        ({"type": "null"}, [IsNull("c")]),
        ({"enum": ["a", None, 2]}, [OneOf("c", ("a", 2))]),
        ({"const": "a"}, [OneOf("c", ("a",))]),
        ({"const": None}, [IsNull("c")]),
        ({"enum": [{"a": 1}]}, [JsonSchema("c", '{"enum": [{"a": 1}]}')]),
        ({"minimum": 1, "maximum": 5}, [Between("c", 1, 5)]),
        ({"minimum": 1, "exclusiveMinimum": True}, [Between("c", 1, None, minimum_open=True)]),
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 5}, [Between("c", 1, 5, True, True)]),
        ({"minimum": 1, "exclusiveMinimum": 3}, [Between("c", 3, None, minimum_open=True)]),
        ({"maximum": 3, "exclusiveMaximum": 5}, [Between("c", None, 3)]),
        ({"minimum": 3, "exclusiveMinimum": 3}, [Between("c", 3, None, minimum_open=True)]),
        ({"multipleOf": 0.01}, [MultipleOf("c", 0.01)]),
        ({"minLength": 1, "maxLength": 5}, [Length("c", 1, 5)]),
        ({"minLength": 0}, []),
        ({"minItems": 1}, [JsonSchema("c", '{"minItems": 1}')]),
        ({"pattern": "^\\u0041"}, [Matches("c", ("^\\x{0041}",))]),
        ({"type": "string", "format": "date-time"}, [Format("c", "date-time")]),
        ({"format": "idn-email"}, [Format("c", "email")]),
        ({"not": {"type": "null"}}, [NotNull("c")]),
        ({"not": {"enum": [1, 2]}}, [OneOf("c", (1, 2), negated=True)]),
        ({"not": {"pattern": "x"}}, [Matches("c", ("x",), negated=True)]),
        ({"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]}, [OfType("c", "string"), Length("c", 2)]),
        ({"allOf": [{"minimum": 1}, {"maximum": 5}]}, [Between("c", 1), Between("c", None, 5)]),
        ({"title": "T", "description": "D", "default": 1, "examples": [1], "x-unit": "EUR"}, []),
    ],
)  # fmt: skip
def test_each_word_of_a_property_becomes_its_rule(schema, checks):
    assert of_column(schema) == checks


def test_nested_values_are_judged_by_their_own_schema():
    address = {"type": "object", "properties": {"zip": {"type": "string", "pattern": "^\\d+$"}}, "required": ["zip"]}
    kind, nested = of_column(address)
    assert kind == OfType("c", "object")
    assert json.loads(nested.schema) == address
    assert [type(check) for check in of_column({"type": "array", "items": {"type": "string"}})] == [OfType, JsonSchema]


def test_what_is_required_and_may_not_be_null_is_never_null():
    suite = read(
        {
            "type": "object",
            "required": ["a", "b", "unnamed"],
            "properties": {"a": {"type": "string"}, "b": {"type": ["string", "null"]}, "c": {"type": "string"}},
        }
    )
    assert [rule.check.column for rule in suite.rules if isinstance(rule.check, NotNull)] == ["a", "unnamed"]
    assert HasColumns(("a", "b", "unnamed")) in [rule.check for rule in suite.rules]
    assert [(column.name, column.nullable) for column in suite.columns] == [("a", False), ("b", True), ("c", True)]


def test_closed_content_has_exactly_its_columns():
    suite = read({"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": False})
    assert [rule.check for rule in suite.rules] == [HasColumns(("a", "b"), exactly=True)]


def test_an_array_of_objects_is_a_table():
    items = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}}
    suite = read({"type": "array", "items": items, "minItems": 1, "maxItems": 9, "uniqueItems": True, "title": "sales"})
    checks = [rule.check for rule in suite.rules]
    assert checks == [Measure(Metric.ROW_COUNT), Unique(("a", "b"), Nulls.EQUAL), OfType("a", "integer")]
    assert suite.rules[0].bounds == Bounds(lower=1, upper=9)
    assert suite.name == "sales"


def test_references_within_the_document_are_followed_also_by_name_and_with_neighbours():
    definitions = {"money": {"type": "number", "minimum": 0}, "a/b": {"$anchor": "code", "maxLength": 3}}
    properties = {
        "amount": {"$ref": "#/$defs/money", "maximum": 9},
        "code": {"$ref": "#code"},
        "other": {"$ref": "#/$defs/a~1b"},
        "$ref": {"type": "string"},
    }
    suite = read({"type": "object", "$defs": definitions, "properties": properties})
    checks = [rule.check for rule in suite.rules]
    assert checks == [
        Between("amount", None, 9), OfType("amount", "number"), Between("amount", 0), Length("code", None, 3),
        Length("other", None, 3), OfType("$ref", "string"),
    ]  # fmt: skip


def test_before_2019_what_stands_beside_a_reference_is_not_said():
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"d": {"type": "number"}},
        "properties": {"a": {"$ref": "#/definitions/d", "maximum": 9, "description": "What is owed."}},
    }
    suite = read(schema)
    assert [rule.check for rule in suite.rules] == [OfType("a", "number")]
    assert suite.columns[0].description == "What is owed."


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("https://example.com/other.json", "remote"),
        ("other.json#/a", "remote"),
        ("file:///etc/passwd", "remote"),
        ("#/$defs/loop", "leads to itself"),
        ("#/$defs/none", "leads nowhere"),
        ("#none", "leads nowhere"),
        ("#", "leads to itself"),
    ],
)
def test_references_that_cannot_be_followed_are_refused_by_name(reference, reason):
    definitions = {"loop": {"items": {"$ref": "#/$defs/back"}}, "back": {"$ref": "#/$defs/loop"}}
    schema = {"type": "object", "$defs": definitions, "properties": {"a": {"$ref": reference}}}
    with pytest.raises(ContractError, match=reason) as error:
        read(schema)
    assert "$ref" in error.value.place


def test_references_that_double_with_each_line_are_refused():
    definitions: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    definitions["d40"] = {"type": "string"}
    with pytest.raises(ContractError, match="explode"):
        read({"type": "object", "$defs": definitions, "properties": {"a": {"$ref": "#/$defs/d0"}}})


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"minimum": 5, "maximum": 1}, "properties.c"),
        ({"minimum": 5, "exclusiveMaximum": 5}, "properties.c"),
        ({"minLength": 5, "maxLength": 1}, "properties.c.minLength"),
        ({"type": "text"}, "properties.c.type"),
        ({"minimum": "5"}, "properties.c.minimum"),
        ({"multipleOf": 0}, "properties.c.multipleOf"),
        ({"enum": "a"}, "properties.c.enum"),
    ],
)
def test_a_schema_that_contradicts_itself_or_is_none_is_refused_at_its_place(schema, place):
    with pytest.raises(ContractError) as error:
        read({"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"c": schema}})
    assert error.value.place == place


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"$schema": "http://nobody/draft-99"}],
)
def test_what_is_no_schema_of_rows_is_refused(schema):
    with pytest.raises(ContractError):
        read(schema)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"pattern": "(?=a)"}, "looks ahead"),
        ({"pattern": "(?<!a)b"}, "looks behind"),
        ({"pattern": "(a)\\1"}, "refers back"),
        ({"type": "object", "properties": {"x": {"pattern": "(?!a)"}}}, "looks ahead"),
        ({"type": "object", "patternProperties": {"(a+)+$": {}}}, "patterns of names"),
        ({"format": "e-mail"}, "did you mean 'email'"),
        ({"minimun": 3}, "did you mean 'minimum'"),
        ({"type": ["string", "integer"]}, "one type"),
        ({"contentEncoding": "base64"}, "not looked into"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "type"),
    ],
)
def test_what_is_not_checked_is_named_with_its_reason(schema, reason):
    suite = read({"type": "object", "properties": {"c": schema}})
    assert [reason in left.reason for left in suite.not_executed] == [True]
    assert suite.not_executed[0].place.startswith("properties.c")


def test_a_pattern_that_keeps_other_engines_busy_for_ever_is_no_trouble():
    (check,) = of_column({"pattern": "^(a+)+$"})
    assert verdict(check, {"c": "a" * 5000 + "!"}) is False


CONDITION = {"properties": {"kind": {"const": "card"}}, "required": ["kind"]}
VALUES = {"kind": ["card", "cash", None], "number": ["4711", "x", None], "amount": [-1, 0, 5, None]}
ROW_SCHEMAS: list[dict[str, Any]] = [
    {"if": CONDITION, "then": {"required": ["number"]}, "else": {"properties": {"amount": {"maximum": 0}}}},
    {"if": {"properties": {"kind": {"const": "card"}}}, "then": {"required": ["number"]}},
    {"dependentRequired": {"kind": ["number", "amount"]}},
    {"dependentSchemas": {"number": {"properties": {"amount": {"exclusiveMinimum": 0}}, "required": ["amount"]}}},
    {"anyOf": [{"required": ["kind"]}, {"required": ["number"]}]},
    {"oneOf": [{"required": ["kind"]}, {"required": ["number"]}]},
    {"not": {"required": ["kind", "number"]}},
    {"not": {"properties": {"amount": {"minimum": 0}}}},
    {"allOf": [{"required": ["kind"]}, {"properties": {"number": {"pattern": "^[0-9]+$"}}}]},
    {"properties": {"amount": {"oneOf": [{"minimum": 0}, {"maximum": 0}]}}},
    {"properties": {"kind": {"if": {"const": "card"}, "then": False}}},
    {"properties": {"kind": False, "number": {"not": {"enum": ["x"]}}}},
    {"properties": {"number": {"anyOf": [{"minLength": 2}, {"enum": ["x"]}]}}},
    {
        "if": {"not": {"required": ["amount"]}},
        "then": {"properties": {"kind": {"enum": ["cash"]}}},
        "required": ["kind"],
    },
]


@pytest.mark.parametrize("schema", ROW_SCHEMAS, ids=lambda schema: json.dumps(schema)[:60])
def test_conditions_judge_every_row_as_a_validator_of_json_schema_does(schema):
    types = {"kind": {"type": "string"}, "number": {"type": "string"}, "amount": {"type": "number"}}
    merged = {name: {**types[name], **part} if part else part for name, part in schema.get("properties", {}).items()}
    whole = {"type": "object", **schema, "properties": {**types, **merged}}
    suite = read(whole)
    assert not suite.not_executed
    validator = jsonschema.Draft202012Validator(whole)
    kinds = {"kind": "VARCHAR", "number": "VARCHAR", "amount": "INTEGER"}
    sql = [violation_sql(rule, kinds) for rule in suite.rules if isinstance(rule.check, RowCheck)]
    with duckdb.connect() as connection:
        connection.execute("create table t (kind varchar, number varchar, amount integer)")
        for kind in VALUES["kind"]:
            for number in VALUES["number"]:
                for amount in VALUES["amount"]:
                    row = {"kind": kind, "number": number, "amount": amount}
                    there = {name: value for name, value in row.items() if value is not None}
                    connection.execute("delete from t")
                    connection.execute("insert into t values (?, ?, ?)", [kind, number, amount])
                    broken = connection.execute(f"select {' or '.join(sql)} from t").fetchone()
                    assert broken == (not validator.is_valid(there),), row


def verdict(check: Any, row: dict[str, Any]) -> bool:
    kinds = {name: "VARCHAR" if isinstance(value, str) else "DOUBLE" for name, value in row.items()}
    with duckdb.connect() as connection:
        register_functions(connection)
        columns = ", ".join(f"cast(? as {kinds[name]}) as {name}" for name in row)
        found = connection.execute(
            f"select {violation_sql(Rule(check, 'r'), kinds)} from (select {columns})", [*row.values()]
        )
        return not found.fetchone()[0]


numbers = st.integers(-3, 3)


@given(schema=st.fixed_dictionaries({}, optional={
    "minimum": numbers, "maximum": numbers, "exclusiveMinimum": numbers, "exclusiveMaximum": numbers,
    "enum": st.lists(numbers, min_size=1, unique=True), "multipleOf": st.integers(1, 3),
    "not": st.fixed_dictionaries({"enum": st.lists(numbers, min_size=1, unique=True)}),
}), value=numbers)  # fmt: skip
def test_a_number_is_judged_as_a_validator_of_json_schema_judges_it(schema, value):
    try:
        checks = of_column(schema)
    except ContractError:
        bounds = [jsonschema.Draft202012Validator(schema).is_valid(number / 2) for number in range(-20, 20)]
        assert not any(bounds)
        return
    wanted = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert all(verdict(check, {"c": float(value)}) for check in checks) == wanted


def test_holds_is_what_a_closed_door_says():
    suite = read({"type": "object", "properties": {"a": {}}, "if": {"required": ["a"]}, "then": False})
    assert [(rule.check, rule.where) for rule in suite.rules] == [(Holds("false"), '"a" is not null')]
