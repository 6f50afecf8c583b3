"""The commands, as their help has them."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from dataeng_assets.cli import app
from reference_pages.markdown import table

SAMPLE_COMMANDS = {"sample"}
BEGINS, ENDS = "<!-- sample: begins -->", "<!-- sample: ends -->"
"""Around what goes with the sample, for `dataeng sample remove`."""


def commands() -> str:
    """Every command, as its help has it."""
    return f"""
# Commands

`dataeng` stands in `.venv/bin/`. Each command shows what stands here with `--help`; `dataeng --version` says which it
is.

{"".join(_group(typer.main.get_command(app), "dataeng"))}## Completion

`dataeng --install-completion` sets it up for your shell, `dataeng --show-completion` prints the script. Open a new
shell afterwards.
"""


def _group(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        is_group = hasattr(command, "commands")
        text = "".join(_group(command, f"{path} {name}")) if is_group else _command(command, path)
        yield f"{BEGINS}\n\n{text}{ENDS}\n" if name in SAMPLE_COMMANDS else text


def _command(command: Any, path: str) -> str:
    said, _, lines = inspect.cleandoc(command.help).partition("Examples:")
    examples = "\n".join(line.strip() for line in lines.splitlines() if line.strip())
    rows = [(_parameter(one), _what(one)) for one in command.params]
    options = table(("option", "what it is"), rows) + "\n\n" if rows else ""
    return f"## {path} {command.name}\n\n{said.strip()}\n\n```shell\n{examples}\n```\n\n{options}"


def _parameter(parameter: Any) -> str:
    return (
        f"`{', '.join(parameter.opts)}`"
        if parameter.param_type_name == "option"
        else f"`{(parameter.metavar or parameter.name).upper()}`"
    )


def _what(parameter: Any) -> str:
    default = "" if parameter.default in (None, "", False) else f" Default: `{parameter.default}`."
    return f"{parameter.help.rstrip('.')}.{' Required.' if parameter.required else default}"
