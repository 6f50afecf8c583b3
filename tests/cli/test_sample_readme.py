"""The README's examples run as they are written, once `dataeng sample files` was called."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataeng_assets.cli import app
from dataeng_assets.settings import ROOT

README = (ROOT / "README.md").read_text()
WANTED = {"generate": 0, "analyze": 1, "advise": 0, "validate": 0}
"""Commands of the README that need nothing but files, with the exit code: of the query something is to be said."""

COMMANDS = [
    line
    for block in re.findall(r"```shell\n(.*?)```", README, re.DOTALL)
    for line in re.findall(r"^\.venv/bin/dataeng (.*)$", block.replace("\\\n", " "), re.MULTILINE)
    if line.split()[0] in WANTED and "--table " not in line
]


def test_each_of_these_commands_has_an_example() -> None:
    assert {line.split()[0] for line in COMMANDS} == set(WANTED)


@pytest.mark.parametrize("line", COMMANDS)
def test_an_example_of_the_readme_runs_as_it_is_written(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert runner.invoke(app, ["sample", "files"]).exit_code == 0
    shown = runner.invoke(app, shlex.split(line))
    assert shown.exit_code == WANTED[line.split(maxsplit=1)[0]], shown.output
