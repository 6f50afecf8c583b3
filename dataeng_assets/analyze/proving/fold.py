"""Writing what is constant in a statement as the literal it gives, so that data can be made beside it.

`DATE '2024-03-10' - INTERVAL 7 DAY` becomes `'2024-03-03 00:00:00'`. The statement that is run stays as it is.
"""

import duckdb
from sqlglot import exp

_FOLDED = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Func, exp.Neg, exp.Paren)
_KEPT = (exp.Literal, exp.Boolean, exp.Null, exp.DataType, exp.Interval, exp.Var, exp.Identifier)


def folded(statement: exp.Expr, connection: duckdb.DuckDBPyConnection) -> exp.Expr:
    """A copy of the statement, in DuckDB's dialect, without constant expressions."""
    return statement.copy().transform(lambda node: _fold(node, connection))


def _fold(node: exp.Expr, connection: duckdb.DuckDBPyConnection) -> exp.Expr:
    if not isinstance(node, _FOLDED) or not all(
        isinstance(part, _FOLDED + _KEPT) and not isinstance(part, exp.AggFunc | exp.Anonymous) for part in node.walk()
    ):
        return node
    try:
        row = connection.execute(f"SELECT ({node.sql(dialect='duckdb')})").fetchone()
    except duckdb.Error:
        return node
    if row is None or row[0] is None or isinstance(row[0], bool):
        return node
    is_number = isinstance(row[0], int | float) or hasattr(row[0], "as_tuple")
    return exp.Literal(this=str(row[0]), is_string=not is_number)
