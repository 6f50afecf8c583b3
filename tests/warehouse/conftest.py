"""Fixtures of the warehouse tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_runs import Environment, Warehouse, compile_inline, folders, messages
from small_shop import bronze, warehouse  # noqa: F401 # sample

from dataeng_assets.lake.location import Lake


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


@pytest.fixture(scope="session")
def compile_macro(parsed: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Compiles Jinja with the project's macros to SQL."""
    folder = tmp_path_factory.mktemp("compiled")

    def compiled(jinja: str) -> str:
        result = compile_inline(parsed, jinja, folder)
        assert result.success, messages(result)
        return str(result.result.results[0].node.compiled_code)

    return compiled


@pytest.fixture
def make_warehouse(tmp_path: Path, parsed: Manifest) -> Callable[..., Warehouse]:
    """Makes warehouses over one lake."""

    def make(lake: Lake, name: str = "one") -> Warehouse:
        (tmp_path / name).mkdir()
        return Warehouse(tmp_path / name / "warehouse.duckdb", lake, parsed)

    return make
