"""`*` of a query inside another, as those of its columns that the statement goes on with.

For the `*` whose rows are the result there is no rewrite: which of them nobody needs is not in the text, and to write
all of them out saves nothing.
"""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.queries import Query
from dataeng_assets.analyze.rewrites.splice import Edit, span, spliced
from dataeng_assets.analyze.rule import Hit
from dataeng_assets.analyze.statement import Statement


def used_columns(statement: Statement, hit: Hit, facts: Facts) -> str | None:
    """The columns of the one table that are used outside of the query, instead of `*`; None where all of them are."""
    select = hit.node
    query = next((one for one in statement.queries if one.select is select), None)
    if query is None or len(query.inputs) != 1 or not query.inputs[0].table or not _is_named(select):
        return None
    star, known = select.expressions[0], facts.of(query.inputs[0].table)
    if len(select.expressions) > 1 or not isinstance(star, exp.Star) or any(star.args.values()) or known is None:
        return None
    readers = [one for one in statement.queries if any(two.query is select for two in one.inputs)]
    if statement.tree.find(exp.Pivot) or any(_takes_all(reader, select) for reader in readers):
        return None
    used = set(_names_outside(statement, select))
    kept = [name for name in known.columns if name.lower() in used]
    found = span(statement, star)
    if (
        not kept
        or len(kept) == len(known.columns)
        or found is None
        or not all(_is_plain(statement, one) for one in kept)
    ):
        return None
    return spliced(statement, [Edit(*found, ", ".join(kept))])


def _is_named(select: exp.Expr) -> bool:
    """Whether a query is a CTE or stands in FROM or JOIN, with its columns named by itself."""
    parent = select.parent
    if not isinstance(parent, exp.CTE | exp.Subquery):
        return False
    alias = parent.args.get("alias")
    if alias is None or alias.args.get("columns"):
        return False
    return isinstance(parent, exp.CTE) or isinstance(parent.parent, exp.From | exp.Join)


def _takes_all(reader: Query, select: exp.Expr) -> bool:
    """Whether a query that reads the other one takes its columns without naming them: `*`, a whole row, NATURAL."""
    names = {one.alias for one in reader.inputs if one.query is select}
    stars = any(not isinstance(star.parent, exp.Count) for star in reader.own(exp.Star))
    rows = any(isinstance(one, exp.Column) and one.name.lower() in names for one in reader.own(exp.Column))
    return stars or rows or any(one.join is not None and one.join.args.get("method") for one in reader.inputs)


def _names_outside(statement: Statement, select: exp.Expr) -> Iterator[str]:
    inside = {id(node) for node in select.walk()}
    yield from (node.name.lower() for node in statement.all(exp.Column) if id(node) not in inside)
    for join in statement.all(exp.Join):
        yield from (name.name.lower() for name in join.args.get("using") or ())


def _is_plain(statement: Statement, name: str) -> bool:
    """Whether a name needs no quotes, which would make its case matter on some engines."""
    keywords = Dialect.get_or_raise(statement.engine.dialect).tokenizer_class.KEYWORDS
    return bool(exp.SAFE_IDENTIFIER_RE.match(name)) and name.upper() not in keywords
