"""Statements as they would be without a hit, each with its proof."""

from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.proof import Rewrite
from dataeng_assets.analyze.rule import Hit, Rule
from dataeng_assets.analyze.statement import Statement


def recommended(_statement: Statement, _rule: Rule, _hit: Hit, _facts: Facts) -> Rewrite | None:
    """The statement as it would be without a hit; None where no rewrite is known."""
    return None
