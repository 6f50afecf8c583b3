"""Rules about NULL: comparisons that are never true, and rows that vanish."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement


def _equals_null(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.EQ, exp.NEQ):
        if not isinstance(node.expression, exp.Null) or _is_assignment(node):
            continue
        test = "is" if isinstance(node, exp.EQ) else "is not"
        message = f"A comparison with NULL is never true. Write `{statement.written(node.this)} {test} null`."
        yield Hit(statement.place(node, until=(TokenType.NULL,)), message, node)


def _is_assignment(node: exp.Expr) -> bool:
    """Whether `a = null` sets a value: in UPDATE, in a SET, or as a named argument."""
    return isinstance(node.parent, (exp.Update, exp.SetItem, exp.Property, exp.Properties)) or node.arg_key in {
        "settings",
        "options",
    }


RULES = (
    Rule(
        id="equals-null",
        title="Comparison with NULL",
        severity=Severity.ERROR,
        example=Example(
            bad="select order_id from orders where shipped_at = null",
            good="select order_id from orders where shipped_at is null",
        ),
        why={None: "`= NULL` and `<> NULL` give NULL for every row, so the filter keeps none, whatever the data is."},
        when_not="Never: where NULLs are to be equal, write `is not distinct from`.",
        find=_equals_null,
        effect="The rows that were meant are returned.",
    ),
)
