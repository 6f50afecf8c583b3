"""`*` as the columns that it stands for, where all are known. Which columns a statement uses belongs in `used`."""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from dataeng_assets.analyze.proving.used import table_name


def named(statement: exp.Query, known: Mapping[str, Sequence[str]]) -> exp.Query:
    """A copy of a query in which each plain `*` over known tables names their columns.

    Args:
        statement: in DuckDB's dialect.
        known: the columns of tables, in their order, by dotted lower-case name.
    """
    statement = statement.copy()
    inner = {cte.alias.lower() for cte in statement.find_all(exp.CTE)}
    for select in list(statement.find_all(exp.Select)):
        columns = _columns(select, {name: those for name, those in known.items() if name not in inner})
        if columns:
            kept = [columns if _is_plain(one) else [one] for one in select.expressions]
            select.set("expressions", [column.copy() for those in kept for column in those])
    return statement


def _is_plain(projection: exp.Expr) -> bool:
    return isinstance(projection, exp.Star) and not any(projection.args.values())


def _columns(select: exp.Select, known: Mapping[str, Sequence[str]]) -> list[exp.Expr]:
    """What `*` gives in a SELECT; nothing where a source is not known, or a join leaves columns out."""
    from_, joins = select.args.get("from_"), select.args.get("joins") or []
    if from_ is None or not any(map(_is_plain, select.expressions)):
        return []
    if any(join.args.get("using") or join.args.get("method") or join.kind in {"SEMI", "ANTI"} for join in joins):
        return []
    sources = [from_.this, *(join.this for join in joins)]
    if not all(isinstance(source, exp.Table) and table_name(source) in known for source in sources):
        return []
    return [
        exp.column(name, table=source.alias_or_name, quoted=True)
        for source in sources
        for name in known[table_name(source)]
    ]
