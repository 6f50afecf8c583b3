"""The local services of one state folder: what `dataeng up`, `down` and `status` do.

Each service has a folder, a log and an address there: `<state>/postgres`, `<state>/kafka`, `<state>/registry`,
`<state>/logs`, and one line per address in `<state>/local.env`, which only its owner may read. A service whose address
the user has set is never started; the schema registry is started for who asks for it. How one server is started belongs
in `postgres`, `kafka` and `registry`.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from platformdirs import site_state_path

from dataeng_assets.local import kafka, packages, postgres, process, registry, secure_kafka
from dataeng_assets.local.process import ServiceError
from dataeng_assets.settings import outside_address

POSTGRES_URL = "DATAENG_POSTGRES_URL"
KAFKA_BOOTSTRAP = "DATAENG_KAFKA_BOOTSTRAP"
KAFKA_SECURITY = "DATAENG_KAFKA_SECURITY"
"""Names the file that says how to log in, with `_PRODUCER` and `_ADMIN` behind it for those who are another user."""

REGISTRY_URL = "DATAENG_REGISTRY_URL"
_POSTGRES_PORT = 5433  # beside the usual 5432, which a Postgres of the machine may have
_KAFKA_PORT = 9092
_SECURE_KAFKA_PORT = 9093
_REGISTRY_PORT = 8081
_UP_SECONDS = 300


@dataclass(frozen=True)
class Service:
    """What is known about one service.

    `state` is `running`, `not answering`, `stopped` or `external`; `address` holds no password; `logins` are the files
    that say how to log in, where that takes more than the address.
    """

    name: str
    address: str
    version: str
    state: str
    log: Path | None
    logins: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Services:
    """The addresses with which the services are reached; that of the schema registry is empty where there is none."""

    postgres_url: str
    kafka_bootstrap: str
    registry_url: str = ""


@dataclass(frozen=True)
class _Kind:
    """What the services have in common here."""

    name: str
    variable: str
    start: Callable[[Path], str]
    stop: Callable[[Path], bool]
    state: Callable[[Path], Service]


def up(
    state: Path,
    *,
    with_registry: bool = False,
    secure: bool = False,
    on_progress: packages.OnProgress = packages.no_progress,
) -> Services:
    """Make Postgres and Kafka answer, and record where.

    What already runs is left alone. All are started at once; a port that is taken is replaced by another.

    Args:
        state: the state folder, which is made when it is missing.
        with_registry: whether to start the schema registry as well.
        secure: whether the broker is the one with TLS, passwords and rights, which has a folder and data of its own.
        on_progress: told about downloads.

    Returns:
        The addresses, also of services that the user has set to an outside server.

    Raises:
        ServiceError: the folder cannot be written, or a server did not come up; the others stay up. Or the broker that
            runs is not the one that is asked for; nothing was changed.
        PackageError: a package could not be fetched.
    """
    with _changing(state), ThreadPoolExecutor(len(_KINDS)) as pool:
        if secure:
            _refuse_other_broker(state)
        kinds = _kinds(state, secure=secure)
        asked = [kind for kind in kinds if kind is not _REGISTRY or with_registry or _has_registry(state)]
        needed = [kind for kind in asked if not outside_address(kind.variable)]
        _fetch(needed, on_progress)
        starting = {kind.variable: pool.submit(kind.start, state) for kind in needed}
        addresses = {name: start.result() for name, start in starting.items() if not start.exception()}
        logins = _logins(state) if KAFKA_BOOTSTRAP in addresses and _SECURE_KAFKA in asked else {}
        _record(state, {**addresses, **logins})
        for start in starting.values():
            start.result()
    return Services(*(outside_address(kind.variable) or addresses.get(kind.variable, "") for kind in _KINDS))


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
        ending = {kind.name: pool.submit(kind.stop, state) for kind in _kinds(state)}
        _record(state, {})
        return tuple(name for name, stop in ending.items() if stop.result())


def status(state: Path) -> tuple[Service, ...]:
    """Look at each service, without changing anything; at the schema registry where there was one."""
    with _usable(state):
        seen = (_outside(kind) or kind.state(state) for kind in _kinds(state))
        return tuple(one for one in seen if one.name != _REGISTRY.name or one.state != "stopped" or one.log)


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


def _start_secure_kafka(state: Path) -> str:
    log, home = state / "logs" / "kafka-secure.log", state / "kafka-secure"
    broker = secure_kafka.running(home, log)
    if broker is None:
        broker = secure_kafka.start(home, log=log, port=_port(home, _SECURE_KAFKA_PORT))
    elif not kafka.answers(broker):
        raise _silent("Kafka", home, broker.pid, log)
    return broker.bootstrap


def _secure_kafka_state(state: Path) -> Service:
    log = state / "logs" / "kafka-secure.log"
    broker = secure_kafka.running(state / "kafka-secure", log)
    if broker is None:
        return _local("Kafka", "kafka", None, False, log)
    found = _local("Kafka", "kafka", f"{broker.bootstrap} (SASL_SSL)", kafka.answers(broker), log)
    return replace(found, logins=tuple(_login_files(state)))


def _login_files(state: Path) -> list[Path]:
    access = state / "kafka-secure" / "access"
    return [access / f"{user}.yaml" for user in (secure_kafka.READER, secure_kafka.PRODUCER, secure_kafka.ADMIN)]


def _logins(state: Path) -> dict[str, str]:
    """The variables that name how to log in as the stream, as its producer, and as somebody who makes topics."""
    roles = ("", "_PRODUCER", "_ADMIN")
    return {f"{KAFKA_SECURITY}{role}": str(file) for role, file in zip(roles, _login_files(state), strict=True)}


def _refuse_other_broker(state: Path) -> None:
    if outside_address(KAFKA_BOOTSTRAP):
        raise ServiceError(
            f"{KAFKA_BOOTSTRAP} is set to a broker of your own, so that no secured one is started here. Nothing was "
            f"changed. Unset it, in the environment and in .env, and run this again."
        )
    if process.lives(state / "kafka"):
        raise ServiceError(
            "Kafka runs without security. Nothing was changed. The secured broker is another one, with topics of its "
            "own: those of this one stay where they are. Run `dataeng down`, then `dataeng up --secure`."
        )


def _start_registry(state: Path) -> str:
    log, home = state / "logs" / "registry.log", state / "registry"
    server = registry.running(home, log)
    if server is None:
        server = registry.start(home, log=log, port=_port(home, _REGISTRY_PORT))
    elif not registry.answers(server):
        raise _silent("The schema registry", home, server.pid, log)
    return server.url


def _registry_state(state: Path) -> Service:
    log = state / "logs" / "registry.log"
    server = registry.running(state / "registry", log)
    answers = server is not None and registry.answers(server)
    return _local("Schema registry", "registry", server.url if server else None, answers, log)


def _has_registry(state: Path) -> bool:
    return process.lives(state / "registry")


_REGISTRY = _Kind(
    "Schema registry", REGISTRY_URL, _start_registry, lambda state: registry.stop(state / "registry"), _registry_state
)
_SECURE_KAFKA = _Kind(
    "Kafka",
    KAFKA_BOOTSTRAP,
    _start_secure_kafka,
    lambda state: kafka.stop(state / "kafka-secure"),
    _secure_kafka_state,
)
_KINDS = (
    _Kind(
        "Postgres", POSTGRES_URL, _start_postgres, lambda state: postgres.stop(postgres_home(state)), _postgres_state
    ),
    _Kind("Kafka", KAFKA_BOOTSTRAP, _start_kafka, lambda state: kafka.stop(state / "kafka"), _kafka_state),
    _REGISTRY,
)


def _kinds(state: Path, *, secure: bool = False) -> tuple[_Kind, ...]:
    """The services, with the secured broker in the place of the other when it is asked for or runs."""
    secure = secure or process.lives(state / "kafka-secure")
    return tuple(_SECURE_KAFKA if secure and kind.variable == KAFKA_BOOTSTRAP else kind for kind in _KINDS)


_PACKAGES: Mapping[str, Callable[[], Sequence[packages.Package]]] = {
    POSTGRES_URL: lambda: [packages.postgres_package()],
    KAFKA_BOOTSTRAP: packages.kafka_packages,
    REGISTRY_URL: lambda: [packages.registry_package()],
}


def _fetch(kinds: list[_Kind], on_progress: packages.OnProgress) -> None:
    """Fetch in one go what the services need, so that there is one progress to show."""
    wanted: list[packages.Package] = []
    for kind in kinds:
        wanted += _PACKAGES[kind.variable]()
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
    ours = {kind.variable for kind in _KINDS} | _logins(state).keys()
    kept = {name: value for name, value in dotenv_values(file).items() if name not in ours}
    process.replace_text(file, "".join(f"{name}={value}\n" for name, value in {**kept, **addresses}.items()))
