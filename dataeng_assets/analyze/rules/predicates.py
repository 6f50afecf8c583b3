"""Rules about predicates: what keeps an engine from skipping files, blocks or index entries."""

from collections.abc import Iterator

from sqlglot import exp

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement


def _leading_wildcard(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Like, exp.ILike):
        pattern = node.expression
        if not (isinstance(pattern, exp.Literal) and pattern.is_string and pattern.name[:1] in {"%", "_"}):
            continue
        if isinstance(node.this, exp.Column) and pattern.name.strip("%_"):
            message = f"The pattern '{pattern.name}' begins with a wildcard, so every value must be read."
            yield Hit(statement.place(node), message, node)


RULES = (
    Rule(
        id="leading-wildcard",
        title="LIKE pattern that begins with a wildcard",
        severity=Severity.INFO,
        example=Example(
            bad="select customer_id from customers where email like '%@example.com'",
            good="select customer_id from customers where email like 'anna%'",
        ),
        why={
            None: "Minimum and maximum of a block say nothing about the end of a value, so no file is skipped.",
            Engine.POSTGRES: "A B-tree index is ordered by the beginning of a value, so it cannot be used.",
        },
        when_not="The table is small, or the search is served by a trigram or full-text index.",
        find=_leading_wildcard,
        effect="With a fixed beginning, files or index ranges are skipped.",
    ),
)
