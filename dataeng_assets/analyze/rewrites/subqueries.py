"""Subqueries asked in another way: EXISTS instead of counting and NOT IN, a join instead of one query per row."""

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.proving.reasons import gives_empty
from dataeng_assets.analyze.rewrites.splice import (
    Edit,
    replaced,
    span,
    spliced,
    token_after,
    token_before,
    written,
)
from dataeng_assets.analyze.rule import Hit
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import adds_totals, bare, conjuncts

_TAIL = (
    *(TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY, TokenType.LIMIT, TokenType.QUALIFY),
    *(TokenType.R_PAREN, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT, TokenType.WINDOW, TokenType.FETCH),
)


def exists(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """`(select count(*) from b where …) > 0` as `exists (select 1 from b where …)`."""
    node = hit.node
    select = bare(node.this)
    select = select.this if isinstance(select, exp.Subquery) else select
    if not isinstance(select, exp.Select):
        return None
    counted = select.expressions[0].unalias()
    if not isinstance(counted, exp.Count) or not isinstance(counted.this, exp.Star | exp.Literal):
        return None
    whole, inner = span(statement, node), span(statement, select.expressions[0])
    opening = token_before(statement, inner[0], TokenType.SELECT) if inner else None
    if whole is None or inner is None or opening is None:
        return None
    text, tokens = statement.source.text, statement.source.tokens
    start, closing = tokens[opening].start, token_after(statement, inner[1], TokenType.R_PAREN)
    if closing is None:
        return None
    body = f"{text[start : inner[0]]}1{text[inner[1] : tokens[closing].start]}"
    word = "exists" if _asks_for_some(node) else "not exists"
    return spliced(statement, [Edit(*whole, f"{word} ({body})")])


def _asks_for_some(node: exp.Expr) -> bool:
    return isinstance(node, exp.GT | exp.GTE | exp.NEQ)


def not_exists(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """`x not in (select y from b)` as `not exists (select 1 from b where b.y = x)`.

    They differ when a NULL is in play, which the proof shows; what is meant is nearly always the second.
    """
    in_ = bare(hit.node.this)
    query = in_.args.get("query")
    select = query.this if isinstance(query, exp.Subquery) else None
    if not isinstance(select, exp.Select) or not isinstance(in_.this, exp.Column) or len(select.expressions) != 1:
        return None
    if any(select.args.get(part) for part in ("group", "having", "limit", "offset", "distinct", "joins", "order")):
        return None
    return _without_not_in(statement, hit.node, in_.this, select)


def _without_not_in(statement: Statement, node: exp.Expr, outer: exp.Column, select: exp.Select) -> str | None:
    value = select.expressions[0].unalias()
    from_ = select.args.get("from_")
    table = from_.this if from_ is not None else None
    if not isinstance(value, exp.Column) or not isinstance(table, exp.Table):
        return None
    around = outer.parent_select
    sources = around.args["from_"].this if around is not None and around.args.get("from_") else None
    outer_name, inner_name = written(statement, outer), written(statement, value)
    selected, whole = span(statement, select.expressions[0]), span(statement, node)
    if None in (outer_name, inner_name, selected, whole) or sources is None or selected is None or whole is None:
        return None
    qualified = outer_name if outer.table else f"{sources.alias_or_name}.{outer_name}"
    inner_name = inner_name if value.table else f"{table.alias_or_name}.{inner_name}"
    unclear = not outer.table and (around is None or around.args.get("joins"))
    if unclear or sources.alias_or_name == table.alias_or_name:
        return None
    tokens, text = statement.source.tokens, statement.source.text
    closing = token_after(statement, selected[1], TokenType.R_PAREN)
    where = token_after(statement, selected[1], TokenType.WHERE)
    if closing is None:
        return None
    rest = text[selected[1] : tokens[closing].start].rstrip()
    if where is not None:
        split = tokens[where].end + 1
        asked = text[split : tokens[closing].start].strip()
        rest = f"{text[selected[1] : split]} {inner_name} = {qualified} and ({asked})"
    else:
        rest = f"{rest} where {inner_name} = {qualified}"
    return spliced(statement, [Edit(*whole, f"not exists (select 1{rest})")])


def where_instead_of_having(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """A condition on groups that needs no aggregate, asked of the rows before they are grouped."""
    select = hit.node if isinstance(hit.node, exp.Select) else hit.node.parent_select
    having = select.args.get("having") if select is not None else None
    if select is None or having is None or having.this.find(exp.AggFunc, exp.Window) or not select.args.get("group"):
        return None
    if adds_totals(select.args["group"]):
        return None
    condition = statement.source.span(having.this)
    place = token_before(statement, condition[0], TokenType.HAVING) if condition else None
    group = token_before(statement, condition[0], TokenType.GROUP_BY) if condition else None
    if condition is None or place is None or group is None:
        return None
    tokens, text = statement.source.tokens, statement.source.text
    following = token_after(statement, condition[1], *_TAIL)
    end = tokens[following].start if following is not None else statement.end
    asked = text[tokens[place].end + 1 : end].strip()
    at = tokens[group].start
    if (where := select.args.get("where")) is None:
        before = f"where {asked}\n" if "\n" in text[condition[1] : end] + text[:at][-1:] else f"where {asked} "
        edits = [Edit(at, at, before)]
    else:
        inside = token_before(statement, at, TokenType.WHERE)
        if inside is None or where is None:
            return None
        start, stop = tokens[inside].end + 1, tokens[group - 1].end + 1
        edits = [Edit(start, stop, f" ({text[start:stop].strip()}) and ({asked})")]
    return spliced(
        statement, [*edits, Edit(tokens[place - 1].end + 1, tokens[place].start, ""), _cut(place, end, statement)]
    )


def _cut(place: int, end: int, statement: Statement) -> Edit:
    """Without HAVING, up to what follows it."""
    return Edit(statement.source.tokens[place].start, end, "" if end == statement.end else " ")


def joined(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """A scalar subquery that is asked for each row, as a LEFT JOIN with its groups."""
    subquery = hit.node if isinstance(hit.node, exp.Subquery) else hit.node.find_ancestor(exp.Subquery)
    inner = subquery.this if subquery is not None else None
    outer = subquery.parent_select if subquery is not None else None
    if subquery is None or not isinstance(inner, exp.Select) or outer is None or not _is_joinable(inner, outer):
        return None
    if gives_empty(inner.expressions[0].unalias(), statement.engine.dialect):
        return None  # a LEFT JOIN gives NULL where the subquery gives an empty value
    aliases = {one.this.alias_or_name.lower() for one in (inner.args["from_"], *(inner.args.get("joins") or ()))}
    keys: list[tuple[exp.Column, exp.Column]] = []
    rest: list[exp.Expr] = []
    for condition in conjuncts(inner.args["where"].this):
        pair = _key(condition, aliases)
        if pair is None:
            rest.append(condition)
        else:
            keys.append(pair)
    if not keys or any(not _is_own(one, aliases) for one in rest):
        return None
    return _with_join(statement, subquery, inner, outer, keys, rest)


def _is_joinable(inner: exp.Select, outer: exp.Select) -> bool:
    parts = ("group", "having", "limit", "order", "distinct", "with_", "laterals")
    plain = inner.args.get("where") and inner.args.get("from_") and not any(inner.args.get(part) for part in parts)
    single = len(inner.expressions) == 1 and isinstance(inner.expressions[0].unalias(), exp.AggFunc)
    aggregated = outer.args.get("group") or any(
        node.parent_select is outer for one in outer.expressions for node in one.find_all(exp.AggFunc)
    )
    return bool(plain and single and outer.args.get("from_") and not aggregated)


def _key(condition: exp.Expr, aliases: set[str]) -> tuple[exp.Column, exp.Column] | None:
    """The inner and the outer column of an equality between the two queries."""
    if not isinstance(condition, exp.EQ):
        return None
    one, other = bare(condition.this), bare(condition.expression)
    if not isinstance(one, exp.Column) or not isinstance(other, exp.Column) or not one.table or not other.table:
        return None
    if one.table.lower() not in aliases:
        one, other = other, one
    return (one, other) if one.table.lower() in aliases and other.table.lower() not in aliases else None


def _is_own(condition: exp.Expr, aliases: set[str]) -> bool:
    return all(column.table.lower() in aliases for column in condition.find_all(exp.Column))


def _with_join(
    statement: Statement,
    subquery: exp.Expr,
    inner: exp.Select,
    outer: exp.Select,
    keys: list[tuple[exp.Column, exp.Column]],
    rest: list[exp.Expr],
) -> str | None:
    place, value = span(statement, subquery), written(statement, inner.expressions[0].unalias())
    first = statement.source.span(outer.args["from_"].this)
    tail = token_after(statement, first[1], *_TAIL) if first else None
    from_text = _from_text(statement, inner)
    conditions = [written(statement, one) for one in rest]
    if place is None or value is None or first is None or from_text is None or None in conditions:
        return None
    taken = {name.name.lower() for name in statement.tree.find_all(exp.Identifier)}
    name = next(f"by_{keys[0][0].name}{n or ''}" for n in range(99) if f"by_{keys[0][0].name}{n or ''}" not in taken)
    grouped = ", ".join(key.sql(dialect=statement.engine.dialect) for key, _ in keys)
    named = ", ".join(f"{key.sql(dialect=statement.engine.dialect)} as key_{n}" for n, (key, _) in enumerate(keys))
    on = " and ".join(f"{name}.key_{n} = {written(statement, out)}" for n, (_, out) in enumerate(keys))
    where = f" where {' and '.join(str(one) for one in conditions)}" if conditions else ""
    join = f"left join (select {named}, {value} as value_ {from_text}{where} group by {grouped}) {name} on {on}"
    tokens = statement.source.tokens
    at = tokens[tail - 1].end + 1 if tail is not None else tokens[-1].end + 1
    at = min(at, statement.end)
    taken_value = f"{name}.value_"
    if isinstance(inner.expressions[0].unalias(), exp.Count):
        taken_value = f"coalesce({taken_value}, 0)"
    return spliced(statement, [Edit(*place, taken_value), Edit(at, at, f" {join}")])


def _from_text(statement: Statement, inner: exp.Select) -> str | None:
    """FROM with its joins, as written."""
    found = statement.source.span(inner.args["from_"].this)
    start = token_before(statement, found[0], TokenType.FROM) if found else None
    end = token_after(statement, found[1], TokenType.WHERE) if found else None
    if start is None or end is None:
        return None
    tokens = statement.source.tokens
    return statement.source.text[tokens[start].start : tokens[end - 1].end + 1]


def union_of_joins(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """A join by one condition or another, as two joins of which the second leaves out what the first has."""
    join = hit.node if isinstance(hit.node, exp.Join) else hit.node.find_ancestor(exp.Join)
    select = statement.tree
    on = bare(join.args["on"]) if join is not None and join.args.get("on") else None
    if not isinstance(select, exp.Select) or join is None or not isinstance(on, exp.Or) or join.side:
        return None
    parts = ("group", "having", "limit", "order", "distinct", "with_", "qualify", "windows", "offset")
    if any(select.args.get(part) for part in parts) or select.find(exp.AggFunc, exp.Window):
        return None
    if join.parent is not select:
        return None
    one, other, whole = written(statement, on.this), written(statement, on.expression), span(statement, on)
    if one is None or other is None or whole is None:
        return None
    first = spliced(statement, [Edit(*whole, one)])
    second = spliced(statement, [Edit(*whole, f"({other}) and not coalesce({one}, false)")])
    return f"{first}\nunion all\n{second}"


def keyset(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """Paging that goes on after the last row seen, whose value is a parameter."""
    select = hit.node if isinstance(hit.node, exp.Select) else hit.node.parent_select
    order = select.args.get("order") if select is not None else None
    if select is None or order is None or len(order.expressions) != 1 or select.args.get("group"):
        return None
    key, offset = order.expressions[0], select.args.get("offset")
    name = written(statement, key.this)
    found = statement.source.span(key.this)
    number = span(statement, offset.expression) if offset is not None else None
    start = token_before(statement, number[0], TokenType.OFFSET) if number else None
    place = token_before(statement, found[0], TokenType.ORDER_BY) if found else None
    if name is None or place is None or start is None or number is None:
        return None
    condition = f"{name} {'<' if key.args.get('desc') else '>'} :last_{key.this.name or 'value'}"
    tokens = statement.source.tokens
    at = tokens[place].start
    word = "and" if select.args.get("where") else "where"
    edits = [Edit(at, at, f"{word} {condition} "), Edit(tokens[start - 1].end + 1, number[1], "")]
    return spliced(statement, edits)


def same_type(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """An expression without a cast to the type that it has."""
    cast = hit.node if isinstance(hit.node, exp.Cast) else hit.node.find(exp.Cast)
    inner = written(statement, cast.this) if cast is not None else None
    return replaced(statement, cast, inner) if cast is not None and inner else None
