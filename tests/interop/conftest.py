"""The whole platform for each module that asks for it, and a destination for the tests of generated pipelines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from copied_shop import Target
from whole_platform import Platform, platform

from dataeng_assets.local.postgres import Postgres
from dataeng_assets.testing.servers import new_database

__all__ = ["Platform", "platform", "target"]


@pytest.fixture(params=["duckdb", "delta", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: Postgres) -> Iterator[Target]:
    """An empty destination of each kind that is executed here."""
    if request.param == "postgres":
        with new_database(postgres_server) as url:
            yield Target("postgres", url)
    else:
        yield Target(request.param, str(tmp_path / "target"))
