"""The page on bringing rules: its commands run as they are written, and its contract is one."""

import json
import re
import shlex
from pathlib import Path

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from dataeng_assets.cli import app
from dataeng_assets.contracts.convert.detect import read_suites
from dataeng_assets.settings import ROOT

PAGE = (ROOT / "docs" / "how-to" / "bring-your-rules.md").read_text()
COMMANDS = re.findall(r"^dataeng (.*)$", PAGE, re.MULTILINE)
(SIMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
EXPECTATION = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "order_id"}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    documents = {
        "schemas/sales.json": {"type": "object", "properties": {"order_id": {"type": "string"}}},
        "gx/expectations/sales.json": {"name": "sales", "expectations": [EXPECTATION]},
        "models/schema.yml": {
            "models": [{"name": name, "columns": [{"name": "order_id"}]} for name in ("sales", "other")]
        },
    }
    for name, document in documents.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
    (tmp_path / "data").mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 'A-1' as order_id) to '{tmp_path}/data/sales.parquet'")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_of_the_page_runs_as_it_is_written(project: Path):
    assert len(COMMANDS) == 9
    for command in COMMANDS:
        shown = CliRunner().invoke(app, shlex.split(command))
        assert shown.exit_code == 0, (command, shown.output)


def test_the_contract_of_the_page_is_one(tmp_path: Path):
    path = tmp_path / "sales.yaml"
    path.write_text(SIMPLE)
    (suite,) = read_suites(path)
    assert not suite.not_executed
    assert set(yaml.safe_load(SIMPLE)["schema"]["properties"]) == {column.name for column in suite.columns}
