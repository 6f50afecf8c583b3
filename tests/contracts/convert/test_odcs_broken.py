"""An ODCS document that is broken or contradicts itself is refused at its line, with what was found and is allowed."""

import pytest
from odcs_documents import Read, one_column, the_table

from dataeng_assets.contracts.errors import ContractError


@pytest.mark.parametrize(
    ("text", "place", "found", "allowed"),
    [
        (one_column("logicalType: number\nlogicalTypeOptions: {minimum: 5, maximum: 1}"), "minimum", "5 to", "no larg"),
        (one_column("logicalTypeOptions: {minLength: 5, maxLength: 1}"), "minLength", "5 to 1", "no larger"),
        (one_column("logicalTypeOptions: {minLength: -1}"), "minLength", "-1", "0 or more"),
        (one_column("logicalType: string\nlogicalTypeOptions: {minimum: 1}"), "minimum", "minimum", "minLength"),
        (one_column("logicalType: string\nenum: [{value: 1}]"), "enum[0]", "1", "quote"),
        (one_column("logicalType: integer\nenum: [{value: x}]"), "enum[0]", "x", "whole number"),
        (one_column("logicalType: date\nenum: [{value: soon}]"), "enum[0]", "soon", "a day"),
        (
            one_column("logicalType: integer\nlogicalTypeOptions: {maximum: 3}\nenum: [{value: 2}, {value: 4}]"),
            "enum", "4, which the rule between__c never allows", "together",
        ),
        (one_column("required: true\nphysicalType: Nullable(Int32)"), "physicalType", "Nullable", "not be NULL"),
        (one_column("required: true\nphysicalType: bigint null"), "physicalType", "bigint null", "not be NULL"),
        (one_column("", "- {metric: nullValues}"), "quality[0]", "no operator", "mustBe"),
        (one_column("", "- {metric: nullValues, mustBe: x}"), "mustBe", "x", "a number"),
        (one_column("", "- {metric: nullValues, mustBeBetween: [5, 3]}"), "mustBeBetween", "5 to 3", "smaller"),
        (one_column("", "- {metric: nullValues, mustBe: 0, mustBeLessThan: 3}"), "mustBeLessThan", "mustBe,", "one op"),
        (one_column("", "- {metric: nulValues, mustBe: 0}"), "metric", "nulValues", "'nullValues'"),
        (one_column("", "- {metric: nullValues, mustBe: 0, dimension: fun}"), "dimension", "fun", "accuracy"),
        (one_column("", "- {metric: invalidValues, mustBe: 0}"), "arguments", "nothing", "validValues"),
        (one_column("", "- {metric: nullValues, arguments: {x: 1}, mustBe: 0}"), "arguments.x", "x", "none"),
        (one_column("", "- {metric: duplicateValues, arguments: {properties: [d]}, mustBe: 0}"), "", "d", "one of its"),
        (one_column("", "- {type: sql, mustBe: 0}"), "query", "nothing", "a query"),
        (one_column("", "- {type: lib, mustBe: 0}"), "type", "lib", "library"),
        (
            one_column("", "- {type: custom, engine: dataeng, implementation: {check: betwen}}"),
            "implementation.check", "betwen", "'between'",
        ),
        (
            one_column("", "- {type: custom, engine: dataeng, implementation: {check: not_null, column: d}}"),
            "quality[0]", "d", "one of its columns: c",
        ),
        (
            one_column("", "- {type: custom, engine: dataeng, implementation: {check: not_null, where: c >}}"),
            "quality[0]", "c >", "a condition",
        ),
        (
            one_column("", "- {type: custom, engine: dataeng, implementation: {check: not_null, where: d > 1}}"),
            "quality[0]", "d", "one of its columns",
        ),
        (
            one_column("", "- {type: custom, engine: dataeng, implementation: {check: holds, condition: (from x)}}"),
            "quality[0]", "(from x)", "reads more than the row",
        ),
        (
            one_column("", "- {name: x, metric: nullValues, mustBe: 0}\n- {name: x, metric: nullValues, mustBe: 1}"),
            "quality[1]", "x a second time", "theirs.yaml:12",
        ),
        (the_table("- {metric: nullValues, mustBe: 0}"), "metric", "nullValues of the table", "below a property"),
        (the_table("- {metric: duplicateValues, mustBe: 0}"), "arguments.properties", "nothing", "a list of columns"),
        (one_column("relationships: [{from: t.c, to: a.b}]"), "from", "t.c", "nothing"),
        (one_column("relationships: [{to: t.d}]"), "to", "d", "a column of t: c"),
        (one_column("relationships: [{to: b}]"), "to", "b", "table.column"),
        (one_column("relationships: [{type: friend, to: a.b}]"), "type", "friend", "foreignKey"),
        ("schema: []\n", "schema", "no table", "at least one"),
        ("schema: [{name: t}, {name: t}]\n", "schema[1].name", "t", "no other"),
        ("schema: [{name: t, properties: [{name: a}, {name: A}]}]\n", "name", "A", "capital letters"),
        ("schema: [{name: t, properties: [{logicalType: date}]}]\n", "name", "nothing", "a name"),
        ("schema: [{name: t}]\ncustomProperties: [{property: quarantin, value: 1}]\n", "property", "quarantin", "mean"),
        ("schema: [{name: t}]\ncustomProperties: [{property: quarantine, value: 9}]\n", "value", "9", "true, or"),
        (
            "schema: [{name: t}]\ncustomProperties: [{property: quarantine, value: {limit: 101, unit: percent}}]\n",
            "value", "101", "0 to 100",
        ),
        (
            f"{one_column('')}customProperties: [{{property: consumers, value: [{{name: x, columns: [b]}}]}}]\n",
            "columns[0]", "b", "one of c",
        ),
        (f"{one_column('')}slaProperties: [{{property: latency, value: 1, unit: moon}}]\n", "unit", "moon", "h"),
        (f"{one_column('')}slaProperties: [{{property: ly, value: 1, unit: h, element: d}}]\n", "", "d", "columns: c"),
    ],
)  # fmt: skip
def test_what_is_broken_or_contradicts_itself_is_refused_at_its_place(
    read: Read, text: str, place: str, found: str, allowed: str
) -> None:
    with pytest.raises(ContractError) as caught:
        read(text)
    assert caught.value.place.endswith(place)
    assert found in caught.value.found
    assert allowed in caught.value.allowed
    assert caught.value.line
