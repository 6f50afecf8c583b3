"""Fixtures of the warehouse tests; what they hold stands in `small_shop`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from small_shop import Bronze, Environment, Warehouse, folders, messages

from dataeng_assets.lake.location import Lake
from dataeng_assets.settings import ROOT


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The project, parsed where there is neither a lake nor a warehouse."""
    folder = tmp_path_factory.mktemp("parsed")
    with Environment(folder / "warehouse.duckdb", Lake(str(folder / "nothing"))):
        result = dbtRunner().invoke(["parse", *folders(folder)])
    assert result.success, messages(result)
    assert not (folder / "warehouse.duckdb").exists()
    assert isinstance(result.result, Manifest)
    return result.result


@pytest.fixture
def make_warehouse(tmp_path: Path, parsed: Manifest) -> Callable[..., Warehouse]:
    """Makes warehouses over one lake."""

    def make(lake: Lake, name: str = "one") -> Warehouse:
        (tmp_path / name).mkdir()
        return Warehouse(tmp_path / name / "warehouse.duckdb", lake, parsed)

    return make


@pytest.fixture
def bronze(tmp_path: Path) -> Iterator[Bronze]:
    """An empty lake in a folder whose name needs care."""
    yield Bronze(Lake(str(tmp_path / "ein Läke")))
    os.chdir(ROOT)  # dbt changes it


@pytest.fixture
def warehouse(bronze: Bronze, make_warehouse: Callable[..., Warehouse]) -> Warehouse:
    """An empty warehouse over the lake of `bronze`."""
    return make_warehouse(bronze.lake)
