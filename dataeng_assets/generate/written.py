"""Generated files against a folder: what is new, what is the same, what changed, and what a person has edited.

A record of hashes in the folder tells what was written by us. A file that differs from its record was edited.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from hashlib import sha256
from pathlib import Path, PurePosixPath
from shutil import copymode

from dataeng_assets.generate.names import refuse_name_in_use
from dataeng_assets.generate.pipeline import Generated
from dataeng_assets.generate.request import RequestRefused

RECORD = ".dataeng-generated.json"

_FOUND_BY_NAME = frozenset((".yaml", ".yml"))
"""Endings of pipeline files that their system looks for by name: dbt_project.yml, defs.yaml."""


class State(StrEnum):
    """What is to become of a file."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    KEPT = "edited, nothing new for it"
    EDITED = "edited, and something new for it"


@dataclass(frozen=True)
class File:
    """A file and what stands in its place.

    Attributes:
        text: what was generated.
        found: what is there; None when nothing is.
    """

    path: Path
    state: State
    text: str
    found: str | None

    def diff(self) -> str:
        """From what is there to what was generated, as a unified diff; empty when nothing would change."""
        before = (self.found or "").splitlines(keepends=True)
        after = self.text.splitlines(keepends=True)
        return "".join(unified_diff(before, after, f"a/{self.path.name}", f"b/{self.path.name}"))


def placed(generated: Generated, output: Path) -> tuple[Path, Generated]:
    """The folder that an output means, and the files as they lie in it.

    A file named as output receives the pipeline; what lies beside the pipeline lies beside it. Where the file's folders
    are called as the pipeline's own, the rest keeps its place above them.

    Raises:
        RequestRefused: the system would not take the pipeline's file under that name, or the program needs the name.
    """
    if not is_file(output):
        return output, generated
    like = generated.main.name if generated.main.suffix in _FOUND_BY_NAME else f"NAME{generated.main.suffix}"
    if not PurePosixPath(output.name).match(like.replace("NAME", "*")):
        raise RequestRefused(
            f"--output {output} is taken for the pipeline's file, and that is called {like}. Name such a file, or a "
            "folder; a folder with a dot in its name must be there already."
        )
    inside = generated.main.parent
    depth = len(inside.parts)
    parents = output.resolve().parent.parts
    if depth and parents[-depth:] == inside.parts:
        folder, moved = output.resolve().parents[depth], {path: path for path in generated.files}
        main = inside / output.name
    else:
        folder, main = output.parent, PurePosixPath(output.name)
        moved = {path: path.relative_to(inside) if path.is_relative_to(inside) else path for path in generated.files}
    moved[generated.main] = main
    moved_files = {moved[path]: text for path, text in generated.files.items()}
    refuse_name_in_use(main, moved_files)
    return folder, Generated(main, moved_files)


def is_file(output: Path) -> bool:
    """Whether an output names a file: it is one, or has an ending and is no folder."""
    return output.is_file() or (bool(output.suffix) and not output.is_dir())


def compared(generated: Generated, folder: Path, pipeline: str) -> list[File]:
    """Each generated file with what stands in its place.

    Raises:
        RequestRefused: what is there cannot be read.
    """
    try:
        ours = _record(folder).get(pipeline, {})
        return [_compared(path, text, folder, ours.get(str(path))) for path, text in sorted(generated.files.items())]
    except OSError as error:
        raise RequestRefused(
            f"{error.filename or folder} cannot be read: {error.strerror}. Nothing was written. Move it away, or name "
            "another folder with --output."
        ) from None


def left_over(generated: Generated, folder: Path, pipeline: str) -> list[Path]:
    """Files that an earlier call wrote for the pipeline and that are no longer generated; they stay."""
    names = {str(path) for path in generated.files}
    return [
        folder / name for name in _record(folder).get(pipeline, {}) if name not in names and (folder / name).exists()
    ]


def write(files: Collection[File], folder: Path, pipeline: str, *, overwrite: Collection[Path] = ()) -> Iterator[File]:
    """Write what is new or changed, and of what was edited those that may be overwritten; gives what was written.

    Raises:
        RequestRefused: the folder cannot be written to.
    """
    try:
        yield from _written(files, folder, pipeline, overwrite)
    except OSError as error:
        raise RequestRefused(
            f"{error.filename or folder} cannot be written: {error.strerror}. What was written before it stays; the "
            "same command goes on from there. Name a folder that may be written to with --output."
        ) from None


def _written(files: Collection[File], folder: Path, pipeline: str, overwrite: Collection[Path]) -> Iterator[File]:
    """The record follows each file: whatever ends the call, the next one knows what is ours."""
    record = _record(folder)
    ours = dict(record.get(pipeline, {}))
    for file in files:
        is_wanted = file.state in (State.NEW, State.CHANGED) or (file.state is State.EDITED and file.path in overwrite)
        if is_wanted:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(file.path, file.text)
        elif file.state is not State.SAME:
            continue
        name, digest = file.path.relative_to(folder).as_posix(), _hash(file.text)
        if ours.get(name) != digest:
            ours[name] = digest
            _replace(folder / RECORD, json.dumps({**record, pipeline: ours}, indent=2, sort_keys=True) + "\n")
        if is_wanted:
            yield file


def _replace(path: Path, text: str) -> None:
    """Write a file in one step: it holds the former text or the whole new one, and keeps its permissions."""
    path = path.resolve()  # a link stays one
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        if path.exists():
            copymode(path, new)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        error.filename = str(path)
        raise


def _compared(path: PurePosixPath, text: str, folder: Path, recorded: str | None) -> File:
    place = folder / path
    if not place.exists():
        return File(place, State.NEW, text, None)
    found = place.read_text(encoding="utf-8", errors="replace")
    if found == text:
        state = State.SAME
    elif _hash(found) == recorded:
        state = State.CHANGED
    else:
        state = State.KEPT if _hash(text) == recorded else State.EDITED
    return File(place, state, text, found)


def _record(folder: Path) -> Mapping[str, dict[str, str]]:
    path = folder / RECORD
    if not path.exists():
        return {}
    try:
        return {str(name): dict(files) for name, files in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, AttributeError, TypeError):
        raise RequestRefused(
            f"{path}, which says what was written by this command, cannot be read. Nothing was changed. Take it back "
            "from git, or delete it: then every file that would change counts as edited."
        ) from None


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
