"""Where the Dagster instance writes: below the state folder, by absolute path, wherever Dagster is started from.

`dagster.yaml` names these classes. A relative folder there would be read anew at every write, and dagster-dbt changes
into dbt's folder while it works: events would be written to a second instance inside of it.
"""

import fcntl
import os
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from dataeng_assets.orchestration.event_log import StateEvents
from dataeng_assets.settings import state_folder


class StateStorage(DagsterSqliteStorage):
    """Runs, events, schedules and sensors, in SQLite."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Dagster hands over one event at a time unless it is told how many at most
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
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
