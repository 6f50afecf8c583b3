"""The local services of one state folder: what `dataeng up`, `down` and `status` do.

Each service has a folder, a log and an address there: `<state>/postgres`, `<state>/kafka`, `<state>/logs`, and one line
per address in `<state>/local.env`, which only its owner may read. A service whose address the user has set is never
started. How one server is started belongs in `postgres` and `kafka`.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from platformdirs import site_state_path

from dataeng_assets.local import kafka, packages, postgres, process
from dataeng_assets.local.process import ServiceError
from dataeng_assets.settings import outside_address

POSTGRES_URL = "DATAENG_POSTGRES_URL"
KAFKA_BOOTSTRAP = "DATAENG_KAFKA_BOOTSTRAP"
_POSTGRES_PORT = 5433  # beside the usual 5432, which a Postgres of the machine may have
_KAFKA_PORT = 9092
_UP_SECONDS = 300


@dataclass(frozen=True)
class Service:
    """What is known about one service.

    `state` is `running`, `not answering`, `stopped` or `external`; `address` holds no password.
    """

    name: str
    address: str
    version: str
    state: str
    log: Path | None


@dataclass(frozen=True)
class Services:
    """The addresses with which the services are reached."""

    postgres_url: str
    kafka_bootstrap: str


@dataclass(frozen=True)
class _Kind:
    """What Postgres and Kafka have in common here."""

    name: str
    variable: str
    start: Callable[[Path], str]
    stop: Callable[[Path], bool]
    state: Callable[[Path], Service]


def up(state: Path, *, on_progress: packages.OnProgress = packages.no_progress) -> Services:
    """Make Postgres and Kafka answer, and record where.

    What already runs is left alone. Both are started at once; a port that is taken is replaced by another.

    Args:
        state: the state folder, which is made when it is missing.
        on_progress: told about downloads.

    Returns:
        The addresses, also of services that the user has set to an outside server.

    Raises:
        ServiceError: the folder cannot be written, or a server did not come up; the other one stays up.
        PackageError: a package could not be fetched.
    """
    with _changing(state), ThreadPoolExecutor(len(_KINDS)) as pool:
        needed = [kind for kind in _KINDS if not outside_address(kind.variable)]
        _fetch(needed, on_progress)
        starting = {kind.variable: pool.submit(kind.start, state) for kind in needed}
        addresses = {name: start.result() for name, start in starting.items() if not start.exception()}
        _record(state, addresses)
        for start in starting.values():
            start.result()
    return Services(*(outside_address(kind.variable) or addresses[kind.variable] for kind in _KINDS))


def down(state: Path) -> tuple[str, ...]:
    """End what `up` started in a state folder; its data stays.

    Returns:
        Names of the services that were ended.

    Raises:
        ServiceError: one did not end, or belongs to another user.
    """
    if not state.exists():
        return ()
    with _changing(state), ThreadPoolExecutor(len(_KINDS)) as pool:
        ending = {kind.name: pool.submit(kind.stop, state) for kind in _KINDS}
        _record(state, {})
        return tuple(name for name, stop in ending.items() if stop.result())


def status(state: Path) -> tuple[Service, ...]:
    """Look at each service, without changing anything."""
    with _usable(state):
        return tuple(_outside(kind) or kind.state(state) for kind in _KINDS)


def postgres_home(state: Path) -> Path:
    """Where Postgres lives: `<state>/postgres`, which links to a folder outside when `nobody` cannot walk to it."""
    return (state / "postgres").resolve()


def _start_postgres(state: Path) -> str:
    log, home = state / "logs" / "postgres.log", postgres_home(state)
    server = postgres.running(home, log)
    if server is None:
        _make_reachable(state)
        server = postgres.start(postgres_home(state), log=log, port=_port(postgres_home(state), _POSTGRES_PORT))
    elif not postgres.answers(server):
        raise _silent("Postgres", server.home, server.pid, log)
    return server.url


def _start_kafka(state: Path) -> str:
    log, home = state / "logs" / "kafka.log", state / "kafka"
    broker = kafka.running(home, log)
    if broker is None:
        broker = kafka.start(home, log=log, port=_port(home, _KAFKA_PORT))
    elif not kafka.answers(broker):
        raise _silent("Kafka", home, broker.pid, log)
    return broker.bootstrap


def _postgres_state(state: Path) -> Service:
    log = state / "logs" / "postgres.log"
    server = postgres.running(postgres_home(state), log)
    answers = server is not None and postgres.answers(server)
    address = f"{process.HOST}:{server.port}/{postgres.DATABASE}" if server else None
    return _local("Postgres", "postgres", address, answers, log)


def _kafka_state(state: Path) -> Service:
    log = state / "logs" / "kafka.log"
    broker = kafka.running(state / "kafka", log)
    answers = broker is not None and kafka.answers(broker)
    return _local("Kafka", "kafka", broker.bootstrap if broker else None, answers, log)


_KINDS = (
    _Kind(
        "Postgres", POSTGRES_URL, _start_postgres, lambda state: postgres.stop(postgres_home(state)), _postgres_state
    ),
    _Kind("Kafka", KAFKA_BOOTSTRAP, _start_kafka, lambda state: kafka.stop(state / "kafka"), _kafka_state),
)


def _fetch(kinds: list[_Kind], on_progress: packages.OnProgress) -> None:
    """Fetch in one go what the services need, so that there is one progress to show."""
    wanted: list[packages.Package] = []
    for kind in kinds:
        wanted += [packages.postgres_package()] if kind.variable == POSTGRES_URL else packages.kafka_packages()
    packages.fetch(wanted, on_progress)


def _local(name: str, package: str, address: str | None, is_answering: bool, log: Path) -> Service:
    state = "stopped" if address is None else "running" if is_answering else "not answering"
    return Service(name, address or "", packages.version(package), state, log if log.exists() else None)


def _outside(kind: _Kind) -> Service | None:
    """The service of the user, its address without what could be secret in it."""
    value = outside_address(kind.variable)
    if value is None:
        return None
    parts = urlsplit(value)
    address = f"{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme and parts.netloc else value
    return Service(kind.name, address, "", "external", None)


def _silent(name: str, home: Path, pid: int, log: Path) -> ServiceError:
    return ServiceError(
        f"{name} runs (process {pid}) but does not answer. Its data in {home} is safe. Its log: {log}. "
        "Give it a moment, or restart it: `dataeng down`, then `dataeng up`."
    )


def _port(home: Path, usual: int) -> int:
    """The port that the service had last, so that addresses which people wrote down stay true; else the usual one."""
    former = process.record(home)
    return former.port if former else usual


def _make_reachable(state: Path) -> None:
    """When root starts Postgres in a folder that `nobody` cannot walk to, put it where it can be reached."""
    link = state / "postgres"
    if os.geteuid() != 0 or link.exists() or packages.others_reach(link):
        return
    target = site_state_path("dataeng") / hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    if target.exists():  # what a state folder left behind that was removed
        postgres.stop(target)
        shutil.rmtree(target)
    target.mkdir(parents=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


@contextmanager
def _usable(state: Path) -> Iterator[None]:
    """Say which file could not be used, and what to do."""
    try:
        yield
    except OSError as error:
        raise ServiceError(
            f"The state folder {state} cannot be used: {error.strerror or error} ({error.filename or state}). "
            "What is in it is as it was. Give yourself the right to write it, or name another folder in DATAENG_STATE."
        ) from error


@contextmanager
def _changing(state: Path) -> Iterator[None]:
    """Let one `up` or `down` at a time change a state folder."""
    with _usable(state):
        state.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=state).close()
        with process.exclusive(
            state,
            seconds=_UP_SECONDS,
            refusal=f"Another `dataeng up` or `down` has been busy in {state} for long. Nothing was changed. "
            "Wait for it, or end it.",
        ):
            yield


def _record(state: Path, addresses: dict[str, str]) -> None:
    """Put the addresses of the services that run into `local.env`; lines of others stay."""
    file = state / "local.env"
    ours = {kind.variable for kind in _KINDS}
    kept = {name: value for name, value in dotenv_values(file).items() if name not in ours}
    process.replace_text(file, "".join(f"{name}={value}\n" for name, value in {**kept, **addresses}.items()))
