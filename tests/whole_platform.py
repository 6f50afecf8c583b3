"""A platform of its own for each module: state, instance, shop, topic and truth, on the session's servers."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.orchestration.dbt import dbt_project
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.runs import AssetState
from dataeng_assets.sample.fill import fill
from dataeng_assets.sample.schema import TABLES
from dataeng_assets.sample.tick import TickReport, tick
from dataeng_assets.sample.truth import Truth
from dataeng_assets.settings import ROOT

DAYS = 45
SCALE = 0.03


@dataclass
class Platform:
    """What the tests of the lineage work with."""

    home: Path
    url: str
    bootstrap: str
    instance: dg.DagsterInstance
    notices: list[str]

    @property
    def state(self) -> Path:
        return self.home / ".dataeng"

    @property
    def lake(self) -> Lake:
        return Lake(str(self.state / "lake"), {})

    @property
    def truth(self) -> Truth:
        return Truth(self.state / "truth")

    def definitions(self) -> dg.Definitions:
        from dataeng_assets.definitions import defs

        return defs()

    def tick(self) -> TickReport:
        return tick(self.url, self.bootstrap, truth=self.truth.folder)

    def commit_reached(self) -> int:
        """Number of the newest commit of the truth."""
        return max(max(self.truth.versions(table)["_commit"].to_pylist()) for table in TABLES)

    def materialize(self) -> tuple[AssetState, ...]:
        """One pass over the lineage; every asset is green after it."""
        states = materialize(self.definitions(), self.instance, self.notices.append)
        assert [state for state in states if not state.is_green] == [], self.notices[-20:]
        return states


@contextmanager
def platform_at(home: Path, url: str, bootstrap: str, *, days: int = DAYS, scale: float = SCALE) -> Iterator[Platform]:
    """A filled shop and an empty platform beside it, for as long as the block runs."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, home / name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop schema if exists shop cascade")
        connection.execute("drop schema if exists sample cascade")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("DAGSTER_HOME", str(home))
        patch.setenv("DATAENG_STATE", str(home / ".dataeng"))
        patch.setenv("DATAENG_POSTGRES_URL", url)
        patch.setenv("DATAENG_KAFKA_BOOTSTRAP", bootstrap)
        (home / ".dataeng").mkdir(exist_ok=True)
        fill(url, bootstrap, truth=home / ".dataeng" / "truth", days=days, scale=scale, anew=True)
        dbt_project()
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield Platform(home, url, bootstrap, instance, [])


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, kafka_broker: Kafka
) -> Iterator[Platform]:
    home = tmp_path_factory.mktemp("a platform")
    with platform_at(home, postgres_server.url, kafka_broker.bootstrap) as made:
        yield made
