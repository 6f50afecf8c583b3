"""A copy of the project, as somebody has who clones it: its own git and state, the packages of this environment."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dataeng_assets.sample.remove import project_files
from dataeng_assets.settings import ROOT

BIN = Path(sys.executable).parent
VENV = BIN.parent


@dataclass(frozen=True)
class Copy:
    """The copied project.

    Attributes:
        root: its folder.
        settings: variables of its environment.
    """

    root: Path
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str | Path, code: int = 0) -> str:
        """Run a command of the environment in the root; gives what it prints."""
        done = subprocess.run(
            [BIN / command[0] if (BIN / command[0]).exists() else command[0], *command[1:]],
            cwd=self.root, env=self._environment(), capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def python(self, script: str) -> str:
        """Run a script; gives what it prints."""
        return self.run("python", "-c", script)

    def git(self, *arguments: str) -> str:
        """Run git, as somebody."""
        return self.run("git", "-c", "user.name=me", "-c", "user.email=me@example.com", *arguments)

    def make(self, target: str) -> Iterator[str]:
        """Run a target of the Makefile, command by command; its environment is this one, and is not made anew."""
        ready = str(VENV / ".ready")
        recipe = self.run("make", "--dry-run", "--no-print-directory", "-o", ready, f"VENV={VENV}", target)
        for command in recipe.splitlines():
            assert command.startswith(str(BIN)), command
            yield self.run("bash", "-c", command)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _environment(self) -> dict[str, str]:
        # nor those of a make that runs these tests, of which the one in the copy would warn
        others = ("DATAENG_", "DAGSTER_", "MAKE", "MFLAGS")
        ours = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        return {**ours, "PYTHONPATH": str(self.root), **self.settings}


def copy_project(root: Path) -> Copy:
    """Copy what git would, and commit it."""
    for path in project_files(ROOT):
        target = root / path.relative_to(ROOT)
        if path.name not in (".env", ".git"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    copy = Copy(root)
    copy.git("init", "--quiet")
    copy.git("add", "--all")
    copy.git("commit", "--quiet", "--message", "Clone")
    return copy
