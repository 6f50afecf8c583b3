"""The simple form: every word has its rule, and a word that is not known is refused with the nearest one."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Format,
    HasColumns,
    Length,
    Matches,
    Measure,
    Metric,
    NotNull,
    Nulls,
    OfType,
    OneOf,
    Unique,
)
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Consumer, Suite, Unit
from dataeng_assets.contracts.convert.simple import read_simple
from dataeng_assets.contracts.errors import ContractError

SALES = """
contract: {name: sales, version: 1.2.0, owner: shop}
schema:
  properties:
    order_id: {type: string, not_null: true, unique: true, pattern: "^A-[0-9]+$", max_length: 20}
    amount: {type: decimal, precision: 12, scale: 2, minimum: 0, maximum: 99.5}
    currency: {type: string, enum: [EUR, GBP], not_null: false}
    email: {type: string, format: email, personal: true, description: Where the bill goes.}
    sold_on: {type: date, minimum: 2020-01-01}
    updated_at: {type: timestamp}
sla:
  freshness: {max_delay_hours: 24}
  completeness: {min_percentage: 99.5}
  accuracy: {duplicate_tolerance: 0.001}
consumers: [finance, {name: search, columns: [order_id], contact: search@example.com}]
"""


def read(text: str) -> Suite:
    (suite,) = read_simple(yaml.safe_load(text))
    return suite


def changed(old: str, new: str) -> Suite:
    assert old in SALES
    return read(SALES.replace(old, new, 1))


def test_every_word_has_its_rule():
    from datetime import date

    suite = read(SALES)
    share = Bounds(upper=Decimal("0.005"))
    assert [(rule.check, rule.bounds) for rule in suite.rules] == [
        (HasColumns(("order_id", "amount", "currency", "email", "sold_on", "updated_at")), NONE),
        (OfType("order_id", "string"), NONE),
        (NotNull("order_id"), NONE),
        (Length("order_id", None, 20), NONE),
        (Matches("order_id", ("^A-[0-9]+$",)), NONE),
        (OfType("amount", "number", "numeric(12,2)"), NONE),
        (Between("amount", 0, 99.5), NONE),
        (OfType("currency", "string"), NONE),
        (OneOf("currency", ("EUR", "GBP")), NONE),
        (OfType("email", "string"), NONE),
        (Format("email", "email"), NONE),
        (OfType("sold_on", "date"), NONE),
        (Between("sold_on", date(2020, 1, 1)), NONE),
        (OfType("updated_at", "timestamp"), NONE),
        (Measure(Metric.HOURS_OLD, "updated_at"), Bounds(upper=24)),
        *[(Measure(Metric.NULL_SHARE, name), share) for name in ("amount", "email", "sold_on", "updated_at")],
        (Unique(("order_id",)), Bounds(upper=Decimal("0.1"), unit=Unit.PERCENT)),
    ]
    assert (suite.name, suite.version, suite.owner, suite.key) == ("sales", "1.2.0", "shop", ("order_id",))
    assert suite.personal == {"email"}
    assert suite.consumers == (Consumer("finance"), Consumer("search", ("order_id",), "search@example.com"))
    assert len({rule.name for rule in suite.rules}) == len(suite.rules)


def test_without_a_unique_column_whole_rows_may_not_repeat():
    suite = read("contract: t\nschema: {properties: {a: {}, b: {}}}\nsla: {accuracy: {duplicate_tolerance: 0}}")
    assert [(rule.check, rule.bounds) for rule in suite.rules][-1] == (Unique(("a", "b"), Nulls.EQUAL), NONE)


def test_freshness_without_a_column_of_times_is_told():
    suite = changed("updated_at: {type: timestamp}", "updated_at: {type: string}").rules
    assert Measure(Metric.HOURS_OLD, "sold_on") in [rule.check for rule in suite]
    suite = read("contract: t\nschema: {properties: {a: {}}}\nsla: {freshness: {max_delay_hours: 2}}")
    assert ["sla.freshness.column" in left.reason for left in suite.not_executed] == [True]


def test_the_column_of_freshness_can_be_named():
    suite = changed("max_delay_hours: 24", "max_delay_hours: 24, column: sold_on")
    assert Measure(Metric.HOURS_OLD, "sold_on") in [rule.check for rule in suite.rules]


def test_a_pattern_that_re2_refuses_is_told_not_run():
    suite = changed("^A-[0-9]+$", "(?=A)")
    assert "looks ahead" in suite.not_executed[0].reason


@pytest.mark.parametrize(
    ("old", "new", "place", "allowed"),
    [
        ("not_null: true", "not_nul: true", "schema.properties.order_id.not_nul", "did you mean 'not_null'"),
        ("schema:\n", "shema:\n", "shema", "did you mean 'schema'"),
        ("max_delay_hours", "max_delay_hrs", "sla.freshness.max_delay_hrs", "did you mean 'max_delay_hours'"),
        ("type: string, not", "type: sting, not", "schema.properties.order_id.type", "did you mean 'string'"),
        ("not_null: true", "not_null: maybe", "schema.properties.order_id.not_null", "true or false"),
        ("minimum: 0", "minimum: 100", "schema.properties.amount.minimum", "bounds"),
        ("minimum: 0", "minimum: low", "schema.properties.amount.minimum", "one kind"),
        ("precision: 12, scale: 2", "precision: 2, scale: 12", "schema.properties.amount.precision", "scale up to"),
        ("precision: 12, ", "", "schema.properties.amount.scale", "precision beside"),
        ("max_length: 20", "max_length: 20, min_length: 30", "schema.properties.order_id.min_length", "bounds"),
        ("enum: [EUR, GBP]", "enum: []", "schema.properties.currency.enum", "a list"),
        ("enum: [EUR, GBP]", "enum: [null]", "schema.properties.currency.enum", "a list"),
        ("format: email", "format: e-mail", "schema.properties.email.format", "did you mean 'email'"),
        ("max_delay_hours: 24", "max_delay_hours: -1", "sla.freshness.max_delay_hours", "a number from 0"),
        ("min_percentage: 99.5", "min_percentage: 101", "sla.completeness.min_percentage", "to 100"),
        ("duplicate_tolerance: 0.001", "duplicate_tolerance: 5", "sla.accuracy.duplicate_tolerance", "to 1"),
        ("columns: [order_id]", "columns: [orders]", "consumers[1].columns", "columns of the schema"),
        ("24}", "24, column: sold}", "sla.freshness.column", "did you mean 'sold_on'"),
        ("name: sales, ", "", "contract", "a name"),
        ("    currency:", "    no:", "schema.properties.False", "in quotes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(old, new, place, allowed):
    with pytest.raises(ContractError) as error:
        changed(old, new)
    assert error.value.place == place
    assert allowed in error.value.allowed


def test_an_error_and_a_rule_know_their_line(tmp_path: Path):
    path = tmp_path / "sales.yaml"
    path.write_text(SALES)
    (suite,) = read_simple(path)
    assert next(rule.place for rule in suite.rules if rule.name == "between__amount") == f"{path}:6"
    path.write_text(SALES.replace("minimum: 0", "minimun: 0"))
    with pytest.raises(ContractError) as error:
        read_simple(path)
    assert error.value.line == 6


@pytest.mark.parametrize(
    "document", [{}, {"contract": 5}, {"contract": "t"}, {"contract": "t", "schema": {"properties": {}}}]
)
def test_what_is_no_contract_is_refused(document: dict[str, Any]):
    with pytest.raises(ContractError):
        read_simple(document)
