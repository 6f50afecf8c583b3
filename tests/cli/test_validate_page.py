"""The page on validating: its commands run as they are written, and end as they are said to."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataeng_assets.cli import app
from dataeng_assets.settings import ROOT

PAGE = (ROOT / "docs" / "how-to" / "validate.md").read_text()
BLOCKS = re.findall(r"^```shell\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ENDS = re.compile(r"# ends with (\d)$")


def test_every_command_of_the_page_ends_as_it_is_said_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = 0
    for block in BLOCKS:
        if not re.search(r"^dataeng ", block, re.MULTILINE):
            subprocess.run(["bash", "-ec", block], check=True)
        elif "code=" not in block:
            for line in block.strip().splitlines():
                said = ENDS.search(line)
                shown = CliRunner().invoke(app, shlex.split(line, comments=True)[1:])
                assert shown.exit_code == (int(said[1]) if said else 0), (line, shown.output)
                ran += 1
    assert ran == 11
    assert (tmp_path / "reports" / "orders.xml").read_text().startswith("<?xml")
