"""Templates of dbt as the SQL that their project compiles them to, with the way back to their lines.

Which files are read belongs in `reading`.
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from dataeng_assets.analyze.finding import Place

_MARK = re.compile(r"\{\{[-\s]*[a-zA-Z_][\w.]*\s*(-?\}\}|[(|\[])|\{%|\{#")
"""Not the arrays of Postgres, which are written {{1,2},{3,4}}."""
_TIMEOUT_SECONDS = 300


class TemplateUnreadable(Exception):
    """dbt does not compile a project; the message has what it says."""


@dataclass(frozen=True)
class Rendered:
    """A template and what it renders to."""

    template: str
    text: str

    @cached_property
    def _lines(self) -> dict[int, int]:
        """The line of the template for each line of the text that stands in both; both from 1."""
        matcher = difflib.SequenceMatcher(None, self.template.splitlines(), self.text.splitlines(), autojunk=False)
        return {
            block.b + offset + 1: block.a + offset + 1
            for block in matcher.get_matching_blocks()
            for offset in range(block.size)
        }

    def place(self, place: Place) -> Place:
        """The place in the template: the same span where its lines are unchanged, else the lines around it."""
        first, last = self._lines.get(place.line), self._lines.get(place.end_line)
        if first is not None and last is not None and last - first == place.end_line - place.line:
            return replace(place, line=first, end_line=last)
        before = max((mine for theirs, mine in self._lines.items() if theirs <= place.line), default=1)
        lines = self.template.splitlines() or [""]
        line = min(before + 1 if first is None else first, len(lines))
        return Place(place.file, line, 1, line, max(len(lines[line - 1]), 1) + 1)


def is_template(text: str) -> bool:
    """Whether a text has Jinja in it."""
    return _MARK.search(text) is not None


def project_of(path: Path) -> Path | None:
    """The dbt project that a file lies in."""
    return next((folder for folder in path.resolve().parents if (folder / "dbt_project.yml").exists()), None)


def rendered(project: Path, files: Sequence[Path]) -> dict[Path, Rendered]:
    """Some models of a dbt project as dbt compiles them, by their files.

    dbt compiles into a folder that is removed afterwards; nothing is built.

    Raises:
        TemplateUnreadable: dbt is missing, or refuses the project.
    """
    with tempfile.TemporaryDirectory(prefix="dataeng-analyze-") as folder:
        _compile(project, files, Path(folder))
        return {path: Rendered(path.read_text(), text) for path, text in _compiled(project, Path(folder))}


def _compile(project: Path, files: Sequence[Path], folder: Path) -> None:
    program = Path(sys.executable).with_name("dbt")
    profiles = project if (project / "profiles.yml").exists() else None
    command = [str(program), "compile", "--project-dir", str(project), "--target-path", str(folder / "target")]
    command += ["--log-path", str(folder), "--quiet", "--no-use-colors"]
    command += ["--profiles-dir", str(profiles)] if profiles else []
    command += ["--select", *(f"path:{file.resolve().relative_to(project).as_posix()}" for file in files)]
    # dbt finds Python modules of the project that it was started from
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TemplateUnreadable(f"dbt cannot compile the project {project}: {error}") from None
    if done.returncode:
        said = " ".join(re.sub(r"\d\d:\d\d:\d\d", "", done.stdout or done.stderr).split())[:400]
        raise TemplateUnreadable(f"dbt does not compile the project {project}: {said}")


def _compiled(project: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """The files of the project and what each was compiled to."""
    for made in (folder / "target" / "compiled").glob("*/**/*.sql"):
        original = project.joinpath(*made.relative_to(folder / "target" / "compiled").parts[1:])
        if original.is_file():
            yield original.resolve(), made.read_text()
