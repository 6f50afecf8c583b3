"""The dbt project: where it lies, its manifest, and the environment in which dbt runs.

How models become assets and are built belongs in `models`.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from dagster_dbt import DbtCliResource, DbtProject
from packaging.version import Version

from dataeng_assets.orchestration.ledger.targets import Targets, read_targets
from dataeng_assets.settings import ROOT, Settings, state_folder

PROJECT_FOLDER = ROOT / "dbt"


def dbt_project() -> DbtProject:
    """The dbt project, its manifest prepared when it is missing or older than a source file of the project.

    What dbt writes lies below the state folder: a parse is good for one warehouse only, so two states would void each
    other's.
    """
    return _project(_target())


def _target() -> Path:
    return state_folder() / "dbt"


@cache
def _project(target: Path) -> DbtProject:
    project = DbtProject(project_dir=PROJECT_FOLDER, target_path=target)
    if _is_stale(project):
        prepare(project)
    return project


class InstalledDbt(DbtCliResource):
    """The dbt that is installed beside this Python, called without two things that cost two seconds each."""

    @cached_property
    def _cli_version(self) -> Version:
        """Known without asking."""
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:  # noqa: ARG002  # dagster-dbt gives them
        """None: it would parse all macros in this process, only to count rows, which `models` does itself."""
        return None


def dbt_resource(project: DbtProject) -> DbtCliResource:
    """The dbt that is installed beside this Python, whatever the PATH says."""
    beside = Path(sys.executable).with_name("dbt")
    executable = str(beside) if beside.exists() else "dbt"
    # a folder alone would do for the type, but its validator takes the parsed project from here
    return InstalledDbt(project_dir=project, dbt_executable=executable)  # type: ignore[arg-type]


def prepare(project: DbtProject) -> None:
    """Parse the project into its manifest; fails with what dbt says. Of several processes at once, one parses."""
    project.target_path.mkdir(parents=True, exist_ok=True)
    with (project.target_path / ".parse.lock").open("w") as lock, environment({}):
        fcntl.flock(lock, fcntl.LOCK_EX)
        dbt_resource(project).cli(["parse", "--quiet"], target_path=project.target_path).wait()


@cache
def targets() -> Targets:
    """What the change ledger keeps fresh, by the manifest."""
    return read_targets(manifest())


@cache
def manifest() -> Mapping[str, Any]:
    """The manifest as data."""
    parsed: Mapping[str, Any] = json.loads(dbt_project().manifest_path.read_text())
    return parsed


def owners(node: Mapping[str, Any]) -> list[str]:
    """Who owns a model: `meta.dagster.owners`, else the data team."""
    return node["config"].get("meta", {}).get("dagster", {}).get("owners") or ["team:data"]


def personal(node: Mapping[str, Any]) -> frozenset[str]:
    """Columns of a model whose values must never be shown: `meta.dataeng.personal`."""
    columns = node["columns"].items()
    said = {name: column["config"]["meta"].get("dataeng", {}) for name, column in columns if column.get("config")}
    return frozenset(name for name, meta in said.items() if meta.get("personal"))


@contextmanager
def environment(pins: Mapping[str, int]) -> Iterator[None]:
    """What the dbt process finds in its environment: the warehouse, the lake and the pinned versions."""
    settings = Settings.load()
    wanted = {
        "DATAENG_WAREHOUSE": str(settings.warehouse_file),
        "DATAENG_PINS": json.dumps(pins),
        "DBT_TARGET_PATH": str(_target()),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _is_stale(project: DbtProject) -> bool:
    if not project.manifest_path.exists():
        return True
    made = project.manifest_path.stat().st_mtime
    sources = (path for pattern in ("*.sql", "*.yml") for path in project.project_dir.rglob(pattern))
    return any(path.stat().st_mtime > made for path in sources if "target" not in path.parts)


@dataclass(frozen=True)
class ModelTime:
    """How long one model took in one run, by its name."""

    name: str
    at: datetime
    seconds: float


@dataclass(frozen=True)
class ModelTimes:
    """What the results of dbt say that lie on this machine.

    Attributes:
        runs: whose results could be read.
        unread: files that hold no results, and why.
    """

    models: tuple[ModelTime, ...]
    runs: int
    unread: tuple[tuple[Path, str], ...]


def model_times() -> ModelTimes:
    """How long each model took, by the `run_results.json` that runs have left below the target folder."""
    found: list[ModelTime] = []
    unread: list[tuple[Path, str]] = []
    runs = 0
    for path in sorted(_target().glob("dbt_*/run_results.json")):
        try:
            told = json.loads(path.read_text())
            at = datetime.fromisoformat(told["metadata"]["generated_at"])
            for one in told["results"]:
                kind, _, name = one["unique_id"].partition(".")
                if kind == "model" and one["status"] == "success":
                    found.append(ModelTime(name.rpartition(".")[2], at, float(one["execution_time"])))
            runs += 1
        except (ValueError, KeyError, TypeError, OSError) as error:
            unread.append((path.parent, f"{type(error).__name__}: it holds no results of dbt"))
    return ModelTimes(tuple(found), runs, tuple(unread))
