"""Earlier versions of files, from git. Comparing them belongs in `languages`."""

import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


class Undecided(Exception):
    """What was to be compared could not be had; says why and what to do. Nothing was changed."""


@dataclass(frozen=True)
class Revision:
    """A commit of a repository.

    Attributes:
        name: as it was asked for, such as `main`.
        commit: its hash.
        root: the folder of the working tree.
    """

    name: str
    commit: str
    root: Path

    def label(self, path: PurePosixPath, commit: str | None = None) -> Path:
        """How a version of a file is called in messages: `git:main:contracts/orders.yaml`."""
        return Path(f"git:{commit[:9] if commit else self.name}:{path}")


def find_revision(name: str, near: Path) -> Revision:
    """The commit that a name means in the repository around a file.

    Args:
        name: a branch, tag, or any other revision, such as `HEAD~1`.
        near: a file or folder, which need not exist any more.

    Raises:
        Undecided: git or the repository is missing, or the name means no commit.
    """
    if not name or name.startswith("-"):
        raise Undecided(f"{name!r} is no revision. Name a branch, a tag or a commit: --against git:main")
    folder = near.absolute()
    while not folder.is_dir():
        folder = folder.parent
    root = _git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n")
    try:
        commit = _git(Path(root), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except Undecided:
        raise Undecided(
            f"The repository {root} has no revision {name!r}. Nothing was compared. "
            "See what there is with `git branch --all`; in a shallow clone, fetch it first."
        ) from None
    return Revision(name, commit.decode().strip(), Path(root))


def within(revision: Revision, path: Path) -> PurePosixPath:
    """A path as the repository names it.

    Raises:
        Undecided: it lies outside.
    """
    try:
        return PurePosixPath(path.absolute().resolve().relative_to(revision.root.resolve()).as_posix())
    except ValueError:
        raise Undecided(f"{path} lies outside the repository {revision.root}. Nothing was compared.") from None


def files_at(revision: Revision, folder: PurePosixPath, endings: Collection[str]) -> Mapping[PurePosixPath, bytes]:
    """The regular files below a folder (or the file itself) with one of the endings, as they were committed."""
    listed = os.fsdecode(_git(revision.root, "ls-tree", "-r", "-z", revision.commit, "--", str(folder)))
    found = {}
    for entry in filter(None, listed.split("\0")):
        kind, _, name = entry.partition("\t")
        path = PurePosixPath(name)
        if kind.startswith("100") and path.suffix in endings:
            found[path] = show(revision, path)
    return found


def files_now(revision: Revision, folder: PurePosixPath, endings: Collection[str]) -> Mapping[PurePosixPath, bytes]:
    """The files below a folder of the working tree (or the file itself) that git does not ignore."""
    known = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = os.fsdecode(_git(revision.root, *known, "--", str(folder)))
    names = sorted({PurePosixPath(name) for name in filter(None, listed.split("\0"))})
    there = [name for name in names if name.suffix in endings and (revision.root / name).is_file()]
    return {name: read_file(revision.root / name) for name in there}


def read_file(path: Path) -> bytes:
    """What a file holds now.

    Raises:
        Undecided: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as missing:
        raise Undecided(f"{path} cannot be read: {missing.strerror}. Nothing was compared.") from None


def show(revision: Revision, path: PurePosixPath, commit: str | None = None) -> bytes:
    """What a file held at a commit; the revision's own when none is given."""
    return _git(revision.root, "show", "--no-textconv", f"{commit or revision.commit}:{path}")


def history(revision: Revision, path: PurePosixPath) -> Sequence[tuple[str, PurePosixPath]]:
    """The committed versions of a file from a revision on, oldest first, as commit and name; renames are followed.

    The first is that of the revision itself, if the file was there under any of its names.
    """
    since = ["log", "--follow", "--format=@%H", "--name-status", f"{revision.commit}..HEAD", "--", str(path)]
    said = _git(revision.root, "-c", "core.quotePath=false", *since)
    versions: list[tuple[str, PurePosixPath]] = []
    name, commit = path, ""
    for line in filter(None, os.fsdecode(said).split("\n")):
        if line.startswith("@"):
            commit = line.removeprefix("@")
            continue
        status, *names = line.split("\t")
        if status != "D":
            versions.append((commit, PurePosixPath(names[-1])))
        name = PurePosixPath(names[0])
    if _git(revision.root, "ls-tree", "-z", revision.commit, "--", str(name)):
        versions.append((revision.commit, name))
    return versions[::-1]


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "--literal-pathspecs", *arguments], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError:
        raise Undecided("git is not installed, so no earlier version can be read. Give the old file instead.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise Undecided(f"git {' '.join(arguments[:2])} failed in {folder}. Nothing was compared. It said: {said}")
    return done.stdout
