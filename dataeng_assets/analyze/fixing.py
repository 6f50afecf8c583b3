"""A text with its proven rewrites in place. What is not proven equal is never written."""

from dataeng_assets.analyze.analysis import Recommend, findings
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.proof import Verdict
from dataeng_assets.analyze.statement import Statement, statements

MAX_ROUNDS = 100
"""Rewrites in one text: each is judged anew afterwards, so that one that leads back would never end."""


def fixed(text: str, engine: Engine, *, file: str, facts: Facts, recommend: Recommend) -> tuple[str, tuple[str, ...]]:
    """Apply proven rewrites one by one until none is left.

    Returns:
        The text afterwards, and the rules whose findings are gone; what stands between statements is kept.
    """
    done: list[str] = []
    seen = {text}
    for _ in range(MAX_ROUNDS):
        read, _unread = statements(text, engine, file)
        step = next((one for statement in read if (one := _rewritten(statement, text, facts, recommend))), None)
        if step is None or step[0] in seen:
            break
        text = step[0]
        seen.add(text)
        done.append(step[1])
    return text, tuple(done)


def _rewritten(statement: Statement, text: str, facts: Facts, recommend: Recommend) -> tuple[str, str] | None:
    """The text with the first proven rewrite of a statement, and the rule it is for."""
    for finding in findings(statement, facts, recommend=recommend):
        rewrite = finding.rewrite
        if rewrite is not None and rewrite.proof.verdict is Verdict.PROVEN:
            return text[: statement.start] + rewrite.sql + text[statement.end :], finding.rule
    return None
