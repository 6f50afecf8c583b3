"""Rewrites that take a word away or add one: DISTINCT, UNION ALL, LEFT JOIN, ORDER BY."""

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.rewrites.splice import Edit, spliced, token_after, token_before, without_token
from dataeng_assets.analyze.rule import Hit
from dataeng_assets.analyze.statement import Statement


def without_distinct(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """The SELECT without its DISTINCT."""
    select = hit.node
    first = statement.source.span(select.expressions[0]) if isinstance(select, exp.Select) else None
    place = token_before(statement, first[0], TokenType.DISTINCT) if first else None
    return spliced(statement, [without_token(statement, place)]) if place is not None else None


def union_all(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """UNION ALL instead of UNION."""
    right = hit.node.expression
    first = statement.source.span(right.expressions[0]) if isinstance(right, exp.Select) else None
    place = token_before(statement, first[0], TokenType.UNION) if first else None
    if place is None:
        return None
    union, following = statement.source.tokens[place : place + 2]
    end = following.end + 1 if following.token_type is TokenType.DISTINCT else union.end + 1
    word = "ALL" if union.text.isupper() else "all"
    return spliced(statement, [Edit(union.end + 1, end, f" {word}")])


def inner_join(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """JOIN instead of LEFT JOIN, for the table whose missing rows the condition drops."""
    column = next(iter(hit.node.find_all(exp.Column)), None)
    select = hit.node.parent_select
    if column is None or select is None:
        return None
    for column in hit.node.find_all(exp.Column):
        for join in select.args.get("joins") or []:
            if join.side == "LEFT" and join.this.alias_or_name.lower() == column.table.lower():
                return _without_left(statement, join)
    return None


def _without_left(statement: Statement, join: exp.Join) -> str | None:
    found = statement.source.span(join.this)
    place = token_before(statement, found[0], TokenType.JOIN) if found else None
    left = token_before(statement, found[0], TokenType.LEFT) if found else None
    if place is None or left is None or place - left > 2:
        return None
    tokens = statement.source.tokens
    return spliced(statement, [Edit(tokens[left].start, tokens[place].start, "")])


def without_order(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """The inner query without its ORDER BY."""
    order = hit.node if isinstance(hit.node, exp.Order) else hit.node.args.get("order")
    if order is None:
        return None
    spans = [statement.source.span(one) for one in order.expressions]
    if not spans or None in spans:
        return None
    start = token_before(statement, spans[0][0], TokenType.ORDER_BY)  # type: ignore[index]  # none is None here
    end = token_after(statement, spans[0][0], TokenType.R_PAREN)  # type: ignore[index]  # as above
    if start is None or end is None:
        return None
    tokens = statement.source.tokens
    return spliced(statement, [Edit(tokens[start - 1].end + 1, tokens[end].start, "")])
