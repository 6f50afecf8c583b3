"""A check written as a mapping is the check that is read."""

import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from made_rules import KINDS, checks

from dataeng_assets.contracts.checks.as_mapping import CheckRefused, as_mapping, from_mapping
from dataeng_assets.contracts.checks.kinds import Between, Check, OneOf, Reconciles
from dataeng_assets.contracts.yaml_text import yaml_text


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_kind_comes_back_from_yaml_and_from_json(kind: type[Check], data: st.DataObject) -> None:
    check = data.draw(checks(kind))
    said = as_mapping(check)
    for read in (from_mapping(yaml.safe_load(yaml_text(said))), from_mapping(json.loads(json.dumps(said)))):
        assert read == check
        assert repr(read) == repr(check)  # 1, 1.0 and Decimal(1) are equal, and are not the same


def test_what_has_its_default_is_left_out() -> None:
    assert as_mapping(Between("amount", 0)) == {"check": "between", "column": "amount", "minimum": 0}


def test_a_value_that_is_no_number_stays_one() -> None:
    assert repr(from_mapping(as_mapping(OneOf("x", (float("nan"), float("inf")))))) == repr(
        OneOf("x", (float("nan"), float("inf")))
    )


@pytest.mark.parametrize(
    ("said", "key", "allowed"),
    [
        ({}, "check", "one of not_null"),
        ({"check": "betwen"}, "check", "did you mean 'between'"),
        ({"check": "between", "column": "a", "minimun": 1}, "minimun", "did you mean 'minimum'"),
        ({"check": "between"}, "column", "a value"),
        ({"check": "between", "column": 1}, "column", "a text"),
        ({"check": "length", "column": "a", "minimum": 1.5}, "minimum", "a whole number"),
        ({"check": "length", "column": "a", "minimum": True}, "minimum", "a whole number"),
        ({"check": "unique", "columns": "a"}, "columns", "a list"),
        ({"check": "unique", "columns": ["a", 1]}, "columns[1]", "a text"),
        ({"check": "unique", "columns": ["a"], "nulls": "ignore"}, "nulls", "did you mean 'ignored'"),
        ({"check": "compare", "left": "a", "operator": "==", "right": "b"}, "operator", "="),
        ({"check": "one_of", "column": "a", "values": [{"date": "soon"}]}, "values[0]", "a date"),
        ({"check": "one_of", "column": "a", "values": [{"dat": "x"}]}, "values[0]", "date"),
        ({"check": "one_of", "column": "a", "values": [[1]]}, "values[0]", "a text, a number"),
        ({"check": "distinct_values", "column": "a", "values": [], "relation": "in"}, "relation", "within"),
        ({"check": "reconciles", "table": "t", "measure": "rows"}, "measure", "row_count"),
        (
            {"check": "references", "columns": ["a"], "table": "t", "to": ["b"], "as_of": {"att": "x"}},
            "as_of.att", "did you mean 'at'",
        ),
    ],
)  # fmt: skip
def test_what_is_no_check_is_named_with_its_place(said: dict[str, object], key: str, allowed: str) -> None:
    with pytest.raises(CheckRefused, match=re.escape(allowed)) as caught:
        from_mapping(said)
    assert caught.value.key == key


def test_a_number_stays_of_its_kind() -> None:
    assert as_mapping(Reconciles("other")) == {"check": "reconciles", "table": "other"}
