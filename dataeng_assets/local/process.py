"""At most one server process per folder, known by a lock that lives exactly as long as the process.

The lock is taken on `lock` in the server's folder and inherited by the server, so the operating system gives it back
when the last process that could still write there has ended, however it ended; a zombie holds nothing. What
`server.json` says about process and port is believed only while the lock is held. What a server is and how it is asked
belongs in `postgres` and `kafka`.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

HOST = "127.0.0.1"
_POLL_SECONDS = 0.05
_LOG_BYTES = 10_000_000
_ATTEMPTS = 3
_PORT_DRAWS = 20

# Kept, so that the end of a server that this process started is noticed and leaves no zombie.
_children: dict[int, subprocess.Popen[bytes]] = {}


class ServiceError(Exception):
    """A local service could not be started, asked or stopped; the message names the log and the next step."""


@dataclass(frozen=True)
class Record:
    """What is written down about a server that was started."""

    pid: int
    port: int


@dataclass(frozen=True)
class User:
    """The unprivileged user that runs a server which refuses to run as root."""

    uid: int
    gid: int


def start(
    name: str,
    home: Path,
    *,
    log: Path,
    port: int | None,
    launch: Callable[[int, int], int],
    answers: Callable[[int], bool],
    seconds: float,
) -> Record:
    """Start a server in a folder and wait until it answers.

    Args:
        name: what to call it in messages.
        home: its folder, held from now on until the server has ended.
        log: where it prints.
        port: the port it should have, the last one it had when None; any free one when that is taken.
        launch: given the lock to inherit and the port, prepares and spawns it and returns the process id.
        answers: whether the server on a port answers, and is this one.
        seconds: how long it may take to answer.

    Raises:
        ServiceError: another server holds the folder, or this one did not come up; then it was ended again.
    """
    with exclusive(home) as lock:
        former = record(home)
        (home / "server.json").unlink(missing_ok=True)
        for _ in range(_ATTEMPTS):
            chosen = choose_port(port or (former.port if former else None))
            running = Record(launch(lock, chosen), chosen)
            write_record(home, running)
            failure = _wait_for(running, answers, seconds)
            if not failure:
                return running
            if choose_port(chosen) == chosen:
                break  # else somebody took the port between choosing it and listening on it
        raise ServiceError(f"{name} {failure}. Its data in {home} is safe. The end of its log {log}:\n{tail(log)}")


def lives(home: Path) -> bool:
    """Whether a server, or someone who is just starting one, holds a folder."""
    try:
        handle = os.open(home / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def exclusive(home: Path, *, seconds: float = 2, refusal: str = "") -> Iterator[int]:
    """Hold a folder against every other server, and give the handle that a server inherits to hold it on.

    Args:
        home: the folder, which is made when it is missing.
        seconds: how long to wait for the one who holds it.
        refusal: what to say when that was not enough; by default, that a server lives here.

    Raises:
        ServiceError: another server holds it; nothing in it was touched.
    """
    home.mkdir(parents=True, exist_ok=True)
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not wait_until(lambda: _locked(handle), seconds):
            raise ServiceError(refusal or _in_use(home))
        yield handle
    finally:
        os.close(handle)  # never unlocked by hand: that would take the lock from the server too


def spawn(
    command: Sequence[str],
    *,
    home: Path,
    log: Path,
    lock: int,
    user: User | None = None,
) -> int:
    """Start a server that outlives this process, in a session of its own, so that Ctrl-C does not reach it.

    Args:
        command: program and arguments.
        home: its working folder.
        log: file that takes what it prints; a former one is kept as `.old` when it has grown large.
        lock: handle of the lock it inherits.
        user: who runs it, when not we.

    Returns:
        Its process id.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.old"))
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            cwd=home,
            env=program_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[lock],
            start_new_session=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )
    _children[process.pid] = process
    return process.pid


def program_environment() -> dict[str, str]:
    """Variables for a server or its tools: no language, option or secret of the user's shell."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again until something holds, or time is up; tells whether it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def stop(home: Path, *signals: signal.Signals, seconds: float = 30) -> bool:
    """End the server of a folder.

    Args:
        home: its folder.
        signals: the one that asks it to end in good order, then those that are sent when it did not.
        seconds: patience with each of them.

    Returns:
        Whether there was one.

    Raises:
        ServiceError: it is still there after all of them.
    """
    if not lives(home):
        return False
    running = record(home)
    for number in signals:
        if running is not None:
            _signal(running.pid, number)
        if wait_until(lambda: _ended(home), seconds):
            return True
    raise ServiceError(
        f"The server in {home} did not end"
        + (f": process {running.pid} took no signal" if running else " and left no process id")
        + ". Its data is safe. End the process by hand, then try again."
    )


def write_record(home: Path, running: Record) -> None:
    """Write down process and port of a server."""
    replace_text(home / "server.json", json.dumps(asdict(running)))


def record(home: Path) -> Record | None:
    """What was written down last about the server of a folder; true only while the folder `lives`."""
    try:
        return Record(**json.loads((home / "server.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def replace_text(path: Path, text: str) -> None:
    """Write a file that only we may read, in one step."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def choose_port(wanted: int | None = None, *, besides: Collection[int] = ()) -> int:
    """The wanted port when it is free, else any free one; none of those that were chosen before and are not used yet.

    Raises:
        ServiceError: none is free.
    """
    for port in (wanted or 0, *[0] * (len(besides) + _PORT_DRAWS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            found = int(probe.getsockname()[1])
        if found not in besides:
            return found
    raise ServiceError(f"No port is free on {HOST}. Nothing was started. Close some programs and try again.")


def accepts(port: int) -> bool:
    """Whether someone listens on a port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def tail(log: Path, lines: int = 8) -> str:
    """The end of a log, indented, to stand in a message."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text) or "  (the log is empty)"


def _in_use(home: Path) -> str:
    running = record(home)
    server = f"server (process {running.pid}, port {running.port})" if running else "server"
    return (
        f"Another {server} uses {home}. A second one would destroy its data, so none was started. "
        "`dataeng status` shows it, `dataeng down` ends it."
    )


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # gone; what it started still ends
    except PermissionError as error:
        raise ServiceError(
            f"Process {pid} belongs to another user, so it was left running. Ask them to end it."
        ) from error


def _wait_for(running: Record, answers: Callable[[int], bool], seconds: float) -> str:
    """Wait until a server answers; else end it and tell what went wrong."""
    try:
        if not wait_until(lambda: _exited(running.pid) or answers(running.port), seconds):
            _end(running.pid)
            return f"did not answer on port {running.port} within {seconds:.0f} s and was ended"
    except BaseException:
        _end(running.pid)
        raise
    return "ended at once" if _exited(running.pid) else ""


def _exited(pid: int) -> bool:
    return _children[pid].poll() is not None


def _end(pid: int) -> None:
    _children[pid].kill()
    _children[pid].wait()


def _ended(home: Path) -> bool:
    for child in list(_children.values()):
        child.poll()
    return not lives(home)
