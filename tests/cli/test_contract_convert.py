"""`dataeng contract convert`: documents on standard output, what is lost on standard error, 0 and 2 apart."""

import json
from pathlib import Path
from typing import get_args

import pytest
import yaml
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app
from dataeng_assets.cli.contract_convert import Forms
from dataeng_assets.contracts.convert.detect import read_suites
from dataeng_assets.contracts.convert.forms import FORMS
from dataeng_assets.settings import ROOT

SCHEMA = {
    "type": "object",
    "title": "sales",
    "required": ["id"],
    "properties": {"id": {"type": "integer", "minimum": 1}, "code": {"pattern": "(?=a)"}},
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["contract", "convert", *arguments])


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "sales.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def test_the_forms_of_the_command_are_those_there_are():
    assert get_args(Forms) == tuple(FORMS)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_written_and_what_it_lacks_is_told_apart_from_it(document: Path, form: str):
    shown = run(str(document), "--to", form)
    assert shown.exit_code == 0
    assert "id" in shown.stdout
    assert "looks ahead" in shown.stderr
    assert "looks ahead" not in shown.stdout or form == "odcs"


@pytest.mark.parametrize("form", ["odcs", "json-schema", "dbt", "gx"])
def test_what_is_written_can_be_read_again(document: Path, tmp_path: Path, form: str):
    written = tmp_path / "made" / f"again.{'json' if form in ('json-schema', 'gx') else 'yaml'}"
    assert run(str(document), "--to", form, "--output", str(written)).exit_code == 0
    (suite,) = read_suites(written)
    assert suite.name == "sales"
    assert "id" in {column.name for column in suite.columns}


def test_every_mart_becomes_a_contract_with_all_of_its_rules():
    for path in sorted((ROOT / "dbt" / "models" / "marts").glob("*.yml")):
        shown = run(str(path), "--to", "odcs")
        assert shown.exit_code == 0, shown.output
        assert yaml.safe_load(shown.stdout)["schema"][0]["name"] == path.stem


def test_one_table_of_several_is_chosen_by_name(tmp_path):
    sources = tmp_path / "models.yml"
    models = [
        {"name": name, "columns": [{"name": "id", "data_type": "bigint"}]}
        for name in ("stg_shop__orders", "stg_shop__customers")
    ]
    sources.write_text(yaml.safe_dump({"version": 2, "models": models}))
    several = run(str(sources), "--to", "avro")
    assert several.exit_code == 2
    assert "say which" in several.stderr
    one = run(f"{sources}#stg_shop__orders", "--to", "avro")
    assert (one.exit_code, json.loads(one.stdout)["name"]) == (0, "stg_shop__orders")
    missing = run(f"{sources}#stg_shop__order", "--to", "avro")
    assert (missing.exit_code, "did you mean" in missing.stderr) == (2, True)
    both = run(str(sources), "--to", "ddl-postgres")
    assert both.stdout.count("create table") == len(yaml.safe_load(sources.read_text())["models"])


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "hello: 1", "a: &a [*a]", '{"type": "object", "properties": {"a": {"$ref": "http://x"}}}']
)
def test_what_cannot_be_read_ends_with_2_and_a_message(tmp_path: Path, text: str):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    shown = run(str(path), "--to", "odcs")
    assert shown.exit_code == 2
    assert str(path) in shown.stderr
    assert not shown.stdout


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path):
    assert run(str(tmp_path / "none.yaml"), "--to", "odcs").exit_code == 2
