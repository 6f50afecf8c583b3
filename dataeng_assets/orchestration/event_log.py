"""The event log of the instance, in Dagster's own tables of SQLite, with less work for each event.

Where it lies belongs in `instance`; what the platform reads from it stands where it is needed.
"""

import os
import shutil
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listens_for
from sqlalchemy.pool import NullPool, StaticPool

_OPEN_FILES = 16
_MIRRORED = frozenset({*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS})
"""Events that are looked for across runs, and so stand in the index as well."""


class StateEvents(SqliteEventLogStorage):
    """Dagster's event log, with the same rows: its files stay open, and events that come together are written together.

    A range of 91 days over four assets is some 730 events, each written to two files: 6.6 s with Dagster's class. It
    opens a file anew for each, and asks again each time which tables and columns there are.
    """

    def __init__(self, base_dir: str) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables_found: set[str] = set()
        self._columns_found: set[str] = set()
        super().__init__(base_dir)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store one event."""
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events that came together, in one transaction of each file that they belong to."""
        rows = [self._event_to_row(event) for event in events]
        for run_id in dict.fromkeys(event.run_id for event in events):
            with self.run_connection(run_id) as connection:
                connection.execute(SqlEventLogStorageTable.insert(), [row for row in rows if row["run_id"] == run_id])
        mirrored = [pair for pair in zip(events, rows, strict=True) if pair[0].dagster_event_type in _MIRRORED]
        if not mirrored:
            return
        with self.index_connection() as connection:
            stored = [(event, _inserted(connection, row)) for event, row in mirrored]
            self._store_assets(connection, [one for one in stored if one[0].dagster_event_type in ASSET_EVENTS])
            self._store_planned_checks(connection, stored)
        for event, number in stored:
            if event.dagster_event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                self.store_asset_check_event(event, number)

    def _store_assets(self, connection: Connection, stored: Sequence[tuple[dg.EventLogEntry, int]]) -> None:
        """What is looked up by asset: the tags of every event, and of each kind the newest event."""
        if not stored:
            return
        self._store_asset_event_tags(connection, *zip(*stored, strict=True))
        newest = {(one[0].dagster_event_type, one[0].get_dagster_event().asset_key): one for one in stored}
        for event, number in newest.values():
            self._store_asset_event(connection, event, number)

    def _store_planned_checks(self, connection: Connection, stored: Sequence[tuple[dg.EventLogEntry, int]]) -> None:
        """A row for each partition that a check is to judge, all with the same event."""
        planned = []
        for event, number in stored:
            if event.dagster_event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                planned += self._planned_rows(event, number)
        if planned:
            connection.execute(AssetCheckExecutionsTable.insert(), planned)

    def _planned_rows(self, event: dg.EventLogEntry, number: int) -> list[dict[str, Any]]:
        said = event.get_dagster_event().asset_check_planned_data
        row = {
            "asset_key": said.asset_key.to_string(),
            "check_name": said.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": dg.serialize_value(event),
            "evaluation_event_timestamp": self._event_to_row(event)["timestamp"],
            "evaluation_event_storage_id": number,
        }
        if said.partitions_subset is None:
            return [{**row, "partition": None}]
        return [{**row, "partition": partition} for partition in said.partitions_subset.get_partition_keys()]

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; one that was there stays."""
        if table_name not in self._tables_found and super().has_table(table_name):
            self._tables_found.add(table_name)
        return table_name in self._tables_found

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        if column_name not in self._columns_found and super()._has_asset_key_col_on_connection(conn, column_name):
            self._columns_found.add(column_name)
        return column_name in self._columns_found

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        if shard not in self._initialized_dbs:
            self._make(shard)
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _make(self, shard: str) -> None:
        """Make a file with its tables unless it is there: a copy of an empty one, as to make them takes 50 ms."""
        path = Path(self.path_for_shard(shard))
        if not path.exists():
            empty = self._empty()
            copy = empty.with_suffix(f".{uuid4().hex}")
            shutil.copyfile(empty, copy)
            with suppress(OSError):  # another process was first, or nothing can be linked here: then it is made below
                os.link(copy, path)
                self._initialized_dbs.add(shard)
            copy.unlink()
        if shard not in self._initialized_dbs:
            with super()._connect(shard):
                pass

    def _empty(self) -> Path:
        """A file with all tables and no row, made by this version of Dagster."""
        path = Path(self._base_dir) / f"empty_{dg.__version__}.sqlite"
        if not path.exists():
            made = path.with_suffix(f".{uuid4().hex}")
            engine = create_engine(f"sqlite:///{made}", poolclass=NullPool)
            self._initdb(engine)
            engine.dispose()
            made.replace(path)
        return path

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


def _inserted(connection: Connection, row: dict[str, Any]) -> int:
    """The number that a row got in the index."""
    return connection.execute(SqlEventLogStorageTable.insert(), row).lastrowid


def _engine(address: str) -> Engine:
    engine = create_engine(
        address,
        # one connection: the storage lets one thread in at a time
        poolclass=StaticPool,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @listens_for(engine, "connect")
    def safe_from_killed_processes(connection: Any, _record: Any) -> None:
        # with a write-ahead log only a crash of the machine can take the newest events
        connection.execute("pragma synchronous = normal")

    return engine
