"""Which versions of which files are compared: two files, two folders, or what is here with what was committed.

How a file is read and compared belongs in `languages`, git in `git`, how it is shown in `render`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dataeng_assets.contracts.compatibility.git import (
    Revision,
    Undecided,
    files_at,
    files_now,
    find_revision,
    history,
    read_file,
    show,
    within,
)
from dataeng_assets.contracts.compatibility.json_schema.compare import Reading
from dataeng_assets.contracts.compatibility.languages import (
    ENDINGS,
    Language,
    Source,
    compare_documents,
    consumers_in,
    is_contract,
    language_of,
)
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change, Mode, Verdict

Files = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True)
class Asked:
    """What is asked of each pair of versions.

    Attributes:
        mode: what is promised; None for what each language promises by default.
        reading: how open content of a JSON Schema is read.
    """

    mode: Mode | None = None
    reading: Reading = Reading.STRICT

    def mode_of(self, language: Language) -> Mode:
        """The mode for files of a language."""
        return self.mode or language.default_mode

    @property
    def is_transitive(self) -> bool:
        """Whether all earlier versions count."""
        return self.mode is not None and self.mode.is_transitive


@dataclass(frozen=True)
class FileDiff:
    """One file, and what its change means.

    Attributes:
        path: as the reader knows it.
        against: the versions that it was compared with; none for a file that is new.
    """

    path: str
    language: Language
    against: tuple[str, ...]
    verdict: Verdict


@dataclass(frozen=True)
class Diff:
    """All files that were compared."""

    files: tuple[FileDiff, ...]

    @property
    def compatible(self) -> bool:
        """Whether no file breaks what its mode promises."""
        return all(one.verdict.compatible for one in self.files)


def revision_name(against: str, earlier: Sequence[Path]) -> str:
    """The revision in `git:main`.

    Raises:
        Undecided: it is none, or earlier versions are given beside it.
    """
    kind, _, name = against.partition(":")
    if kind != "git" or not name:
        raise Undecided(f"{against!r} is not understood. Say git: and a revision, such as git:main.")
    if earlier:
        raise Undecided("With --against, give one file or folder: its earlier versions come from git.")
    return name


def diff_paths(earlier: Sequence[Path], new: Path, asked: Asked) -> Diff:
    """Compare files, or the contracts in two folders.

    Args:
        earlier: versions before the new one, oldest first; one folder when the new one is a folder.
        new: the new version.
        asked: mode and reading.

    Raises:
        Undecided: a file is missing, there is one alone, or several are given for a mode that looks at the last alone.
        ContractError: a file cannot be read.
    """
    if not earlier:
        raise Undecided(f"{new} is one version only. Give the earlier one before it, or --against git:main.")
    if new.is_dir():
        if len(earlier) != 1 or not earlier[0].is_dir():
            raise Undecided(f"{new} is a folder. Give one folder to compare it with, or --against git:main.")
        return _folders(_contents(earlier[0]), _contents(new), (str(earlier[0]), str(new)), asked)
    if len(earlier) > 1 and asked.mode and not asked.is_transitive:
        modes = f"{asked.mode}_TRANSITIVE"
        raise Undecided(f"{asked.mode} looks at one earlier version, and {len(earlier)} are given. Say --mode {modes}.")
    sources = [Source(path, read_file(path)) for path in (*earlier, new)]
    if len(earlier) > 1 and asked.mode is None:
        asked = Asked(Mode(f"{language_of(sources[-1]).default_mode}_TRANSITIVE"), asked.reading)
    return Diff((_compared(str(new), sources[:-1], sources[-1], asked),))


def diff_against_revision(name: str, new: Path, asked: Asked) -> Diff:
    """Compare a file, or every contract below a folder, with what was committed.

    A transitive mode compares with every committed version since the revision, under whatever name it had.

    Raises:
        Undecided: git, the repository, the revision or every contract is missing.
        ContractError: a version cannot be read.
    """
    revision = find_revision(name, new)
    inside = within(revision, new)
    before, now = files_at(revision, inside, ENDINGS), files_now(revision, inside, ENDINGS)
    if new.is_dir() or (not new.exists() and inside not in before):
        before, now = _contracts(before), _contracts(now)
    if not before and not now:
        raise Undecided(f"There is no contract at {new}, neither here nor at {name}. Nothing was compared.")
    files = [_with_history(revision, path, (before, now), inside, asked) for path in sorted({*before, *now})]
    return Diff(tuple(files))


def _with_history(
    revision: Revision, path: PurePosixPath, both: tuple[Files, Files], folder: PurePosixPath, asked: Asked
) -> FileDiff:
    before, now = both
    if path not in now:
        return _removed(str(path), Source(revision.label(path), before[path]), asked)
    new = Source(Path(path), now[path], _given(now, folder))
    if asked.is_transitive or path not in before:
        versions = history(revision, path)
        versions = versions if asked.is_transitive else versions[:1]
        named = [(revision.label(was, commit), show(revision, was, commit)) for commit, was in versions]
    else:
        named = [(revision.label(path), before[path])]
    given = _given(before, folder)
    earlier = [Source(label, data, given) for label, data in named]
    return _compared(str(path), earlier, new, asked) if earlier else _added(new, asked)


def _folders(before: Files, now: Files, names: tuple[str, str], asked: Asked) -> Diff:
    given = _given(before, PurePosixPath()), _given(now, PurePosixPath())
    before, now = _contracts(before), _contracts(now)
    if not before and not now:
        raise Undecided(f"There is no contract in {names[0]}, and none in {names[1]}. Nothing was compared.")
    files = []
    for path in sorted({*before, *now}):
        old = Source(Path(names[0]) / path, before.get(path, b""), given[0])
        new = Source(Path(names[1]) / path, now.get(path, b""), given[1])
        if path not in now:
            files.append(_removed(str(path), old, asked))
        elif path not in before:
            files.append(_added(new, asked))
        else:
            files.append(_compared(str(path), [old], new, asked))
    return Diff(tuple(files))


def _compared(path: str, earlier: Sequence[Source], new: Source, asked: Asked) -> FileDiff:
    verdict = compare_documents(earlier, new, mode=asked.mode, reading=asked.reading)
    against = earlier if verdict.mode.is_transitive else earlier[-1:]
    return FileDiff(path, language_of(new), tuple(str(source.path) for source in against), verdict)


def _added(new: Source, asked: Asked) -> FileDiff:
    read = compare_documents((), new, mode=asked.mode, reading=asked.reading)
    change = Change("contract_added", str(new.path), "the contract is new: nobody relies on it yet")
    return FileDiff(str(new.path), language_of(new), (), Verdict(read.mode, (change,)))


def _removed(path: str, old: Source, asked: Asked) -> FileDiff:
    language = language_of(old)
    reason = "the contract was removed: what was promised to those who rely on it holds no more"
    migration = (
        "mark it as deprecated, tell those who rely on it, and remove it when nobody reads the data any more; "
        "a contract that moved keeps its old place until then"
    )
    change = Change("contract_removed", path, reason, frozenset(Breaks), migration, consumers_in(old))
    return FileDiff(path, language, (str(old.path),), Verdict(asked.mode_of(language), (change,)))


def _contracts(files: Files) -> Files:
    return {path: data for path, data in files.items() if is_contract(path, data)}


def _given(files: Files, folder: PurePosixPath) -> Mapping[str, bytes]:
    """What a Protobuf file may import: those beside it, as the folder names them."""
    protos = {path: data for path, data in files.items() if path.suffix == ".proto" and path != folder}
    return {str(path.relative_to(folder) if folder.parts else path): data for path, data in protos.items()}


def _contents(folder: Path) -> Files:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS and path.is_file())
    return {PurePosixPath(path.relative_to(folder).as_posix()): read_file(path) for path in paths}
