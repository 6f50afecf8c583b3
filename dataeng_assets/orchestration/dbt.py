"""dbt inside Dagster: the project and its manifest, how models become assets, and how a range of days is built."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject

from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration import warehouse
from dataeng_assets.orchestration.ledger.entries import mark_handled
from dataeng_assets.orchestration.ledger.targets import Targets, model_key, read_targets
from dataeng_assets.orchestration.partitions import days_of
from dataeng_assets.orchestration.pins import pinned
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


def dbt_resource(project: DbtProject) -> DbtCliResource:
    """The dbt that is installed beside this Python, whatever the PATH says."""
    beside = Path(sys.executable).with_name("dbt")
    return DbtCliResource(project_dir=project, dbt_executable=str(beside) if beside.exists() else "dbt")


def prepare(project: DbtProject) -> None:
    """Parse the project into its manifest; fails with what dbt says. Of several processes at once, one parses."""
    project.target_path.mkdir(parents=True, exist_ok=True)
    with (project.target_path / ".parse.lock").open("w") as lock, _environment({}):
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


class Translator(DagsterDbtTranslator):
    """A model's key is its layer and name, a source's the key of its lake table; the group of a mart is `marts`."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The asset of a dbt model or source."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec
        layer = node["fqn"][1]
        return spec.replace_attributes(
            group_name=layer if layer == "marts" else node["name"].partition("_")[2].split("__")[0],
            owners=owners(node),
            tags={**spec.tags, "layer": layer},
            kinds={"dbt", "duckdb"},
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The key of a model or source."""
        return dg.AssetKey(model_key(dbt_resource_props))


def build(context: dg.AssetExecutionContext, dbt: DbtCliResource, *, is_daily: bool) -> Iterator[Any]:
    """Build the selected models from bronze as this run has pinned it, test them, and tell the ledger.

    The days of the run travel as event-time flags: a variable that changes would make dbt parse everything again.
    """
    lake = Lake.current()
    pins = pinned(context, lake)
    days = days_of(context.partition_time_window) if is_daily else None
    flags: list[str] = []
    if days:
        window = context.partition_time_window
        flags = [
            "--event-time-start", window.start.strftime("%Y-%m-%d %H:%M:%S"),
            "--event-time-end", window.end.strftime("%Y-%m-%d %H:%M:%S"),
        ]  # fmt: skip
    with warehouse.exclusively(Settings.load().warehouse_file):
        with _environment(pins):
            invocation = dbt.cli(["build", *flags], context=context)
        with _staying_here():
            yield from invocation.stream().fetch_row_counts()
    names = [".".join(key.path) for key in context.selected_asset_keys]
    handled = mark_handled(lake, targets(), names, days, pins, context.run.run_id)
    context.log.info("%s entries of the change ledger are handled", handled)


@contextmanager
def _environment(pins: Mapping[str, int]) -> Iterator[None]:
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


@contextmanager
def _staying_here() -> Iterator[None]:
    """Threads that count rows enter dbt's folder side by side, and may leave the process there for good."""
    here = Path.cwd()
    try:
        yield
    finally:
        os.chdir(here)


def _is_stale(project: DbtProject) -> bool:
    if not project.manifest_path.exists():
        return True
    made = project.manifest_path.stat().st_mtime
    sources = (path for pattern in ("*.sql", "*.yml") for path in project.project_dir.rglob(pattern))
    return any(path.stat().st_mtime > made for path in sources if "target" not in path.parts)
