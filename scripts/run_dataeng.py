"""Becomes `dataeng`, whichever Python was called and in whichever folder: for the classic names beside it."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

PROJECT = Path(__file__).resolve().parents[1]


def run(arguments: Sequence[str]) -> NoReturn:
    """Replace this process by the project's command, else by the one of this Python or of the path."""
    places = (PROJECT / ".venv" / "bin", Path(sys.executable).parent, *os.get_exec_path())
    command = shutil.which("dataeng", path=os.pathsep.join(map(str, places)))
    if command is None:
        sys.exit(f"`dataeng` is not installed. Run `make setup` in {PROJECT} first.")
    os.execv(command, [command, *arguments])  # noqa: S606  # no shell is wanted
