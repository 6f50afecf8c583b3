"""A Python file as the rules see it: its calls with what surrounds them, and what runs when it is imported."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from dataeng_assets.analyze.finding import Place
from dataeng_assets.analyze.guide import Guide

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Module:
    """One file.

    Attributes:
        file: its name, as findings tell it.
    """

    file: str
    tree: ast.Module

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def calls(self) -> list[ast.Call]:
        """All calls, in the order of the text."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return sorted(found, key=lambda call: (call.lineno, call.col_offset))

    @cached_property
    def imported(self) -> frozenset[str]:
        """The first names of the packages that it imports."""
        names: list[str] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
        return frozenset(name.split(".")[0] for name in names)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What surrounds a node, from the inside out."""
        while (node := self.parents.get(node)) is not None:  # type: ignore[assignment]  # the module has none
            yield node

    def runs_at_import(self, node: ast.AST) -> bool:
        """Whether a node runs whenever the file is read; the body of a `@dag` function does."""
        inside = [one for one in self.around(node) if isinstance(one, _FUNCTIONS)]
        return all(isinstance(one, ast.FunctionDef) and is_decorated(one, "dag") for one in inside) and not any(
            isinstance(one, ast.If) and "__name__" in ast.dump(one.test) for one in self.around(node)
        )

    def place(self, node: ast.expr | ast.stmt) -> Place:
        """Where a node stands; of a long one its first line."""
        end_line, end = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset + 1
        if end_line > node.lineno:
            end_line, end = node.lineno, node.col_offset + 1
        return Place(self.file, node.lineno, node.col_offset + 1, end_line, end + 1)


@dataclass(frozen=True)
class CodeRule:
    """What is looked for in a file, and what is told about it.

    Attributes:
        find: gives nodes with a sentence each.
    """

    guide: Guide
    find: Callable[[Module], Iterator[tuple[ast.expr | ast.stmt, str]]]


def name_of(node: ast.AST) -> str:
    """The last name of what is called or named: `d` of `a.b(c).d`."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.AST) -> str:
    """`a.b.c` as text; calls on the way are left out."""
    if isinstance(node, ast.Call):
        return dotted(node.func)
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def chain(call: ast.Call) -> list[str]:
    """The names on the way to a method: `[read, parquet, limit]` for `spark.read.parquet(p).limit(3)`."""
    names = []
    node: ast.AST = call
    while isinstance(node, ast.Call | ast.Attribute):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        else:
            node = node.func
    return names[::-1]


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of an argument that is named."""
    return next((one.value for one in call.keywords if one.arg == name), None)


def is_value(node: ast.expr | None, *values: object) -> bool:
    """Whether a node is one of these constants."""
    return isinstance(node, ast.Constant) and any(
        node.value == value and type(node.value) is type(value) for value in values
    )


def is_decorated(function: ast.AST, *names: str) -> bool:
    """Whether a function is decorated by one of these names."""
    decorators = getattr(function, "decorator_list", [])
    return any(name_of(one) in names or dotted(one).split(".")[0] in names for one in decorators)
