"""A contract that is written is the contract that is read."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from open_data_contract_standard.model import OpenDataContractStandard

from dataeng_assets.contracts.checks.kinds import Between, Check, NotNull, OneOf, Unique
from dataeng_assets.contracts.checks.naming import derived_name, unique_name
from dataeng_assets.contracts.checks.rule import Bounds, Quarantine, Rule, Severity, Unit
from dataeng_assets.contracts.convert.odcs_options import elements_one_of
from dataeng_assets.contracts.health import HealthLimits
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.contracts.model import Column, Contract, EventTime, implied
from dataeng_assets.contracts.types import event_type, logical_type, postgres_type
from dataeng_assets.contracts.write import contract_yaml

LABELS = ("no", "1.0", "a: b", "ü", " ")
TYPES = (
    "bigint", "smallint", "numeric(12,2)", "real", "boolean", "date", "timestamp with time zone", "bytea", "interval",
    "time without time zone", "jsonb", "text[]", "numeric(5,2)[]", "character varying(20)", "uuid", "mydb.mood",
    "mydb.mood[]",
)  # fmt: skip
EVENT_TYPES = ("string", "uuid", "json", "bigint", "double", "boolean", "timestamp")
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).map(str.strip).filter(bool)
names = texts.filter(lambda name: not name.startswith("_"))


@st.composite
def columns(draw: st.DrawFn, name: str, physical: str, *, in_key: bool) -> Column:
    has_labels = "mood" in physical
    kind = event_type(physical) if physical in EVENT_TYPES else postgres_type(physical, LABELS * has_labels)
    usual = logical_type(kind)
    return Column(
        name=name,
        type=kind,
        physical=physical,
        nullable=not in_key and draw(st.booleans()),
        personal=draw(st.booleans()),
        description=draw(texts),
        tags=tuple(draw(st.lists(texts, max_size=2))),
        said_logical=draw(st.sampled_from(["", "string"])) if usual in ("object", "time") else "",
    )


@st.composite
def demands(draw: st.DrawFn, column: Column) -> list[Rule]:
    """Rules of one column: in its own words, and as entries with names, tolerances and severities."""
    kind, name = column.type, column.name
    checks: list[Check] = []
    if draw(st.booleans()):
        checks.append(Unique((name,)))
    if "mood" in column.physical or (column.logical in ("string", "array") and draw(st.booleans())):
        is_text = (kind.element or kind).family == "text"
        if is_text:
            checks.append(elements_one_of(name, LABELS) if kind.element else OneOf(name, LABELS))
    if kind.family in ("integer", "decimal", "float"):
        bounds = [Between(name, 0), Between(name, None, 10), Between(name, 0.5, 1), Between(name, 1, 2)]
        checks += draw(st.lists(st.sampled_from(bounds), max_size=1))
    rules = [Rule(check, derived_name(check, name)) for check in checks]
    tolerated = draw(st.sampled_from([Bounds(upper=0), Bounds(upper=5, upper_open=True, unit=Unit.PERCENT)]))
    late = Rule(NotNull(name), f"late_{draw(st.integers(0, 10**9))}", tolerated, draw(st.sampled_from(Severity)))
    return [*rules, *draw(st.sampled_from([[], [late]]))]


ILL_SOON = HealthLimits(10, timedelta(seconds=90.5), 0.9, 0.0001, 1.5, 0.01, 2)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    is_topic = draw(st.booleans())
    wanted = draw(st.lists(names, min_size=2, max_size=5, unique_by=str.lower))
    key = tuple(draw(st.permutations(wanted))[: draw(st.integers(0, 2))])
    kinds = EVENT_TYPES if is_topic else TYPES
    made = [draw(columns(name, draw(st.sampled_from(kinds)), in_key=name in key)) for name in wanted]
    time = None
    if is_topic:
        made[0] = draw(columns(wanted[0], "timestamp", in_key=True))
        lengths = st.timedeltas(timedelta(0), timedelta(days=400))
        time = EventTime(wanted[0], draw(lengths), draw(lengths), draw(st.just(timedelta(0)) | lengths))
    rules = [*implied(made, () if is_topic else key), *(rule for column in made for rule in draw(demands(column)))]
    seconds = st.integers(1, 10**7).map(lambda value: timedelta(seconds=value))
    return Contract(
        path=Path("nowhere"),
        **{name: draw(texts) for name in ("id", "name", "version", "description", "owner", "domain")},
        tags=tuple(draw(st.lists(texts, max_size=2))),
        columns=tuple(made),
        key=key,
        freshness=draw(st.none() | seconds),
        event_time=time,
        health=draw(st.sampled_from([HealthLimits(), ILL_SOON]) if is_topic else st.just(HealthLimits())),
        rules=tuple(distinct(rules)),
        quarantine=draw(st.sampled_from([None, Quarantine()])),
    )


def distinct(rules: list[Rule]) -> list[Rule]:
    """Each rule once, with a name of its own, as they are named when they are read."""
    named: dict[str, Rule] = {}
    for rule in rules:
        if rule.name not in named or named[rule.name].check != rule.check:
            name = unique_name(rule.name, rule.check, named)
            named[name] = replace(rule, name=name)
    return list(named.values())


def settled(contract: Contract) -> Contract:
    """Rules in the order of their names, as their order means nothing."""
    return replace(contract, path=Path("nowhere"), rules=tuple(sorted(contract.rules, key=lambda rule: rule.name)))


@given(contract=contracts())
@settings(max_examples=50)
def test_what_is_written_reads_as_the_same_contract(contract: Contract, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    path.write_text(contract_yaml(contract), encoding="utf-8")
    assert settled(load_contract(path)) == settled(contract)


@given(contract=contracts())
@settings(max_examples=50)
def test_what_is_written_is_valid_by_the_schema_of_the_standard(contract: Contract):
    schema = json.loads(OpenDataContractStandard.json_schema())
    document = yaml.safe_load(contract_yaml(contract, limitations="None."))
    assert list(jsonschema.validators.validator_for(schema)(schema).iter_errors(document)) == []
