"""What `dataeng` says of itself: help, examples, version, completion."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from dataeng_assets.cli import app


def commands(group: Any, path: tuple[str, ...] = ("dataeng",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))
each_command = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def examples(path: tuple[str, ...]) -> list[str]:
    said = COMMANDS[path].help.partition("Examples:")[2]
    return [line.strip() for line in said.splitlines() if line.strip()]


@each_command
def test_every_command_has_an_example_that_it_would_take(path: tuple[str, ...]) -> None:
    assert examples(path)
    for example in examples(path):
        words = shlex.split(example.partition(" > ")[0], comments=True)
        assert tuple(words[: len(path)]) == path
        COMMANDS[path].make_context(path[-1], words[len(path) :])


@each_command
def test_every_argument_and_option_says_what_it_is(path: tuple[str, ...]) -> None:
    unexplained = [parameter.name for parameter in COMMANDS[path].params if not parameter.help]
    assert unexplained == []


@each_command
def test_the_help_of_every_command_is_shown(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*path[1:], "--help"])
    assert shown.exit_code == 0
    assert "Examples:" in shown.output


def test_the_version_is_the_one_that_is_installed() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert shown.output == f"dataeng {version('dataeng-assets')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str) -> None:
    shown = CliRunner().invoke(app, prog_name="dataeng", env={"_DATAENG_COMPLETE": f"source_{shell}"})
    assert shown.exit_code == 0
    assert "_DATAENG_COMPLETE" in shown.output
    assert "dataeng" in shown.output


def test_completion_knows_the_commands() -> None:
    asked = {"_DATAENG_COMPLETE": "complete_bash", "COMP_WORDS": "dataeng s", "COMP_CWORD": "1"}
    shown = CliRunner().invoke(app, prog_name="dataeng", env=asked)
    assert {"status", "sql"} <= set(shown.output.split())


def test_the_command_line_loads_no_engine_before_it_knows_the_command() -> None:
    heavy = {"dagster", "deltalake", "duckdb", "polars", "pyarrow", "sqlglot"}
    script = f"import sys, dataeng_assets.cli; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
