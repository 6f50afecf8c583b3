"""Where the Dagster instance writes: below the state folder, by absolute path, wherever Dagster is started from.

`dagster.yaml` names these classes. A relative folder there would be read anew at every write, and dagster-dbt changes
into dbt's folder while it works: events would be written to a second instance inside of it.
"""

from typing import Any

from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from dataeng_assets.settings import state_folder


class StateStorage(DagsterSqliteStorage):
    """Runs, events, schedules and sensors, in SQLite."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """It takes no settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> "StateStorage":  # noqa: ARG003
        """Open it; Dagster calls this in each of its processes."""
        return cls(_folder("storage"), inst_data)


class StateArtifacts(LocalArtifactStorage):
    """What runs leave beside their events."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """It takes no settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "StateArtifacts":  # noqa: ARG003
        """Open it; Dagster calls this in each of its processes."""
        return cls(_folder("artifacts"), inst_data)


class StateLogs(LocalComputeLogManager):
    """What steps print."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """It takes no settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "StateLogs":  # noqa: ARG003
        """Open it; Dagster calls this in each of its processes."""
        return cls(_folder("logs"), inst_data=inst_data)


def _folder(name: str) -> str:
    folder = state_folder() / "dagster" / name
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
