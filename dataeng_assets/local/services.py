"""The local services of one state folder: what `dataeng up`, `down` and `status` do.

Each service has a folder, a log and an address there: `<state>/postgres`, `<state>/kafka`, `<state>/registry`,
`<state>/logs`, and one line per address in `<state>/local.env`, which only its owner may read. A service whose address
the user has set is never started; the schema registry is started for who asks for it. What the services have in common
belongs in `kind`; how one server is started, in `postgres`, `kafka` and `registry`.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from platformdirs import site_state_path

from dataeng_assets.local import kafka, packages, postgres, process, registry, secure_kafka
from dataeng_assets.local.kind import Kind, Service
from dataeng_assets.local.process import ServiceError
from dataeng_assets.settings import outside_address

POSTGRES_URL = "DATAENG_POSTGRES_URL"
KAFKA_BOOTSTRAP = "DATAENG_KAFKA_BOOTSTRAP"
KAFKA_SECURITY = "DATAENG_KAFKA_SECURITY"
"""Names the file that says how to log in, with `_PRODUCER` and `_ADMIN` behind it for those who are another user."""

REGISTRY_URL = "DATAENG_REGISTRY_URL"
_UP_SECONDS = 300


@dataclass(frozen=True)
class Services:
    """The addresses with which the services are reached; that of the schema registry is empty where there is none."""

    postgres_url: str
    kafka_bootstrap: str
    registry_url: str = ""


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


_POSTGRES = Kind(
    name="Postgres",
    variable=POSTGRES_URL,
    folder="postgres",
    port=5433,  # beside the usual 5432, which a Postgres of the machine may have
    package="postgres",
    needs=lambda: [packages.postgres_package()],
    launch=postgres.start,
    running=postgres.running,
    answers=postgres.answers,
    end=postgres.stop,
    address=lambda server: server.url,
    shown=lambda server: f"{process.HOST}:{server.port}/{postgres.DATABASE}",
    prepare=_make_reachable,
)
_KAFKA = Kind(
    name="Kafka",
    variable=KAFKA_BOOTSTRAP,
    folder="kafka",
    port=9092,
    package="kafka",
    needs=packages.kafka_packages,
    launch=kafka.start,
    running=kafka.running,
    answers=kafka.answers,
    end=kafka.stop,
    address=lambda broker: broker.bootstrap,
    shown=lambda broker: broker.bootstrap,
)
_SECURE_KAFKA = replace(
    _KAFKA,
    folder="kafka-secure",
    port=9093,
    launch=secure_kafka.start,
    running=secure_kafka.running,
    shown=lambda broker: f"{broker.bootstrap} (SASL_SSL)",
    logins=tuple(f"access/{user}.yaml" for user in (secure_kafka.READER, secure_kafka.PRODUCER, secure_kafka.ADMIN)),
)
_REGISTRY = Kind(
    name="Schema registry",
    variable=REGISTRY_URL,
    folder="registry",
    port=8081,
    package="registry",
    needs=lambda: [packages.registry_package()],
    launch=registry.start,
    running=registry.running,
    answers=registry.answers,
    end=registry.stop,
    address=lambda server: server.url,
    shown=lambda server: server.url,
)
_KINDS: tuple[Kind[Any], ...] = (_POSTGRES, _KAFKA, _REGISTRY)


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
        asked = [kind for kind in kinds if kind is not _REGISTRY or with_registry or kind.lives(state)]
        needed = [kind for kind in asked if not outside_address(kind.variable)]
        # in one go, so that there is one progress to show
        packages.fetch([package for kind in needed for package in kind.needs()], on_progress)
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
        seen = (_outside(kind) or kind.look(state) for kind in _kinds(state))
        return tuple(one for one in seen if one.name != _REGISTRY.name or one.state != "stopped" or one.log)


def postgres_home(state: Path) -> Path:
    """Where Postgres lives: `<state>/postgres`, which links to a folder outside when `nobody` cannot walk to it."""
    return _POSTGRES.home(state)


def _logins(state: Path) -> dict[str, str]:
    """The variables that name how to log in as the stream, as its producer, and as somebody who makes topics."""
    roles, files = ("", "_PRODUCER", "_ADMIN"), _SECURE_KAFKA.login_files(state)
    return {f"{KAFKA_SECURITY}{role}": str(file) for role, file in zip(roles, files, strict=True)}


def _refuse_other_broker(state: Path) -> None:
    if outside_address(KAFKA_BOOTSTRAP):
        raise ServiceError(
            f"{KAFKA_BOOTSTRAP} is set to a broker of your own, so that no secured one is started here. Nothing was "
            f"changed. Unset it, in the environment and in .env, and run this again."
        )
    if _KAFKA.lives(state):
        raise ServiceError(
            "Kafka runs without security. Nothing was changed. The secured broker is another one, with topics of its "
            "own: those of this one stay where they are. Run `dataeng down`, then `dataeng up --secure`."
        )


def _kinds(state: Path, *, secure: bool = False) -> tuple[Kind[Any], ...]:
    """The services, with the secured broker in the place of the other when it is asked for or runs."""
    secure = secure or _SECURE_KAFKA.lives(state)
    return tuple(_SECURE_KAFKA if secure and kind.variable == KAFKA_BOOTSTRAP else kind for kind in _KINDS)


def _outside(kind: Kind[Any]) -> Service | None:
    """The service of the user, its address without what could be secret in it."""
    value = outside_address(kind.variable)
    if value is None:
        return None
    parts = urlsplit(value)
    address = f"{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme and parts.netloc else value
    return Service(kind.name, address, "", "external", None)


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
