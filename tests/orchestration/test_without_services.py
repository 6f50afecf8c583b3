"""On a machine where nothing was started, from wherever it is asked: it loads, and says what to start."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from dataeng_assets.components.postgres_tables import PostgresTablesComponent
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.settings import ROOT

BIN = Path(sys.executable).parent
STORAGE = "from dataeng_assets.orchestration.runs import open_instance; print(open_instance().root_directory)"


def run(*command: str, cwd: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    unset = ("DAGSTER_HOME", "DATAENG_STATE", "DATAENG_POSTGRES_URL", "DATAENG_KAFKA_BOOTSTRAP")
    outside = {name: value for name, value in os.environ.items() if name not in unset}
    environment = {**outside, "PYTHONPATH": str(ROOT), **settings}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_definitions_load_without_a_home_and_without_an_address(tmp_path: Path) -> None:
    validated = run(str(BIN / "dagster"), "definitions", "validate", "-m", "dataeng_assets.definitions", cwd=tmp_path)
    assert validated.returncode == 0, validated.stderr[-2000:]


def test_the_definitions_load_with_a_home_elsewhere(tmp_path: Path) -> None:
    loads = "from dataeng_assets.definitions import defs; defs().get_repository_def()"
    loaded = run(sys.executable, "-c", loads, cwd=tmp_path, DAGSTER_HOME=str(tmp_path))
    assert loaded.returncode == 0, loaded.stderr[-2000:]


def test_the_command_line_finds_its_instance_from_any_folder(tmp_path: Path) -> None:
    here = run(sys.executable, "-c", STORAGE, cwd=tmp_path, DATAENG_STATE=str(tmp_path / "state"))
    assert here.returncode == 0, here.stderr[-2000:]
    assert (tmp_path / "state" / "dagster" / "storage").is_dir()
    assert not (tmp_path / ".dataeng").exists()


def test_a_batch_without_an_address_says_what_to_start_and_is_not_retried(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATAENG_POSTGRES_URL", raising=False)
    monkeypatch.setenv("DATAENG_FIRST_DAY", "2026-01-01")
    source = PostgresTablesComponent(source="shop", url_variable="DATAENG_POSTGRES_URL", db_schema="shop")
    contracts = {"orders": load_contract(ROOT / "tests" / "contracts" / "documents" / "orders.yaml")}
    tables = source._assets(source.source_tables(contracts))
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([tables], instance=instance, partition_key="2026-01-02", raise_on_error=False)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    said = failure.step_failure_data.user_failure_data
    assert said
    assert "DATAENG_POSTGRES_URL is not set. Start the local services with `dataeng up`" in str(said.description)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
