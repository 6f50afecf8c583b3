"""Which texts are judged: a file, the SQL files of a folder, a dbt project or model, or standard input.

Reading statements out of a text belongs in `statement`, rendering templates in `templates`.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.statement import Unreadable
from dataeng_assets.analyze.templates import Rendered, TemplateUnreadable, is_template, project_of, rendered

_SKIPPED = {"target", "dbt_packages", "node_modules", ".venv", ".git"}
"""Folders that hold what tools made or fetched."""


class SourceUnreadable(Exception):
    """Nothing can be read there; the message says why and what would do."""


@dataclass(frozen=True)
class Source:
    """One text to judge.

    Attributes:
        text: what is judged; of a template, what it renders to.
        path: the file it may be written to; None for standard input.
        template: of which the text was rendered.
        unread: why nothing can be judged.
    """

    name: str
    text: str
    path: Path | None = None
    template: Rendered | None = None
    unread: str = ""

    def placed(self, analysis: Analysis) -> Analysis:
        """The analysis with the lines of the template, where the text was rendered, and with why there is none."""
        if self.unread:
            return replace(analysis, findings=(), unread=(Unreadable(self.name, self.unread),), skipped=())
        if self.template is None:
            return analysis
        found = tuple(replace(one, place=self.template.place(one.place)) for one in analysis.findings)
        return replace(analysis, text=self.template.template, findings=found)

    def check_writable(self) -> None:
        """Refuse what cannot be written back.

        Raises:
            SourceUnreadable: it is standard input or a template.
        """
        if self.path is None:
            raise SourceUnreadable("--fix writes files; standard input is none. Name a file with --query.")
        if self.template is not None:
            raise SourceUnreadable(
                f"{self.path} is a template: a rewrite of what it renders to cannot be written to it."
            )

    def write(self, text: str) -> None:
        """Write the text into its file, with the line ends it has.

        Raises:
            SourceUnreadable: the file cannot be written.
        """
        if self.path is None:
            return
        try:
            self.path.write_bytes(text.encode())
        except OSError as error:
            raise SourceUnreadable(f"{self.path} cannot be written: {error.strerror}.") from None


def sources(source: str) -> list[Source]:
    """What is to be judged, of a file, a folder, a dbt project or model, or `-` for standard input.

    Raises:
        SourceUnreadable: there is no such file, or no SQL in the folder.
    """
    if source == "-":
        return [_decoded(Source("<stdin>", ""), sys.stdin.buffer.read())]
    path = Path(source)
    if not path.exists():
        raise SourceUnreadable(f"There is no file {path}. Name a .sql file or a folder, or - for standard input.")
    files = list(_sql_files(path)) if path.is_dir() else [path]
    if not files:
        raise SourceUnreadable(f"There is no .sql file in {path}.")
    return _rendered([_read(file) for file in files])


def _sql_files(folder: Path) -> Iterator[Path]:
    """The SQL files of a folder; of a dbt project, those of its models only, as macros are no statements."""
    models = folder / "models" if (folder / "dbt_project.yml").exists() else folder
    for path in sorted(models.rglob("*.sql")):
        if path.is_file() and not _SKIPPED & set(path.relative_to(folder).parts):
            yield path


def _read(path: Path) -> Source:
    try:
        return _decoded(Source(str(path), "", path), path.read_bytes())
    except OSError as error:
        return Source(str(path), "", path, unread=f"It cannot be read: {error.strerror}.")


def _decoded(source: Source, content: bytes) -> Source:
    if b"\0" in content:
        return replace(source, unread="This is binary data, not SQL.")
    try:
        return replace(source, text=content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return replace(source, unread=f"It is not UTF-8 text: byte {error.start} cannot be read.")


def _rendered(read: list[Source]) -> list[Source]:
    """The same with templates of dbt rendered by their project, one run of dbt for each project."""
    projects: dict[Path, list[Path]] = {}
    for one in read:
        if one.path is not None and is_template(one.text) and (project := project_of(one.path)) is not None:
            projects.setdefault(project, []).append(one.path)
    made: dict[Path, Rendered] = {}
    why: dict[Path, str] = {}
    for project, files in projects.items():
        try:
            made |= rendered(project, files)
        except TemplateUnreadable as error:
            why[project] = str(error)
    return [_with_template(one, made, why) if is_template(one.text) else one for one in read]


def _with_template(one: Source, made: dict[Path, Rendered], why: dict[Path, str]) -> Source:
    project = project_of(one.path) if one.path is not None else None
    found = made.get(one.path.resolve()) if one.path is not None else None
    if found is not None:
        return replace(one, text=found.text, template=found)
    if project is None:
        marks = ", ".join(sorted(set(re.findall(r"\{[{%]-?\s*(\w+)", one.text)))[:3])
        reason = f"It is a Jinja template ({marks}) outside a dbt project. Give the SQL that it renders to."
    else:
        reason = why.get(project, f"It is a template that the dbt project {project} does not compile to a model.")
    return replace(one, text="", unread=reason)
