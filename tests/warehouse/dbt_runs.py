"""dbt in the test's own process: parsed once, then a third of a second per run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from dataeng_assets.lake.location import Lake
from dataeng_assets.settings import ROOT


@dataclass
class Warehouse:
    """One DuckDB file over one lake, and dbt on it."""

    file: Path
    lake: Lake
    manifest: Manifest

    def dbt(self, *arguments: str, pins: Mapping[str, int] | None = None) -> dbtRunnerResult:
        """Run a dbt command, as the platform does without unit tests; the result tells whether it succeeded."""
        if arguments[0] in ("build", "test") and not {"--resource-type", "test_type:unit"} & set(arguments):
            arguments = (*arguments, "--exclude-resource-type", "unit_test")
        with self.environment(pins):
            return dbtRunner(manifest=self.manifest).invoke([*arguments, *folders(self.file.parent)])

    def run(
        self,
        first: str = "",
        last: str = "",
        *,
        select: str = "+agg_daily_revenue",
        pins: Mapping[str, int] | None = None,
    ) -> None:
        """Make models, without their tests, for the days from first to last; both belong to the range."""
        window = days(first, last) if first else []
        result = self.dbt("run", "--select", select, *window, pins=pins)
        assert result.success, messages(result)

    def environment(self, pins: Mapping[str, int] | None = None) -> "Environment":
        """What dbt finds in its environment."""
        return Environment(self.file, self.lake, pins)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(sql).fetchall()


def compile_inline(manifest: Manifest, jinja: str, folder: Path) -> dbtRunnerResult:
    """Compile Jinja with the project's macros; the result tells whether it succeeded.

    Args:
        manifest: of the project.
        jinja: what to compile.
        folder: where `warehouse.duckdb` lies, if the macros ask it.
    """
    before = set(manifest.nodes)
    with Environment(folder / "warehouse.duckdb", Lake(str(folder / "nothing"))):
        result = dbtRunner(manifest=manifest).invoke(["compile", "--inline", jinja, *folders(folder)])
    for left in manifest.nodes.keys() - before:  # of one that failed; dbt would refuse the next for having its name
        del manifest.nodes[left]
    return result


def days(first: str, last: str) -> list[str]:
    """The flags that tell dbt a range of days, both included."""
    end = date.fromisoformat(last) + timedelta(days=1)
    return ["--event-time-start", first, "--event-time-end", end.isoformat()]


def messages(result: dbtRunnerResult) -> str:
    """What dbt said about what failed."""
    if result.exception is not None:
        return str(result.exception)
    return "\n".join(f"{r.node.name}: {r.message}" for r in result.result if r.status not in ("success", "pass"))


def folders(target: Path) -> list[str]:
    dbt = str(ROOT / "dbt")
    return [
        *("--project-dir", dbt, "--profiles-dir", dbt, "--target-path", str(target / "target")),
        *("--log-path", str(target / "logs"), "--quiet"),
    ]


class Environment:
    """What a caller of dbt sets."""

    def __init__(self, warehouse: Path, lake: Lake, pins: Mapping[str, int] | None = None) -> None:
        self.patch = pytest.MonkeyPatch()
        self.values = {
            "DATAENG_WAREHOUSE": str(warehouse),
            "DATAENG_LAKE": lake.uri,
            "DATAENG_PINS": json.dumps(dict(pins or {})),
        }

    def __enter__(self) -> None:
        for name, value in self.values.items():
            self.patch.setenv(name, value)

    def __exit__(self, *_: object) -> None:
        DuckDBConnectionManager.close_all_connections()
        self.patch.undo()
