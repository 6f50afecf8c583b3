"""What an exporter says is what its importer reads; what it does not say is told. Together they are the suite."""

import json
from typing import Any

import jsonschema
import yaml
from hypothesis import assume, given
from random_suites import suites

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Compare,
    Format,
    HasColumns,
    Holds,
    IsNull,
    Matches,
    NoRows,
    NotNull,
    OfType,
    Operator,
    RowCheck,
    SumsTo,
)
from dataeng_assets.contracts.checks.rule import Rule, Suite
from dataeng_assets.contracts.checks.words import in_words
from dataeng_assets.contracts.convert.dbt import read_dbt
from dataeng_assets.contracts.convert.dbt_write import dbt_text
from dataeng_assets.contracts.convert.great_expectations import read_great_expectations
from dataeng_assets.contracts.convert.gx_write import great_expectations_text
from dataeng_assets.contracts.convert.json_schema import read_json_schema
from dataeng_assets.contracts.convert.json_schema_write import json_schema_text
from dataeng_assets.contracts.convert.written import Written


def told(rule: Rule, written: Written) -> bool:
    return any(left.said.startswith(in_words(rule.check)) for left in written.unsaid)


def turned(check: Any) -> Any:
    """A comparison as it is written with the larger side first."""
    if isinstance(check, Compare) and check.operator in (Operator.LESS, Operator.AT_MOST):
        other = {Operator.LESS: Operator.GREATER, Operator.AT_MOST: Operator.AT_LEAST}[check.operator]
        return Compare(check.right, other, check.left)
    return check


def one_by_one(check: Any) -> list[Any]:
    """Several patterns as JSON Schema says them: each by itself, or all in one."""
    if not isinstance(check, Matches):
        return [check]
    if check.any_of and len(check.patterns) > 1:
        return [Matches(check.column, ("|".join(f"(?:{one})" for one in check.patterns),))]
    return [Matches(check.column, (one,), negated=check.negated) for one in check.patterns]


def demands(rule: Rule) -> Any:
    return turned(rule.check), str(rule.bounds), rule.severity, rule.where


def assert_said_or_told(suite: Suite, read: Suite, written: Written, *, rewritten: tuple[type, ...] = ()) -> None:
    """Every rule is read again, or told; kinds that are rewritten are read under their name."""
    assert not read.not_executed
    found = [demands(rule) for rule in read.rules]
    names = {rule.name for rule in read.rules}
    for rule in suite.rules:
        is_rewritten = isinstance(rule.check, rewritten) and rule.name in names
        assert demands(rule) in found or told(rule, written) or is_rewritten, rule
    assert {left.said for left in suite.not_executed} <= {left.said for left in written.unsaid}
    assert any("consumers" in left.said for left in written.unsaid)
    assert any("retention" in left.said for left in written.unsaid)


@given(suite=suites())
def test_a_suite_of_great_expectations_reads_as_the_same_demands(suite: Suite):
    written = great_expectations_text(suite)
    (read,) = read_great_expectations(json.loads(written.text))
    again = great_expectations_text(read)
    assert json.loads(again.text)["expectations"] == json.loads(written.text)["expectations"]
    moments = tuple(rule for rule in suite.rules if isinstance(rule.check, Between) and rule.check.column == "d")
    assert_said_or_told(suite, read, written, rewritten=(RowCheck, *(type(rule.check) for rule in moments)))
    queries = [rule for rule in read.rules if isinstance(rule.check, NoRows)]
    assert all("{table}" in rule.check.sql for rule in queries)


@given(suite=suites())
def test_a_properties_file_of_dbt_reads_as_the_same_demands(suite: Suite):
    written = dbt_text(suite)
    (read,) = read_dbt(yaml.safe_load(written.text))
    rewritten = (Format, Holds, SumsTo, RowCheck)
    assert_said_or_told(suite, read, written, rewritten=rewritten)
    assert [(c.name, c.physical, c.personal, c.description) for c in read.columns] == [
        (c.name, c.physical, c.personal, c.description) for c in suite.columns
    ]
    assert (read.name, read.id, read.version, read.owner) == (suite.name, suite.id, suite.version, suite.owner)


@given(suite=suites())
def test_a_json_schema_reads_as_the_same_demands_and_is_one(suite: Suite):
    assume(not {NotNull("a"), IsNull("a")} <= {rule.check for rule in suite.rules})  # nothing is both
    written = json_schema_text(suite)
    document = json.loads(written.text)
    jsonschema.Draft202012Validator.check_schema(document)
    (read,) = read_json_schema(document)
    found = [rule.check for rule in read.rules]
    for rule in suite.rules:
        is_said = not told(rule, written) and not isinstance(rule.check, HasColumns)
        assert not is_said or set(one_by_one(rule.check)) <= set(found), rule
    null = {rule.check.column for rule in suite.rules if isinstance(rule.check, IsNull)}
    assert [(c.name, c.personal, c.description) for c in read.columns] == [
        (c.name, c.personal, c.description) for c in suite.columns
    ]
    known = {column.name: column.logical for column in suite.columns}
    assert all(column.logical == known[column.name] for column in read.columns if column.name not in null)
    demanded = {part for rule in suite.rules for part in one_by_one(rule.check)}
    # a value that counts as none beside NULL has no word there, what NULL alone would demand has
    demanded |= {NotNull(check.column) for check in demanded if isinstance(check, NotNull)}
    assert all(check in demanded or isinstance(check, OfType | Format | HasColumns) for check in found)
