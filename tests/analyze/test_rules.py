"""Each rule finds its own example and nothing else does; its good twin is silent."""

import pytest

from dataeng_assets.analyze.analysis import analyze
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.rule import Rule
from dataeng_assets.analyze.rules import RULES

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def fired(sql: str, rule: Rule) -> list[str]:
    result = analyze(sql, rule.example.engine, facts=rule.example.facts)
    assert result.unread == ()
    return [finding.rule for finding in result.findings]


@each_rule
def test_the_bad_example_is_found_by_its_rule_alone(rule: Rule) -> None:
    assert fired(rule.example.bad, rule) == [rule.id]


@each_rule
def test_the_good_example_stays_silent(rule: Rule) -> None:
    assert fired(rule.example.good, rule) == []


def test_ids_are_unique_words_with_hyphens() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids)) >= 40
    assert all(name.replace("-", "").isalpha() and name.islower() for name in ids)


@each_rule
def test_an_example_is_for_an_engine_of_the_rule_and_why_is_said_for_each(rule: Rule) -> None:
    assert rule.example.engine in rule.engines
    assert None in rule.why
    assert {engine for engine in rule.why if engine} <= rule.engines
    assert all(rule.why_on(engine) for engine in Engine)
