"""Judging Python files by the rules of the libraries that they import."""

import ast
from pathlib import Path

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.code import airflow, spark
from dataeng_assets.analyze.code.module import CodeRule, Module
from dataeng_assets.analyze.reading import SourceUnreadable
from dataeng_assets.analyze.statement import Unreadable

RULES: dict[str, tuple[CodeRule, ...]] = {"pyspark": spark.RULES, "airflow": airflow.RULES}
"""Rules by the package whose import calls for them."""


def lint(path: str) -> list[Analysis]:
    """Judge a file, or all Python files of a folder.

    Raises:
        SourceUnreadable: there is no such file, or no Python in the folder.
    """
    where = Path(path)
    if not where.exists():
        raise SourceUnreadable(f"There is no file {where}. Name a Python file, or a folder with some.")
    files = sorted(where.rglob("*.py")) if where.is_dir() else [where]
    if not files:
        raise SourceUnreadable(f"There is no .py file in {where}.")
    return [_read(file) for file in files]


def _read(file: Path) -> Analysis:
    try:
        return lint_text(file.read_text("utf-8-sig"), str(file))
    except OSError as error:
        raise SourceUnreadable(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SourceUnreadable(f"{file} is not UTF-8 text, so it is no Python.") from None


def lint_text(text: str, file: str) -> Analysis:
    """Judge the text of one file; what is not Python is told with its place."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        reason = f"Syntax error: {error.msg}."
        return Analysis(file, text, unread=(Unreadable(file, reason, error.lineno or 1, error.offset or 1),))
    except (ValueError, RecursionError, MemoryError) as error:
        return Analysis(file, text, unread=(Unreadable(file, f"This is no Python: {error}."),))
    module = Module(file, tree)
    rules = [rule for package, rules in RULES.items() if package in module.imported for rule in rules]
    try:
        found = {
            (rule.guide.id, place): rule.guide.finding(place, message)
            for rule in rules
            for node, message in rule.find(module)
            for place in [module.place(node)]
        }
    except RecursionError:
        return Analysis(file, text, unread=(Unreadable(file, "The code is nested too deep to be judged."),))
    return Analysis(file, text, tuple(sorted(found.values(), key=lambda one: (one.place, one.rule))))
