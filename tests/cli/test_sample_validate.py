"""`dataeng validate --table` on a table of the sample shop: what it finds is kept for the report."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from typer.testing import CliRunner

from dataeng_assets.cli import app
from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.results_store import read

KEY = ("bronze", "shop", "orders")


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("DATAENG_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("DATAENG_LAKE", raising=False)
    found = Lake.current()
    found.create(KEY, pa.schema([("order_id", pa.int64())]))
    write_deltalake(found.at(KEY), pa.table({"order_id": [1, 1]}), mode="append")
    return found


def test_the_document_stands_alone_and_what_became_of_the_judgement_is_said_beside_it(lake: Lake) -> None:
    done = CliRunner().invoke(app, ["validate", "--table", "shop.orders", "--format", "json"])
    assert (done.exit_code, json.loads(done.stdout)["overall_status"]) == (1, "violated")
    assert "Kept for the report" in done.stderr
    (kept,) = read(lake)
    assert (kept.table_key, kept.is_by_hand, kept.overall, kept.data_version) == (".".join(KEY), True, "violated", "1")


def test_part_of_the_rules_is_told_and_not_kept(lake: Lake) -> None:
    done = CliRunner().invoke(app, ["validate", "--table", "shop.orders", "--checks", "uniqueness"])
    assert done.exit_code == 1
    assert "only part of its rules" in done.stderr
    assert read(lake) == []


def test_rules_of_a_document_are_told_and_not_kept(lake: Lake, tmp_path: Path) -> None:
    rules = tmp_path / "orders.json"
    rules.write_text(json.dumps({"contract": "orders", "schema": {"properties": {"order_id": {"unique": True}}}}))
    done = CliRunner().invoke(app, ["validate", "--table", "shop.orders", "--schema", str(rules)])
    assert done.exit_code == 1
    assert "by other rules" in done.stderr
    assert read(lake) == []
