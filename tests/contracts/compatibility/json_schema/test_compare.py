"""What is said of two versions of a JSON Schema: readings, places, references, many versions, and size."""

import json
from time import process_time

import pytest

from dataeng_assets.contracts.compatibility.json_schema.compare import Reading, compare_json_schemas
from dataeng_assets.contracts.compatibility.verdict import Breaks, Mode, judge

TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
BACKWARD, FORWARD = frozenset({Breaks.BACKWARD}), frozenset({Breaks.FORWARD})


def having(**properties):
    return {"type": "object", "properties": properties}


def broken(old, new, reading=Reading.STRICT):
    return frozenset().union(*(change.breaks for change in compare_json_schemas(old, new, reading=reading)))


def written_with(schema, old, new):
    return json.loads(json.dumps(schema).replace(f'"{old}"', f'"{new}"'))


TREE = having(value=WHOLE, children={"type": "array", "items": {"$ref": "#"}})


def test_a_schema_equals_itself():
    assert compare_json_schemas(TREE, TREE) == ()
    assert compare_json_schemas(TREE, json.loads(json.dumps(TREE))) == ()


@pytest.mark.parametrize(
    ("old", "new", "strictly", "leniently"),
    [
        # what the Confluent registry lets through when it is lenient
        pytest.param(having(a=TEXT), having(a=TEXT, b=WHOLE), BACKWARD, frozenset(), id="added to an open model"),
        pytest.param(having(a=TEXT, b=WHOLE), having(a=TEXT), FORWARD, frozenset(), id="removed from an open model"),
        pytest.param(
            having(a=TEXT),
            having(a=TEXT) | {"additionalProperties": False},
            BACKWARD,
            frozenset(),
            id="additional properties removed",
        ),
        pytest.param(
            having(a=TEXT),
            having(a=TEXT) | {"additionalProperties": WHOLE},
            BACKWARD,
            # the map's own entries are declared: what is written as a map the old schema lets through
            frozenset(),
            id="additional properties narrowed",
        ),
        pytest.param(
            having() | {"additionalProperties": TEXT},
            having(b=WHOLE) | {"additionalProperties": TEXT},
            BACKWARD | FORWARD,
            FORWARD,
            id="added and not covered by a partially open model",
        ),
        # and what stays broken
        pytest.param(
            having(a=TEXT), having(a=TEXT, b=WHOLE) | {"required": ["b"]}, BACKWARD, BACKWARD, id="required added"
        ),
        pytest.param(having(a=TEXT), having(a=WHOLE), BACKWARD | FORWARD, BACKWARD | FORWARD, id="type changed"),
        pytest.param(
            having(a=TEXT) | {"additionalProperties": False},
            having() | {"additionalProperties": False},
            BACKWARD,
            BACKWARD,
            id="removed from a closed model",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": TEXT},
            {"type": "object", "additionalProperties": WHOLE},
            BACKWARD | FORWARD,
            BACKWARD | FORWARD,
            id="a map of something else",
        ),
        pytest.param(
            having(a=having(b=TEXT)), having(a=having(b=TEXT, c=TEXT)), BACKWARD, frozenset(), id="inside a property"
        ),
        pytest.param(
            {"oneOf": [having(a=TEXT), having(b=TEXT)]},
            {"anyOf": [having(a=TEXT, b=TEXT)]},
            BACKWARD | FORWARD,
            BACKWARD | FORWARD,
            id="what any branch declares is declared",
        ),
        pytest.param(
            having(a=TEXT) | {"anyOf": [{"required": ["b"]}, {"required": ["a"]}]},
            having(a=TEXT, b=WHOLE) | {"anyOf": [{"required": ["b"]}, {"required": ["a"]}]},
            BACKWARD,
            BACKWARD,
            id="what a branch requires is declared",
        ),
    ],
)
def test_open_models_are_read_strictly_or_leniently(old, new, strictly, leniently):
    assert broken(old, new) == strictly
    assert broken(old, new, Reading.LENIENT) == leniently


def test_a_change_in_a_definition_is_told_once_and_at_the_definition():
    old = having(home={"$ref": "#/$defs/address"}, work={"$ref": "#/$defs/address"})
    old["$defs"] = {"address": having(zip=TEXT)}
    new = json.loads(json.dumps(old))
    new["$defs"]["address"]["properties"]["zip"]["maxLength"] = 5
    (change,) = compare_json_schemas(old, new)
    assert (change.kind, change.place) == ("max_length_added", "#/$defs/address/properties/zip")
    assert change.reason == (
        "`maxLength` is new: 5. Documents of the old schema may hold texts longer than 5; the new schema refuses that."
    )
    assert change.breaks == BACKWARD


def test_a_change_that_breaks_both_sides_is_one_change():
    (change,) = compare_json_schemas(having(**{"a/b": TEXT}), having(**{"a/b": WHOLE}))
    assert (change.kind, change.place) == ("type_changed", "#/properties/a~1b")
    assert change.breaks == BACKWARD | FORWARD
    assert "from string to integer" in change.reason


def test_a_tree_is_compared_to_its_leaves_and_no_further():
    assert broken(TREE, written_with(TREE, "integer", "number")) == FORWARD
    unrolled = having(value=WHOLE, children={"type": "array", "items": TREE["properties"] | {}})
    unrolled["properties"]["children"]["items"] = having(
        value=WHOLE, children={"type": "array", "items": {"$ref": "#"}}
    )
    assert broken(TREE, unrolled) == frozenset()
    recursive = written_with(TREE, "$ref", "$recursiveRef")
    assert broken(TREE, recursive | {"$schema": "https://json-schema.org/draft/2019-09/schema"}) == frozenset()


def test_a_pattern_that_never_ends_is_not_run():
    bad = {"patternProperties": {"(a+)+$": TEXT}}
    started = process_time()
    assert broken(bad, bad | {"properties": {"a" * 40 + "b": TEXT}}) == BACKWARD
    assert broken(bad, {"patternProperties": {"(a|a)*$": TEXT}}) == BACKWARD | FORWARD
    assert process_time() - started < 1


VERSIONS = [
    having(a=TEXT | {"maxLength": 5}) | {"additionalProperties": False},
    having(a=TEXT | {"maxLength": 5}, b=WHOLE) | {"additionalProperties": False},
    having(b=WHOLE, c=TEXT) | {"additionalProperties": False},
]


def test_a_transitive_mode_looks_at_all_earlier_versions():
    first, second, third = VERSIONS
    assert judge(compare_json_schemas, [first], second, Mode.BACKWARD_TRANSITIVE).compatible
    assert not judge(compare_json_schemas, [first], second, Mode.FULL).compatible
    back = having(b=WHOLE, c=TEXT, a=TEXT) | {"additionalProperties": False}
    assert judge(compare_json_schemas, [first, second, third], back, Mode.BACKWARD).compatible
    typed = having(b=WHOLE, c=TEXT, a=WHOLE) | {"additionalProperties": False}
    assert judge(compare_json_schemas, [first, second, third], typed, Mode.BACKWARD).compatible
    verdict = judge(compare_json_schemas, [first, second, third], typed, Mode.BACKWARD_TRANSITIVE)
    assert [change.kind for change in verdict.breaking] == ["type_changed"]


def test_ten_thousand_properties_are_compared():
    old = having(**{f"p{n}": TEXT for n in range(10_000)})
    new = having(**{f"p{n}": {"type": "string"} for n in range(9_999)}, p9999=WHOLE)
    assert [change.place for change in compare_json_schemas(old, new)] == ["#/properties/p9999"]


def test_a_chain_of_references_may_be_long():
    def chain(kind):
        links = {f"d{n}": having(x={"$ref": f"#/$defs/d{n + 1}"}) for n in range(1_500)}
        return {"$ref": "#/$defs/d0", "$defs": links | {"d1500": {"type": kind}}}

    (change,) = compare_json_schemas(chain("integer"), chain("number"))
    assert change.place == "#/$defs/d1500"


def test_branches_within_branches_without_end_are_given_up_and_count_as_breaking():
    def nested(kind):
        links = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"minimum": n}]} for n in range(80)}
        return {"oneOf": [{"$ref": "#/$defs/d0"}, {"$ref": "#/$defs/d1"}], "$defs": links | {"d80": {"type": kind}}}

    changes = compare_json_schemas(nested("integer"), nested("string"))
    assert frozenset().union(*(change.breaks for change in changes)) == frozenset(Breaks)
