from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app

HEADER = "id,status,email"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    rows = (f"{place},{'paid' if place % 2 else 'sent'},someone{place}@mail.example" for place in range(60))
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_what_was_inferred_holds_until_the_data_is_corrupted(tmp_path: Path, orders: Path) -> None:
    contract = tmp_path / "contracts" / "orders.yaml"
    assert run("contract", "infer", orders, "--output", contract).exit_code == 0
    assert run("validate", "--input", orders, "--schema", contract).exit_code == 0
    orders.write_text(orders.read_text() + "1,gone,nobody\n")
    done = run("validate", "--input", orders, "--schema", contract, "--format", "json")
    assert done.exit_code == 1
    assert {"unique__id", "one_of__status", "format__email"} <= set(done.stdout.replace('"', " ").split())


def test_the_document_is_all_that_stands_on_standard_output(orders: Path) -> None:
    done = run("contract", "infer", orders, "--name", "sales")
    document = yaml.safe_load(done.stdout)
    assert (done.exit_code, document["status"], document["schema"][0]["name"]) == (0, "draft", "sales")
    assert done.stdout.startswith("# Proposed by `dataeng contract infer` on ")
    assert "60 rows, 3 columns" in done.stderr
    assert "mail.example" not in done.output


def test_a_contract_that_is_there_is_not_overwritten(orders: Path, tmp_path: Path) -> None:
    contract = tmp_path / "orders.yaml"
    contract.write_text("reviewed")
    done = run("contract", "infer", orders, "--output", contract)
    assert done.exit_code == 2
    assert "Nothing was written" in done.output
    assert contract.read_text() == "reviewed"


def test_what_cannot_be_read_ends_with_2(tmp_path: Path) -> None:
    done = run("contract", "infer", tmp_path / "nowhere.csv")
    assert (done.exit_code, done.stdout) == (2, "")
    assert run("validate", "--input", tmp_path / "nowhere.csv").exit_code == 2


def test_without_rules_an_input_is_shown_and_the_way_to_a_contract_is_told(orders: Path) -> None:
    done = run("validate", "--input", orders)
    told = " ".join(done.output.split())
    assert done.exit_code == 0
    assert "Nothing was demanded, so nothing was judged" in told
    assert "dataeng contract infer" in told
    assert "sent (30)" in told
    assert "mail.example" not in told


def test_what_was_asked_of_rules_is_not_answered_by_a_profile(orders: Path, tmp_path: Path) -> None:
    for asked in (("--checks", "freshness"), ("--format", "json"), ("--output", tmp_path / "r.json")):
        done = run("validate", "--input", orders, *asked)
        assert done.exit_code == 2
        assert "--schema FILE" in " ".join(done.output.split())
