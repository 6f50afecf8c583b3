"""A pytest plugin: a real Postgres, Kafka and schema registry, one of each per session, and places of a test's own.

A server starts when the first test asks for it, on a free port, in a temporary folder outside of the repository, and
ends with the session. A guard process ends it and removes its folder when pytest is killed. Load it with
`pytest_plugins = ["dataeng_assets.testing.servers"]`. Starting servers as such belongs in `local`.
"""

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psycopg
import pytest
from psycopg import sql

from dataeng_assets.local import kafka, postgres, registry
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.local.registry import Registry

if TYPE_CHECKING:
    from dataeng_assets.lake.location import Lake
    from dataeng_assets.testing.clustered import KafkaCluster
    from dataeng_assets.testing.secured import SecuredBroker

_Server = TypeVar("_Server", Kafka, Registry)

# Reads until pytest, which holds the other end, is gone in whatever way.
_GUARD = 'cat >/dev/null; kill -QUIT "$1"; sleep 1; kill -KILL "$1"; rm -rf -- "$2"'


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A Postgres with `.url`, as superuser; quick, because it would not survive a power cut."""
    with server_folder() as folder, postgres_in(folder) as server:
        yield server


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[Kafka]:
    """A broker with `.bootstrap`."""
    with _served("kafka", kafka.start, kafka.stop) as broker:
        yield broker


@pytest.fixture(scope="session")
def schema_registry() -> Iterator[Registry]:
    """A schema registry with `.url`, the address of its Confluent REST interface."""
    with _served("registry", registry.start, registry.stop) as server:
        yield server


@pytest.fixture(scope="session")
def secure_broker() -> "Iterator[SecuredBroker]":
    """A broker with TLS, passwords, certificates, tokens and rights by user, and ports that show bad certificates."""
    from dataeng_assets.testing.secured import secured_broker

    with server_folder() as folder, secured_broker(folder) as broker, _guard(broker.kafka.pid, folder):
        yield broker


@pytest.fixture(scope="session")
def kafka_cluster_server() -> "Iterator[KafkaCluster]":
    """Three brokers of one cluster, for `kafka_cluster`."""
    from dataeng_assets.testing.clustered import kafka_cluster_in

    with server_folder() as folder, kafka_cluster_in(folder, _guard) as cluster:
        yield cluster


@pytest.fixture
def kafka_cluster(kafka_cluster_server: "KafkaCluster") -> "KafkaCluster":
    """Three brokers of one cluster, two of which a test may kill: all of them run when it begins."""
    kafka_cluster_server.start_dead()
    return kafka_cluster_server


@pytest.fixture
def database(postgres_server: Postgres) -> Iterator[str]:
    """Address of an empty database of the test's own, as superuser."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture
def topic_name() -> str:
    """A name that no other topic has; the test makes the topic as it wants it."""
    return f"topic-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder that the settings point to."""
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv("DATAENG_STATE", str(folder))
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> "Lake":
    """An empty lake in a folder of the test's own."""
    from dataeng_assets.lake.location import Lake

    return Lake(str(tmp_path / "lake"), {})


@contextmanager
def new_database(server: Postgres) -> Iterator[str]:
    """Address of an empty database, which is dropped again with whatever would keep it from being dropped."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _administer(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield server.url_of(name)
    _forget_transactions(server, name)
    _administer(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def postgres_in(folder: Path) -> Iterator[Postgres]:
    """A Postgres in a folder from `server_folder`, on the port that it had there before; for tests that end theirs."""
    home = folder / "postgres"
    try:
        server = postgres.start(home, log=folder / "postgres.log", settings=postgres.UNSAFE_SETTINGS)
        with _guard(server.pid, folder):
            yield server
    finally:
        postgres.stop(home)


@contextmanager
def server_folder() -> Iterator[Path]:
    """A temporary folder that the unprivileged user of Postgres may walk to."""
    folder = Path(tempfile.mkdtemp(prefix="dataeng-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _served(name: str, start: Callable[..., _Server], stop: Callable[[Path], bool]) -> Iterator[_Server]:
    with server_folder() as folder:
        home = folder / name
        try:
            server = start(home, log=folder / f"{name}.log")
            with _guard(server.pid, folder):
                yield server
        finally:
            stop(home)


@contextmanager
def _guard(pid: int, folder: Path) -> Iterator[None]:
    guard = subprocess.Popen(
        ["sh", "-c", _GUARD, "guard", str(pid), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        guard.kill()  # before the pipe is closed: the server is ended in good order instead
        guard.communicate()


def _administer(server: Postgres, statement: sql.Composed) -> None:
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        connection.execute(statement)


def _forget_transactions(server: Postgres, database: str) -> None:
    """End what would keep a database from being dropped."""
    with psycopg.connect(server.url_of(database), autocommit=True) as connection:
        prepared = connection.execute(
            "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
        ).fetchall()
        for (gid,) in prepared:
            connection.execute(sql.SQL("ROLLBACK PREPARED {}").format(gid))
        connection.execute(
            "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots "
            "WHERE database = current_database() AND active"
        )
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
        )
