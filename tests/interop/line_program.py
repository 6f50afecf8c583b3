"""Programs in an environment of their own that answer a line of JSON with a line `RESULT …`. What they do is theirs."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dataeng_assets.settings import ROOT


@dataclass(frozen=True)
class LineProgram:
    """A program that waits for a line."""

    process: subprocess.Popen[str]
    log: Path

    def ask(self, **asked: Any) -> dict[str, Any]:
        """Its answer; when it ends instead, the test fails with what it printed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.startswith("RESULT "):
                return json.loads(line.removeprefix("RESULT ")) | {"printed": "".join(lines[-200:])}
            lines.append(line)
        raise AssertionError("".join(lines[-60:]) + self.log.read_text()[-8000:])


def programs_of(system: str) -> Path:
    """The folder of an environment's programs; where it is missing the test fails and says what to do."""
    folder = ROOT / f".venv-{system}" / "bin"
    if not (folder / "python").exists():
        pytest.fail(f"{folder} is missing. `make test-interop` makes it; by hand: `make .venv-{system}/.ready`.")
    return folder


@contextmanager
def line_program(system: str, name: str, home: Path, environment: Mapping[str, str]) -> Iterator[LineProgram]:
    """The program `NAME.py` of this folder, in the environment of a system, for as long as the block.

    It ends by itself when its input does, so also when pytest is killed.
    """
    folder = programs_of(system)
    path = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(home)}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [folder / "python", Path(__file__).with_name(f"{name}.py")],
            env={**path, **environment},
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield LineProgram(process, home / "log")
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(60)
            finally:
                process.kill()
