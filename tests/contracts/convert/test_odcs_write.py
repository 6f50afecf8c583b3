"""A suite written as ODCS is the suite that is read, and valid by the standard's own schema."""

import json
import string
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_rules import COLUMNS, TEXTS, rules
from open_data_contract_standard.model import OpenDataContractStandard

from dataeng_assets.contracts.checks.consistent import named_columns
from dataeng_assets.contracts.checks.implied import implied_rules
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Compare,
    Format,
    Holds,
    Length,
    Matches,
    Measure,
    Metric,
    NotNull,
    OneOf,
    Operator,
    Query,
    References,
    Unique,
)
from dataeng_assets.contracts.checks.naming import derived_name
from dataeng_assets.contracts.checks.rule import (
    Bounds,
    Consumer,
    NotExecuted,
    Quarantine,
    Rule,
    Suite,
    SuiteColumn,
    Unit,
)
from dataeng_assets.contracts.convert.odcs_options import elements_one_of
from dataeng_assets.contracts.convert.odcs_read import read_odcs
from dataeng_assets.contracts.convert.odcs_write import odcs_text

SCHEMA = json.loads(OpenDataContractStandard.json_schema())
WORDS = TEXTS.map(str.strip).filter(bool)
ROW_COUNT = Rule(Measure(Metric.ROW_COUNT), "rows", Bounds(1, 9, True, True))


def read_back(path: Path, suites: Iterable[Suite]) -> tuple[Suite, ...]:
    path.write_text(odcs_text(list(suites)), encoding="utf-8")
    return read_odcs(path)


def settled(suite: Suite) -> Suite:
    """Without places, and with rules in the order of their names, as their order means nothing."""
    left = sorted((replace(one, place="") for one in suite.not_executed), key=lambda one: (one.said, one.reason))
    return replace(suite, rules=tuple(sorted(suite.rules, key=lambda one: one.name)), not_executed=tuple(left))


LOGICAL = ("string", "integer", "number", "boolean", "date", "timestamp", "time", "array", "object")


@st.composite
def suite_columns(draw: st.DrawFn, logical: st.SearchStrategy[str]) -> tuple[SuiteColumn, ...]:
    names = draw(st.lists(COLUMNS, min_size=1, max_size=4, unique_by=str.lower))
    physical = st.sampled_from(["", "text", "numeric(12,2)", "timestamp with time zone"])
    return tuple(
        SuiteColumn(
            name, draw(logical), draw(physical), draw(st.booleans()), draw(st.booleans()), draw(WORDS | st.just(""))
        )
        for name in names
    )


@st.composite
def suites(draw: st.DrawFn, logical: st.SearchStrategy[str]) -> Suite:
    columns = draw(suite_columns(logical) | st.just(()))
    known = [column.name for column in columns]
    key = tuple(draw(st.lists(st.sampled_from(known), max_size=2, unique=True))) if known else ()
    made = draw(st.lists(rules(), max_size=4, unique_by=lambda rule: rule.name))
    implied = [rule for rule in implied_rules(columns, key) if draw(st.booleans())]
    named = {rule.name for rule in made}
    own = [replace(rule, name=derived_name(rule.check)) for rule in draw(st.lists(rules(), max_size=3))]
    everything = [*made, *(rule for rule in implied if rule.name not in named)]
    for rule in own:
        plain = Rule(rule.check, rule.name)
        if plain.name not in {one.name for one in everything}:
            everything.append(plain)
    if known:
        everything = [rule for rule in everything if set(named_columns(rule.check)) <= set(known)]
        everything = [rule for rule in everything if not rule.where or "a" in known]
    return Suite(
        name=draw(st.text(string.ascii_lowercase, min_size=1)),
        columns=columns,
        rules=tuple(everything),
        key=key,
        id="id",
        version="1.0.0",
        description=draw(WORDS | st.just("")),
        owner=draw(WORDS | st.just("")),
        not_executed=tuple(draw(st.lists(st.builds(NotExecuted, st.just(""), WORDS, WORDS), max_size=2))),
        consumers=tuple(
            draw(st.lists(st.builds(Consumer, WORDS, st.just(tuple(known[:1])), WORDS | st.just("")), max_size=2))
        ),
        quarantine=draw(
            st.none()
            | st.builds(Quarantine)
            | st.builds(lambda limit: Quarantine(Bounds(upper=limit, unit=Unit.ROWS)), st.integers(0, 99))
        ),
    )


def coherent(suite: Suite) -> bool:
    """Whether no enumeration of it lies outside of a range of the same column."""
    ranges = {rule.check.column for rule in suite.rules if isinstance(rule.check, Between | Length)}
    return not any(isinstance(rule.check, OneOf) and rule.check.column in ranges for rule in suite.rules)


@given(suite=suites(st.sampled_from(["", *LOGICAL])).filter(coherent))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_reads_as_the_same_suite(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> None:
    (found,) = read_back(tmp_path_factory.getbasetemp() / "written.yaml", [suite])
    assert settled(found) == settled(suite)
    assert [repr(rule.check) for rule in settled(found).rules] == [repr(rule.check) for rule in settled(suite).rules]


# the standard's schema, against its text, asks for `map` where there is no logical type
@given(suite=suites(st.sampled_from(LOGICAL)).filter(coherent))
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_is_valid_by_the_schema_of_the_standard(suite: Suite) -> None:
    validator = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
    assert [error.message for error in validator.iter_errors(yaml.safe_load(odcs_text([suite])))] == []


def the_column(check: Check, column: SuiteColumn) -> dict[str, Any]:
    """What the document says of a column beside its name and type, for one rule with the usual name."""
    known = (column, SuiteColumn("d"))
    said = [*implied_rules(known, ()), Rule(check, derived_name(check, column.name))]
    document = yaml.safe_load(odcs_text([Suite("t", known, tuple(said), id="t", version="1.0.0")]))
    first = document["schema"][0]["properties"][0]
    return {word: said for word, said in first.items() if word not in ("name", "logicalType", "physicalType")}


@pytest.mark.parametrize(
    ("check", "logical", "said"),
    [
        (Unique(("c",)), "", {"unique": True}),
        (OneOf("c", ("x", "y")), "string", {"enum": [{"value": "x"}, {"value": "y"}]}),
        (Between("c", 0, 9.5, maximum_open=True), "number",
         {"logicalTypeOptions": {"minimum": 0, "exclusiveMaximum": 9.5}}),
        (Length("c", 1, 3), "string", {"logicalTypeOptions": {"minLength": 1, "maxLength": 3}}),
        (Length("c", 1), "array", {"logicalTypeOptions": {"minItems": 1}}),
        (Matches("c", ("^a",)), "string", {"logicalTypeOptions": {"pattern": "^a"}}),
        (Format("c", "uuid"), "string", {"logicalTypeOptions": {"format": "uuid"}}),
        (References(("c",), "others", ("id",)), "", {"relationships": [{"to": "others.id"}]}),
        (elements_one_of("c", ["it's", "b"]), "array",
         {"items": {"logicalType": "string", "enum": [{"value": "it's"}, {"value": "b"}]}}),
        (NotNull("c"), "", {"quality": [{"name": "not_null__c", "metric": "nullValues", "mustBe": 0}]}),
        (NotNull("c", ("", "-")), "", {"quality": [
            {"name": "not_null__c", "metric": "missingValues", "arguments": {"missingValues": [None, "", "-"]},
             "mustBe": 0}]}),
        (Holds("c > 1"), "", {"quality": [
            {"name": "holds__c", "type": "custom", "engine": "dataeng",
             "implementation": {"check": "holds", "condition": "c > 1"}}]}),
    ],
)  # fmt: skip
def test_the_standards_own_words_are_used_where_there_are_any(check: Check, logical: str, said: dict[str, Any]) -> None:
    assert the_column(check, SuiteColumn("c", logical)) == said


def test_rules_of_the_table_stand_below_the_table() -> None:
    rule = Rule(Compare("c", Operator.LESS, "d"), "compare__c__d", Bounds(upper=5, unit=Unit.PERCENT), where="c > 0")
    hours = Rule(Measure(Metric.HOURS_OLD, "c"), "hours_old__c", Bounds(upper=26))
    query = Rule(Query("select count(*) from {table}"), "query", Bounds(lower=1))
    pair = Rule(References(("c", "d"), "o", ("x", "y")), "references__c__d")
    known = (SuiteColumn("c"), SuiteColumn("d"))
    made = (*implied_rules(known, ()), rule, hours, query, pair, ROW_COUNT)
    document = yaml.safe_load(odcs_text([Suite("t", known, made, id="t", version="1.0.0", sla={"retention": "3 y"})]))
    assert document["slaProperties"] == [
        {"property": "retention", "value": 3, "unit": "y"},
        {"property": "latency", "value": 26, "unit": "h", "element": "t.c"},
    ]
    (table,) = document["schema"]
    assert table["relationships"] == [{"from": ["t.c", "t.d"], "to": ["o.x", "o.y"]}]
    assert table["quality"] == [
        {
            "name": "compare__c__d",
            "type": "custom",
            "engine": "dataeng",
            "implementation": {
                "check": "compare", "left": "c", "operator": "<", "right": "d", "where": "c > 0",
                "mustBeLessOrEqualTo": 5, "unit": "percent",
            },
        },
        {"name": "query", "type": "sql", "query": "select count(*) from {table}", "mustBeGreaterOrEqualTo": 1},
        {"name": "rows", "metric": "rowCount", "mustBeBetween": [1, 9]},
    ]  # fmt: skip


def test_several_tables_are_one_document(tmp_path: Path) -> None:
    first = Suite("a", (SuiteColumn("x"),), implied_rules((SuiteColumn("x"),), ()), id="both", version="1.0.0")
    column = SuiteColumn("y", nullable=False)
    second = Suite(
        "b", (column,), (*implied_rules((column,), ("y",)), Rule(References(("y",), "a", ("x",)), "references__y")),
        key=("y",), id="both", version="1.0.0", sla={"retention": "3 y"},
        not_executed=(NotExecuted("", "retention: 3 y", "a promise for people; it is told, and not measured"),),
    )  # fmt: skip
    found = read_back(tmp_path / "both.yaml", [first, second])
    assert [settled(suite) for suite in found] == [settled(first), settled(second)]
    with pytest.raises(ValueError, match="share id"):
        odcs_text([first, replace(second, id="other")])
