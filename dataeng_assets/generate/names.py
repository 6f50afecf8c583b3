"""The name of a pipeline's file against the names that its own program uses. Whether a name is a plain one belongs in
`request`.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from dataeng_assets.generate.request import RequestRefused


def refuse_name_in_use(main: PurePosixPath, files: Mapping[PurePosixPath, str]) -> None:
    """Refuse a file in Python whose name its programs import, or give to something else.

    Args:
        main: the pipeline file.
        files: the text of every file.

    Raises:
        RequestRefused: a module of that name would be hidden, or a function of the program.
    """
    if main.suffix != ".py":
        return
    name = main.stem
    programs = [ast.parse(text) for path, text in files.items() if path.suffix == ".py"]
    imported = {module for program in programs for module in _imported(program)}
    if name in sys.stdlib_module_names or name in imported:
        used = f"Python imports {name} by that name"
    elif list(_bound(ast.parse(files[main]))).count(name) > 1:
        used = f"{name} is something else in its program"
    else:
        return
    raise RequestRefused(f"--output {main.name} cannot be the pipeline's file: {used}. Try {name}_pipeline.py.")


def _imported(program: ast.Module) -> Iterator[str]:
    """The top packages that a program imports."""
    for node in ast.walk(program):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _bound(program: ast.Module) -> Iterator[str]:
    """Every name that is given to something in a program, as often as it is."""
    for node in ast.walk(program):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
