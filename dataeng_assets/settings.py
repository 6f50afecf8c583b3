"""The platform's settings: the environment, where state, lake and warehouse lie, and the addresses of sources.

This is the only reader of `DATAENG_*` variables. A value comes from the process environment, else from `.env` in the
root, else from `.dataeng/local.env`, where `dataeng up` records the addresses of the local services. Nothing is cached:
addresses are read when a run starts, so that a restarted service is found at its new port.
"""

import os
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Self

from dotenv import dotenv_values
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Environment(StrEnum):
    """Where the code location runs; decides the lake, the default status of schedules and sensors, and the TLS rule."""

    LOCAL = "local"
    STAGING = "staging"
    PROD = "prod"


class SettingMissing(Exception):
    """A variable that a connection needs has no value; the message says which and what to do."""


class Settings(BaseSettings):
    """What `DATAENG_*` variables set. Made by `load`, never changed afterwards."""

    model_config = SettingsConfigDict(env_prefix="DATAENG_", extra="ignore", frozen=True)

    env: Environment = Field(
        Environment.LOCAL,
        description="local, staging or prod: whether schedules and sensors start switched on, how often the batch "
        "runs, and whether an unencrypted Kafka is refused",
    )
    state: Path = Field(ROOT / ".dataeng", description="folder of everything that is written on this machine")
    lake: str = Field("", description="URI of the lake; a folder below `state` when empty")
    lake_options: dict[str, str] = Field({}, description="storage options of the lake, as delta-rs names them, in JSON")
    warehouse: Path | None = Field(None, description="the DuckDB file; below `state` when unset")
    first_day: date = Field(date(2026, 1, 1), description="first daily partition, UTC")
    maven_repository: str = Field("", description="where local services come from; the client's own default when empty")
    notify: SecretStr = Field(SecretStr(""), description="who is told of trouble: addresses of apprise, by spaces")
    notify_info: bool = Field(
        False, description="whether they are also told of what changes about streams and asks for nothing to be done"
    )
    pins: dict[str, int] = Field({}, description="version to read by dotted key of a lake table, in JSON")

    @classmethod
    def load(cls) -> Self:
        """Read the environment and the two files anew."""
        return cls(_env_file=(local_addresses(), ROOT / ".env"))

    @property
    def lake_uri(self) -> str:
        """URI of the lake, without a slash at its end."""
        return self.lake.rstrip("/") or str(self.state.resolve() / "lake")

    @property
    def warehouse_file(self) -> Path:
        """The DuckDB file, absolute."""
        return (self.warehouse or self.state / "warehouse.duckdb").resolve()

    @property
    def is_local(self) -> bool:
        """Whether this is the local environment, the only one in which an unencrypted Kafka is allowed."""
        return self.env is Environment.LOCAL


def state_folder() -> Path:
    """The folder that holds everything the project writes on this machine."""
    return Path(os.environ.get("DATAENG_STATE") or ROOT / ".dataeng").resolve()


def local_addresses() -> Path:
    """The file in which `dataeng up` records the addresses of the services it started, as `NAME=value` lines."""
    return state_folder() / "local.env"


def outside_address(name: str) -> str | None:
    """The value that the user gave a variable, in the environment or in `.env`; none when only `dataeng up` set it."""
    value = os.environ.get(name) or dotenv_values(ROOT / ".env").get(name)
    return None if value == recorded(name) else value


def recorded(name: str) -> str | None:
    """The value of a variable that `dataeng up` has recorded for a service that it started."""
    return dotenv_values(local_addresses()).get(name)


def variable(name: str) -> str:
    """The value of one environment variable, such as the address of a source.

    Raises:
        SettingMissing: it is set nowhere; names the places that were looked at and the next step.
    """
    value = os.environ.get(name) or dotenv_values(ROOT / ".env").get(name) or recorded(name)
    if not value:
        raise SettingMissing(
            f"{name} is not set. Start the local services with `dataeng up`, "
            f"or set {name} in the environment or in {ROOT / '.env'}."
        )
    return value
