"""DELETE and UPDATE as the query that gives the rows they change, so that two of them can be compared by running."""

from sqlglot import exp

_DECIDES = {"this", "where", "expressions", "cluster"}
"""What such a query can have; with USING, FROM, LIMIT or RETURNING a row may be changed by several others."""


def as_query(statement: exp.Expr) -> exp.Expr:
    """The rows that a DELETE or UPDATE of one table changes, with their new values; any other statement as it is."""
    if not isinstance(statement, exp.Delete | exp.Update) or not isinstance(statement.this, exp.Table):
        return statement
    if statement.this.args.get("joins") or {name for name, value in statement.args.items() if value} - _DECIDES:
        return statement
    new = [one for one in statement.expressions if isinstance(one, exp.EQ) and isinstance(one.this, exp.Column)]
    if len(new) != len(statement.expressions):
        return statement
    query = exp.select("*", *(exp.alias_(one.expression.copy(), f"new_{one.this.name}") for one in new))
    query = query.from_(statement.this.copy())
    where = statement.args.get("where")
    return query.where(where.this.copy()) if where else query
