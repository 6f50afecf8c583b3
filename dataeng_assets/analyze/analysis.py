"""Every rule over every statement. What a rule looks for is in `rules`, how rewrites are made in `rewrites`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Effect, Finding
from dataeng_assets.analyze.proof import Rewrite
from dataeng_assets.analyze.rule import Hit, Rule
from dataeng_assets.analyze.rules import RULES
from dataeng_assets.analyze.statement import Statement, Unreadable, statements

Recommend = Callable[[Statement, Rule, Hit, Facts], Rewrite | None]
"""Gives the statement as it would be without a hit, if there is such a rewrite."""


@dataclass(frozen=True)
class Analysis:
    """What one text gave.

    Attributes:
        findings: in the order of the text.
        unread: what is not SQL of the engine.
        skipped: statements of which sqlglot reads the first word only; nothing is known of them.
    """

    file: str
    text: str
    findings: tuple[Finding, ...] = ()
    unread: tuple[Unreadable, ...] = ()
    skipped: tuple[Statement, ...] = ()


def analyze(
    text: str,
    engine: Engine,
    *,
    file: str = "<query>",
    facts: Facts | None = None,
    rules: Sequence[Rule] = RULES,
    recommend: Recommend | None = None,
) -> Analysis:
    """Judge all statements of a text by all rules of an engine.

    Rules that need facts stay silent without; rewrites are given by `recommend`, and none without.
    """
    read, unread = statements(text, engine, file)
    errors = list(unread)
    found: list[Finding] = []
    for one in read:
        try:
            found += findings(one, facts or Facts(), rules, recommend)
        except RecursionError:
            place = one.source.place(one.start, one.end)
            reason = "The statement is nested too deep to be judged."
            errors.append(Unreadable(file, reason, place.line, place.column))
    found.sort(key=lambda finding: (finding.place, finding.rule))
    skipped = tuple(one for one in read if not one.is_understood)
    return Analysis(file, text, tuple(found), tuple(errors), skipped)


def findings(
    statement: Statement, facts: Facts, rules: Iterable[Rule] = RULES, recommend: Recommend | None = None
) -> list[Finding]:
    """All findings in one statement; one for each rule and place."""
    found = {
        (rule.id, hit.place): _finding(statement, rule, hit, facts, recommend)
        for rule in rules
        if statement.engine in rule.engines
        for hit in rule.find(statement, facts)
    }
    return list(found.values())


def _finding(statement: Statement, rule: Rule, hit: Hit, facts: Facts, recommend: Recommend | None) -> Finding:
    return Finding(
        rule=rule.id,
        severity=hit.severity or rule.severity,
        place=hit.place,
        message=hit.message,
        why=rule.why_on(statement.engine),
        evidence=hit.evidence,
        effect=hit.effect or (Effect(rule.effect) if rule.effect else None),
        rewrite=recommend(statement, rule, hit, facts) if recommend else None,
    )
