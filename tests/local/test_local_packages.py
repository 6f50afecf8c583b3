"""What is fetched is what was pinned, whatever the repository gives; the repository is one on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dataeng_assets.local import packages
from dataeng_assets.local.packages import Package, PackageError

CONTENT = b"a jar" * 1000


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "repository"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("DATAENG_MAVEN_REPOSITORY", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield folder
    server.shutdown()
    server.server_close()


def package(name: str, content: bytes = CONTENT) -> Package:
    return Package(f"org.example:{name}:1.0", len(content), hashlib.sha256(content).hexdigest())


def offer(repository: Path, wanted: Package, content: bytes = CONTENT) -> None:
    _, artifact, version, *_ = wanted.name.split(":")
    folder = repository / "org" / "example" / artifact / version
    folder.mkdir(parents=True)
    (folder / wanted.filename).write_bytes(content)


def test_packages_are_fetched_once_and_in_the_order_asked_for(repository: Path) -> None:
    wanted = [package(f"part-{number}") for number in range(20)]
    for one in wanted:
        offer(repository, one)
    seen: list[tuple[int, int]] = []
    files = packages.fetch(wanted, lambda done, total: seen.append((done, total)))
    assert [file.name for file in files] == [one.filename for one in wanted]
    assert all(file.read_bytes() == CONTENT for file in files)
    assert seen[-1] == (20 * len(CONTENT), 20 * len(CONTENT))
    assert seen == sorted(seen)

    seen.clear()
    assert packages.fetch(wanted, lambda done, total: seen.append((done, total))) == files
    assert seen == []


def test_what_is_no_jar_is_fetched_under_its_own_name(repository: Path) -> None:
    archive = Package("org.example:app:1.0.Final:tar.gz:all", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    offer(repository, archive)
    (file,) = packages.fetch([archive])
    assert (file.name, file.read_bytes()) == ("app-1.0.Final-all.tar.gz", CONTENT)


def test_a_file_that_is_not_the_pinned_one_is_refused_and_not_kept(repository: Path) -> None:
    wanted = package("altered")
    offer(repository, wanted, CONTENT + b"!")
    for _ in range(2):
        with pytest.raises(PackageError, match=r"org\.example:altered:1\.0 is not the pinned file"):
            packages.fetch([wanted])


def test_a_package_that_the_repository_does_not_have_is_named_and_the_others_stay(repository: Path) -> None:
    there, missing = package("there"), package("missing")
    offer(repository, there)
    (file,) = packages.fetch([there])
    with pytest.raises(PackageError, match=r"org\.example:missing:1\.0 could not be fetched.*DATAENG_MAVEN_REPOSITORY"):
        packages.fetch([there, missing])
    assert file.exists()
    assert [path.name for path in file.parent.iterdir()] == [there.filename]


def test_processes_that_fetch_the_same_package_at_once_do_not_disturb_each_other(repository: Path) -> None:
    wanted = package("shared")
    offer(repository, wanted)
    results: list[tuple[Path, ...]] = []
    threads = [threading.Thread(target=lambda: results.append(packages.fetch([wanted]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert {file.read_bytes() for (file,) in results} == {CONTENT}


def test_a_cache_that_cannot_be_written_is_named(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(PackageError, match=r"package cache .* cannot be written: Not a directory"):
        packages.fetch([package("anything")])


def test_every_pinned_package_has_a_size_and_a_checksum() -> None:
    pinned = packages.kafka_packages()
    assert len(pinned) == 46
    assert len({one.filename for one in pinned}) == 46
    assert all(one.size > 1000 and len(one.sha256) == 64 for one in (*pinned, packages.registry_package()))
