"""The sample's contracts say what the shop and its topic hold."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import pyarrow as pa
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from dataeng_assets.contracts.checks.kinds import Between, NotNull, OfType, OneOf, Unique
from dataeng_assets.contracts.convert.odcs_read import read_odcs
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import EventTime
from dataeng_assets.contracts.types import postgres_type
from dataeng_assets.sample.schema import ARROW, TABLES, key_of

DEFS = Path(__file__).parents[2] / "dataeng_assets" / "defs"


@pytest.fixture(scope="module")
def contracts():
    return load_contracts(DEFS / "shop" / "contracts") | load_contracts(DEFS / "events" / "contracts")


def test_there_is_one_for_each_table_and_topic(contracts):
    keys = {table: key_of(table) for table in TABLES} | {"user_events": ("event_id",)}
    assert {name: contract.key for name, contract in contracts.items()} == keys


def test_the_columns_of_a_table_are_those_of_the_shop(contracts):
    for table in TABLES:
        assert [(c.name, c.type.arrow) for c in contracts[table].columns] == [(f.name, f.type) for f in ARROW[table]]


def test_every_document_is_valid_by_the_schema_of_the_standard(contracts):
    schema = json.loads(OpenDataContractStandard.json_schema())
    validator = jsonschema.validators.validator_for(schema)(schema)
    for contract in contracts.values():
        assert list(validator.iter_errors(yaml.safe_load(contract.path.read_text()))) == []


def test_every_column_is_described_and_every_table_has_an_owner_and_a_freshness(contracts):
    for contract in contracts.values():
        assert contract.owner
        assert contract.description
        assert contract.domain in ("shop", "events")
        assert contract.tags
        assert contract.freshness > timedelta(0)
        assert all(column.description.endswith(".") for column in contract.columns)


def test_values_are_carried_in_the_types_that_are_agreed(contracts):
    utc = pa.timestamp("us", tz="UTC")
    expected = pa.schema(
        [
            pa.field("order_id", pa.int64(), nullable=False),
            pa.field("order_ref", pa.string(), nullable=False),
            pa.field("customer_id", pa.int64(), nullable=False),
            pa.field("status", pa.string(), nullable=False),
            pa.field("currency", pa.string(), nullable=False),
            pa.field("total_amount", pa.decimal128(12, 2), nullable=False),
            pa.field("discount_amount", pa.decimal128(12, 2)),
            pa.field("coupon_codes", pa.list_(pa.string())),
            pa.field("shipping_address", pa.string(), nullable=False),
            pa.field("note", pa.string()),
            pa.field("ordered_at", utc, nullable=False),
            pa.field("shipped_at", utc),
            pa.field("updated_at", utc, nullable=False),
        ]
    )
    assert contracts["orders"].arrow_schema() == expected


def test_what_tells_who_a_person_is_is_marked(contracts):
    personal = {(n, c.name) for n, contract in contracts.items() for c in contract.columns if c.personal}
    assert personal == {
        ("customers", "email"),
        ("customers", "full_name"),
        ("customers", "city"),
        ("orders", "shipping_address"),
        ("orders", "note"),
    }


def test_rules_are_read_from_every_form_in_which_they_are_written(contracts):
    orders = [rule.check for rule in contracts["orders"].rules]
    assert NotNull("order_ref") in orders
    assert Unique(("order_ref",)) in orders
    assert Between("discount_amount", 0) in orders
    assert OneOf("status", ("placed", "paid", "shipped", "delivered", "cancelled", "returned")) in orders
    events = [rule.check for rule in contracts["user_events"].rules]
    assert OneOf("event_type", ("page_view", "click", "add_to_cart", "purchase")) in events
    assert not any(isinstance(check, Unique) for check in events), "an event may be delivered more than once"
    assert Unique(("order_id", "line_number")) in [rule.check for rule in contracts["order_items"].rules]


def test_the_contract_is_the_suite_that_anybody_reads_from_its_document(contracts):
    for contract in contracts.values():
        (suite,) = read_odcs(contract.path)
        assert contract.suite == replace(suite, not_executed=contract.not_executed)


def test_the_event_time_and_its_bounds_are_read(contracts):
    assert contracts["user_events"].event_time == EventTime("timestamp", timedelta(minutes=10), timedelta(minutes=5))
    assert contracts["orders"].event_time is None


def test_a_column_that_is_not_there_is_named(contracts):
    with pytest.raises(KeyError, match="no column 'colour'; it has product_id"):
        contracts["products"].column("colour")


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("value: PT10M", "value: PT11M", True),
        ("value: PT5M", "value: PT6M", True),
        ("purchase]", "purchase, refund]", True),
        ("physicalType: bigint", "physicalType: double", True),
        ("What was done.", "What somebody did.", False),
        ("name: web-tracking", "name: web", False),
    ],
)
def test_the_fingerprint_changes_with_what_decides_where_a_record_goes(tmp_path, contracts, old, new, changes):
    text = contracts["user_events"].path.read_text().replace(old, new)
    text = text.replace("logicalType: integer", "logicalType: number") if "double" in new else text
    (tmp_path / "user_events.yaml").write_text(text)
    changed = load_contracts(tmp_path)["user_events"]
    assert (changed.fingerprint != contracts["user_events"].fingerprint) is changes


def test_bronze_is_judged_by_the_types_in_which_it_carries_those_of_the_source(contracts):
    for contract in contracts.values():
        types = {r.check.column: postgres_type(r.check.physical).arrow for r in contract.stored_suite.rules
                 if isinstance(r.check, OfType)}  # fmt: skip
        assert types == {column.name: column.type.arrow for column in contract.columns}
