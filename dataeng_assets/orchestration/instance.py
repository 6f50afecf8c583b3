"""Where the Dagster instance writes: below the state folder, by absolute path, wherever Dagster is started from.

`dagster.yaml` names these classes. A relative folder there would be read anew at every write, and dagster-dbt changes
into dbt's folder while it works: events would be written to a second instance inside of it.
"""

import fcntl
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from dataeng_assets.settings import state_folder

_OPEN_FILES = 16


class StateEvents(SqliteEventLogStorage):
    """The event log in Dagster's own files, each kept open instead of opened anew for every event.

    A range of 91 days over four assets is some 730 events, each written to two files: 6.6 s with Dagster's class.
    """

    def __init__(self, base_dir: str) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        if shard not in self._initialized_dbs:
            with super()._connect(shard):
                pass
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            self._engines[shard] = _engine(self.conn_string_for_shard(shard))
        self._engines.move_to_end(shard)
        while len(self._engines) > _OPEN_FILES:
            _, unused = self._engines.popitem(last=False)
            unused.dispose()
        return self._engines[shard]

    def wipe(self) -> None:
        """Remove all events."""
        self.dispose()
        super().wipe()

    def dispose(self) -> None:
        """Close the files."""
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
        super().dispose()


def _engine(address: str) -> Engine:
    engine = create_engine(
        address,
        # one connection: the storage lets one thread in at a time
        poolclass=StaticPool,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def safe_from_killed_processes(connection: Any, _record: Any) -> None:
        # with a write-ahead log only a crash of the machine can take the newest events
        connection.execute("pragma synchronous = normal")

    return engine


class StateStorage(DagsterSqliteStorage):
    """Runs, events, schedules and sensors, in SQLite."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # processes that start together would each make the tables, and mark them twice as made
        with (Path(base_dir) / ".made.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().__init__(base_dir, inst_data)
        self._event_log_storage = StateEvents(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """It takes no settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Self:  # noqa: ARG003  # Dagster gives it
        """Open it; Dagster calls this in each of its processes."""
        return cls(_folder("storage"), inst_data)


class StateArtifacts(LocalArtifactStorage):
    """What runs leave beside their events."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """It takes no settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:  # noqa: ARG003  # Dagster gives it
        """Open it; Dagster calls this in each of its processes."""
        return cls(_folder("artifacts"), inst_data)


class StateLogs(LocalComputeLogManager):
    """What steps print."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """It takes no settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:  # noqa: ARG003  # Dagster gives it
        """Open it; Dagster calls this in each of its processes."""
        return cls(_folder("logs"), inst_data=inst_data)


def _folder(name: str) -> str:
    folder = state_folder() / "dagster" / name
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
