"""Each SELECT, UPDATE and DELETE of a statement with what it reads: base tables, CTEs and subqueries.

Nothing is resolved that the text does not say: which table an unqualified column belongs to is known only where one
table is read, or where facts name it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from sqlglot import exp


@dataclass(frozen=True)
class Input:
    """What stands in FROM or JOIN.

    Attributes:
        alias: the name by which its columns are qualified, lower-case.
        table: the dotted name of a base table, lower-case; empty for a subquery, CTE or table function.
        query: of a subquery, or of a CTE that is in reach.
        join: the join that brings it in; None for the first one.
    """

    alias: str
    node: exp.Expr
    table: str = ""
    query: exp.Expr | None = None
    join: exp.Join | None = None


@dataclass(frozen=True)
class Scope:
    """What reads or changes rows where a condition holds: one SELECT, UPDATE or DELETE, and its inputs.

    Attributes:
        outer: the inputs of the queries around it, which a correlated column may name.
    """

    node: exp.Expr
    inputs: tuple[Input, ...]
    outer: tuple[Input, ...] = ()

    def input_of(self, column: exp.Column) -> Input | None:
        """The input that a column belongs to; None where the text does not say."""
        name = column.table.lower()
        if name:
            return next((one for one in self.inputs if one.alias == name), None)
        return self.inputs[0] if len(self.inputs) == 1 else None

    def is_correlated(self, column: exp.Column) -> bool:
        """Whether a column is qualified by an input of a query around this one."""
        name = column.table.lower()
        if not name or any(one.alias == name for one in self.inputs):
            return False
        return any(one.alias == name for one in self.outer)

    def own(self, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
        """The nodes of these types in it, without those in queries inside it."""
        yield from (node for node in self._nodes if isinstance(node, kinds))

    @cached_property
    def filter_nodes(self) -> list[exp.Expr]:
        """The nodes of WHERE, without those in queries inside it."""
        where = self.node.args.get("where")
        return list(own_nodes(where.this)) if where else []

    @cached_property
    def _nodes(self) -> list[exp.Expr]:
        return list(own_nodes(self.node))


class Query(Scope):
    """One SELECT and its inputs."""

    @property
    def select(self) -> exp.Select:
        """Its node."""
        return cast("exp.Select", self.node)


def queries_of(tree: exp.Expr) -> list[Query]:
    """Every SELECT of a statement, outermost first."""
    made: dict[int, Query] = {}
    found = []
    for select in tree.find_all(exp.Select, bfs=True):
        query = Query(select, tuple(_inputs(select)), tuple(_outer(select, made)))
        made[id(select)] = query
        found.append(query)
    return found


def changes_of(tree: exp.Expr) -> list[Scope]:
    """Every UPDATE and DELETE of a statement; the table that is changed is the first input."""
    return [Scope(change, tuple(_changed(change))) for change in tree.find_all(exp.Update, exp.Delete)]


def own_nodes(root: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes below one, without going into queries inside it."""
    waiting: list[exp.Expr] = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [
            child for child in node.iter_expressions(reverse=True) if not isinstance(child, (exp.Query, exp.With))
        ]


def _outer(select: exp.Select, made: dict[int, Query]) -> Iterator[Input]:
    parent = select.parent_select
    while parent is not None:
        if (around := made.get(id(parent))) is not None:
            yield from around.inputs
            yield from around.outer
            return
        parent = parent.parent_select


def _inputs(select: exp.Select) -> Iterator[Input]:
    start = select.args.get("from_")
    if start is not None and start.this is not None:
        yield _input(start.this, None)
        yield from (_input(join.this, join) for join in start.this.args.get("joins") or ())
    for join in select.args.get("joins") or ():
        yield _input(join.this, join)
    for lateral in select.args.get("laterals") or ():
        yield Input(lateral.alias_or_name.lower(), lateral)


def _changed(change: exp.Expr) -> Iterator[Input]:
    changed = [change.this] if change.this else change.args.get("tables") or []  # BigQuery's DELETE without FROM
    start = change.args.get("from_")
    for table in (*changed, *([start.this] if start else []), *(change.args.get("using") or ())):
        yield _input(table, None)
        yield from (_input(join.this, join) for join in table.args.get("joins") or ())


def _input(node: exp.Expr, join: exp.Join | None) -> Input:
    alias = node.alias_or_name.lower()
    if isinstance(node, exp.Table):
        if not isinstance(node.this, exp.Identifier):
            return Input(alias, node, join=join)
        name = ".".join(part.name.lower() for part in node.parts)
        cte = _cte(node, name)
        if cte is not None:
            return Input(alias, node, query=cte, join=join)
        return Input(alias, node, table=name, join=join)
    if isinstance(node, exp.Subquery):
        return Input(alias, node, query=node.this, join=join)
    return Input(alias, node, join=join)


def _cte(node: exp.Table, name: str) -> exp.Expr | None:
    if "." in name:
        return None
    around = node.parent
    while around is not None:
        with_ = around.args.get("with_")
        if with_ is not None:
            for cte in with_.expressions:
                if cte.alias.lower() == name:
                    body: exp.Expr = cte.this
                    return body
        around = around.parent
    return None
