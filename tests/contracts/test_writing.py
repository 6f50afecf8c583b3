"""A contract that is written is the contract that is read."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from open_data_contract_standard.model import OpenDataContractStandard

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.contracts.model import AcceptedValues, Column, Contract, EventTime, NotNull, Range, Unique
from dataeng_assets.contracts.types import event_type, postgres_type
from dataeng_assets.contracts.write import contract_yaml

LABELS = AcceptedValues(("no", "1.0", "a: b", "ü", " "))
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
    kind = event_type(physical) if physical in EVENT_TYPES else postgres_type(physical, LABELS.values * has_labels)
    nullable = not in_key and draw(st.booleans())
    rules = [] if nullable else [NotNull()]
    if draw(st.booleans()):
        rules.append(Unique())
    if has_labels or ((kind.element or kind).family == "text" and draw(st.booleans())):
        rules.append(LABELS)
    if kind.family in ("integer", "decimal", "float"):
        bounds = draw(st.sampled_from([Range(0, None), Range(None, 10), Range(0.5, 1), None, Range(1, 2)]))
        rules += [bounds] if bounds else []
    late = [NotNull(), Unique(), *([AcceptedValues(("x",))] if (kind.element or kind).family == "text" else [])]
    rules += draw(st.lists(st.sampled_from(late), unique=True))
    return Column(
        name=name,
        type=kind,
        physical=physical,
        nullable=nullable,
        personal=draw(st.booleans()),
        description=draw(texts),
        rules=tuple(dict.fromkeys(rules)),
        tags=tuple(draw(st.lists(texts, max_size=2))),
    )


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
        time = EventTime(wanted[0], draw(lengths), draw(lengths))
    seconds = st.integers(1, 10**7).map(lambda value: timedelta(seconds=value))
    return Contract(
        path=Path("nowhere"),
        **{name: draw(texts) for name in ("id", "name", "version", "description", "owner", "domain")},
        tags=tuple(draw(st.lists(texts, max_size=2))),
        columns=tuple(made),
        key=key,
        freshness=draw(st.none() | seconds),
        event_time=time,
    )


@given(contract=contracts())
def test_what_is_written_reads_as_the_same_contract(contract: Contract, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    path.write_text(contract_yaml(contract), encoding="utf-8")
    assert replace(load_contract(path), path=contract.path) == contract


@given(contract=contracts())
def test_what_is_written_is_valid_by_the_schema_of_the_standard(contract: Contract):
    schema = json.loads(OpenDataContractStandard.json_schema())
    document = yaml.safe_load(contract_yaml(contract, limitations="None."))
    assert list(jsonschema.validators.validator_for(schema)(schema).iter_errors(document)) == []
