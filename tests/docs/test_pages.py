"""The documentation: generated pages equal the code, links lead somewhere, and what is to be typed would be taken."""

import ast
import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from dataeng_assets.cli import app
from dataeng_assets.settings import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
MAKEFILE = (ROOT / "Makefile").read_text()
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\.venv/bin/)?dataeng (.*)$", re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in FENCE.findall(page.read_text()) if found == language]


def accept(line: str) -> None:
    """Go down to the command and let it read its arguments, without doing anything."""
    words = shlex.split(re.split(r" (?:\|\|?|>) ", line)[0], comments=True)
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        command, words = command.commands[words[0]], words[1:]
    if not hasattr(command, "commands"):
        command.make_context(command.name, words)


# as `python docs/generate.py` sets it
sys.path.insert(0, str(ROOT / "docs"))
GENERATED = runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]()


@pytest.mark.parametrize("page", GENERATED, ids=lambda page: page.name)
def test_a_generated_page_equals_what_the_code_says(page: Path) -> None:
    assert page.read_text() == GENERATED[page], "write it anew: make docs"


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@each_page
def test_every_command_on_a_page_would_be_taken(page: Path) -> None:
    for block in blocks(page, "shell"):
        for line in COMMAND.findall(block.replace("\\\n", " ")):
            accept(line)


@each_page
def test_every_target_of_make_on_a_page_is_there(page: Path) -> None:
    text = "\n".join(blocks(page, "shell"))
    named = re.findall(r"^make ([a-z-]+)", text, re.MULTILINE) + re.findall(r"`make ([a-z-]+)", page.read_text())
    assert [target for target in named if f"\n{target}:" not in MAKEFILE] == []


@each_page
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


@each_page
def test_what_is_to_be_copied_parses(page: Path) -> None:
    for block in blocks(page, "python"):
        ast.parse(block)
    for block in blocks(page, "yaml"):
        yaml.safe_load(block)


def test_every_page_can_be_reached_from_the_map() -> None:
    start = ROOT / "docs" / "index.md"
    reached, waiting = set(), [start]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [(page.parent / target).resolve() for target in LINK.findall(page.read_text())]
    assert [page for page in PAGES if page not in reached and page != ROOT / "README.md"] == []
