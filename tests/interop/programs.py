"""Programs beside the platform, and their certain end with all that they started. What they are asked is the tests'."""

import os
import shutil
import signal
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dataeng_assets.local.process import HOST, accepts, choose_port, tail, wait_until
from dataeng_assets.settings import ROOT

INTEROP_PROGRAMS = ROOT / ".venv-interop" / "bin"

# Inherited by everything that a program starts; Dagster's runs have sessions of their own and are found by it.
_MARK = "INTEROP_PROGRAM"
# Reads until pytest, which holds the other end, is gone in whatever way.
_GUARD = 'cat >/dev/null; kill -s KILL -- "-$1"'


def interop_program(name: str) -> str:
    """A program of the interop environment; where it is missing the test fails and says what to do."""
    path = INTEROP_PROGRAMS / name
    if not path.exists():
        pytest.fail(f"{path} is missing. `make test-interop` installs it; by hand: `make .venv-interop/.ready`.")
    return str(path)


def chromium() -> str:
    """Debian's Chromium, or one of another name on the path."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.fail(
        "Chromium is missing, so the UI cannot be looked at. Install it: "
        "apt-get update && apt-get install -y --no-install-recommends chromium"
    )


@contextmanager
def running(
    command: Sequence[str], *, log: Path, cwd: Path, environment: Mapping[str, str], grace_seconds: float = 20
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs for as long as the block, in a process group of its own.

    Args:
        command: program and arguments.
        log: file that takes what it prints.
        cwd: where it starts.
        environment: all of its variables.
        grace_seconds: how long it may take to end in good order before it is killed.
    """
    mark = f"{_MARK}={uuid.uuid4().hex}"
    name, _, value = mark.partition("=")
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env={**environment, name: value},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    guard = subprocess.Popen(["sh", "-c", _GUARD, "guard", str(process.pid)], stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        _end(process, mark, grace_seconds)
        guard.kill()
        guard.communicate()


@contextmanager
def bucket_server(folder: Path) -> Iterator[dict[str, str]]:
    """A real S3 server with one empty bucket, `bucket`; gives what a lake must be told to reach it.

    Args:
        folder: takes what the server prints.
    """
    port, log = choose_port(), folder / "moto.log"
    address, command = f"http://{HOST}:{port}", [interop_program("moto_server"), "-H", HOST, "-p", str(port)]
    with running(command, log=log, cwd=folder, environment={"PATH": os.environ["PATH"]}) as server:
        assert wait_until(lambda: server.poll() is not None or accepts(port), 60), tail(log)
        urllib.request.urlopen(urllib.request.Request(f"{address}/bucket", method="PUT"), timeout=30).close()
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }


def _end(process: subprocess.Popen[bytes], mark: str, grace_seconds: float) -> None:
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        for pid in _marked(mark):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if wait_until(lambda: process.poll() is not None and not _marked(mark), seconds):
            return
    raise AssertionError(f"{process.args!r} left processes behind: {_marked(mark)}")


def _marked(mark: str) -> list[int]:
    """Living processes that carry the mark; a zombie has no environment any more."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
