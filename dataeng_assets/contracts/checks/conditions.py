"""Reading SQL that stands in a document: whether it is one condition or one query, and which columns it names.

Nothing is run here. What a condition means for rows belongs in `predicates`.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb


class SqlRefused(ValueError):
    """A text that is no condition, or no query; the message says why."""


@cache
def columns_in(condition: str) -> frozenset[str]:
    """The columns that a condition over one row names.

    Raises:
        SqlRefused: it is no condition of DuckDB's SQL, or one that reads more than the row.
    """
    if not condition.strip():
        raise SqlRefused("it is empty")
    (node,) = _nodes(f"select ({condition}\n)")
    expressions = node.get("select_list") or [{}]
    beyond = [
        name
        for name in ("where_clause", "having", "qualify", "sample", "group_expressions", "modifiers")
        if node.get(name)
    ]
    if node["type"] != "SELECT_NODE" or len(expressions) != 1 or expressions[0].get("alias") or beyond:
        raise SqlRefused("it is more than one condition")
    if (node.get("from_table") or {}).get("type", "EMPTY") != "EMPTY":
        raise SqlRefused("it is more than one condition")
    return _columns(expressions[0])


def refuse_no_query(sql: str) -> None:
    """Raise when a text is not one query that only reads.

    Raises:
        SqlRefused: says why.
    """
    if len(_nodes(sql)) != 1:
        raise SqlRefused("it is more than one query")


def refuse_changing(condition: str) -> None:
    """Raise when a condition may be true of a row at one time and not at another.

    Raises:
        SqlRefused: names the function that tells the time or chance, or is not known.
    """
    for part in _parts(_nodes(f"select ({condition}\n)")):
        name = part.get("function_name") if part.get("class") == "FUNCTION" else None
        if name is not None and name not in _steady_functions():
            raise SqlRefused(f"{name} is not a function whose result hangs on its arguments alone")


@cache
def _steady_functions() -> frozenset[str]:
    """Functions that give the same for the same arguments, always."""
    with _parser().cursor() as parser:
        rows = parser.execute(
            "select function_name from duckdb_functions() group by 1 "
            "having bool_and(coalesce(stability, 'CONSISTENT') = 'CONSISTENT' "
            # the age of a single time is its distance from today
            "and function_type in ('scalar', 'macro')) and function_name <> 'age'"
        ).fetchall()
    return frozenset(str(row[0]) for row in rows)


def _columns(expression: dict[str, Any]) -> frozenset[str]:
    found, parameters = set[str](), set[str]()
    for part in _parts(expression):
        kind = part.get("class")
        if kind == "SUBQUERY":
            raise SqlRefused("it reads more than the row; say that as a query")
        if kind == "WINDOW":
            raise SqlRefused("it looks at other rows; say that as a query")
        if kind == "PARAMETER":
            raise SqlRefused("it has a parameter, for which there is no value")
        if kind == "LAMBDA":
            parameters |= {one["column_names"][0] for one in _parts(part["lhs"]) if one.get("class") == "COLUMN_REF"}
        if kind == "COLUMN_REF":
            found.add(part["column_names"][0])
    return frozenset(found - parameters)


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _parts(value)


def _nodes(sql: str) -> list[dict[str, Any]]:
    with _parser().cursor() as parser:
        try:
            row = parser.execute("select json_serialize_sql(?)", [sql]).fetchone()
        except (duckdb.Error, UnicodeError) as broken:
            raise SqlRefused(str(broken).splitlines()[0]) from None
    said = json.loads(row[0]) if row else {}
    if said.get("error"):
        raise SqlRefused(str(said.get("error_message")))
    return [statement["node"] for statement in said["statements"]]


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A database without tables, kept because opening one takes longer than parsing."""
    return duckdb.connect()
