"""What two versions say word for word is compiled once; no answer may depend on that."""

from copy import deepcopy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_schemas import URIS, edited, made_schema

from dataeng_assets.contracts.compatibility.json_schema import compiled
from dataeng_assets.contracts.compatibility.json_schema.compare import Reading, compare_json_schemas
from dataeng_assets.contracts.compatibility.json_schema.document import SchemaRefused
from dataeng_assets.contracts.compatibility.json_schema.unchanged import unchanged_places
from dataeng_assets.contracts.compatibility.verdict import Breaks

TEXT = {"type": "string"}
BACKWARD = frozenset({Breaks.BACKWARD})


def whom(old, new):
    return {change.place: change.breaks for change in compare_json_schemas(old, new)}


@given(st.randoms(use_true_random=False), st.sampled_from(list(Reading)))
def test_what_is_shared_changes_no_answer(r, reading):
    draft = r.choice(list(URIS))
    old = made_schema(r, draft)
    new = edited(r, old, draft)
    try:
        shared = compare_json_schemas(old, new, reading=reading)
    except SchemaRefused:
        assume(False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "unchanged_places", lambda *_: set())
        assert compare_json_schemas(old, new, reading=reading) == shared


def test_what_refers_to_something_changed_is_changed_too():
    old = {
        "properties": {"a": {"items": {"$ref": "#/$defs/one"}}, "b": {"items": TEXT}},
        "$defs": {"one": {"items": {"$ref": "#/$defs/two"}}, "two": {"type": "string"}, "three": TEXT},
    }
    new = deepcopy(old)
    new["$defs"]["two"]["minLength"] = 1
    references = [("#/properties/a/items", "#/$defs/one"), ("#/$defs/one/items", "#/$defs/two")]
    assert unchanged_places(old, new, references) == {
        "#/properties/b", "#/properties/b/items", "#/$defs/three",
    }  # fmt: skip
    assert set(whom(old, new)) == {"#/$defs/two"}


def test_true_is_not_1_and_1_point_0_is_another_text():
    old, new = {"a": {"const": True}, "b": {"const": 1}, "c": [1]}, {"a": {"const": 1}, "b": {"const": 1.0}, "c": [1]}
    assert unchanged_places(old, new, []) == {"#/c"}
    assert whom({"properties": {"a": {"const": True}}}, {"properties": {"a": {"const": 1}}})["#/properties/a"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": None, "b": {}}, {"c": None, "b": {}}),
        ({"a": {}, "b": {}}, {"b": {}}),
        ([{}], [{}, {}]),
        ([{}], {"0": {}}),
    ],
)
def test_what_holds_more_or_less_than_before_is_changed(old, new):
    assert "#" not in unchanged_places(old, new, [])


def test_a_part_under_a_new_name_of_its_own_refers_to_other_things():
    inner = {"properties": {"x": {"$ref": "#/$defs/kind"}}, "$defs": {"kind": {"type": "integer"}}}
    old = {"properties": {"a": inner}, "$defs": {"kind": TEXT}}
    new = deepcopy(old)
    new["properties"]["a"]["$id"] = "https://example.org/inner"
    assert whom(old, new)["#/properties/a/properties/x"] == frozenset(Breaks)


def test_the_same_words_in_another_draft_are_judged_by_that_draft():
    schema = {"properties": {"a": {"const": 1}}}
    old = {"$schema": URIS[4], **schema}
    changes = compare_json_schemas(old, {"$schema": URIS[7], **schema})
    assert any(change.breaks == BACKWARD for change in changes)


def test_one_text_at_two_places_is_changed_where_it_is_changed():
    # a YAML alias is one object at two places
    alias = {"items": {"$ref": "#/$defs/kind"}}
    old = {"properties": {"b": {"items": alias}}, "$defs": {"one": alias, "kind": {"type": "string"}}}
    new = deepcopy(old)
    new["$defs"]["kind"]["maxLength"] = 9
    assert whom(old, new)["#/$defs/kind"] == BACKWARD


def test_changes_that_break_nobody_come_in_the_order_of_the_schema():
    names = [f"field_{n}" for n in range(8)]
    old = {"properties": dict.fromkeys(names, TEXT)}
    new = {"properties": {name: TEXT | {"format": "date"} for name in names}}
    assert list(whom(old, new)) == [f"#/properties/{name}" for name in names]
