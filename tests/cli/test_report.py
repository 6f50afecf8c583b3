"""`dataeng report` in a state folder of its own."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from quality_results import EVERY_KIND, table
from typer.testing import CliRunner

from dataeng_assets.cli import app
from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.results_store import record


@pytest.fixture
def lake(tmp_path, monkeypatch) -> Lake:
    monkeypatch.setenv("DATAENG_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("DATAENG_LAKE", raising=False)
    return Lake.current()


def test_the_site_stands_where_it_is_wanted_and_shows_what_was_recorded(lake, tmp_path):
    judged = replace(table(*EVERY_KIND), judged_at=datetime.now(UTC))
    record(lake, {"marts.fct_orders": judged}, run_id="r")
    done = CliRunner().invoke(app, ["report", "--output", str(tmp_path / "site")])
    assert done.exit_code == 0, done.output
    assert "1 table was judged in the last 30 days." in done.output
    assert "net_amount_range" in (tmp_path / "site" / "tables" / "marts.fct_orders.html").read_text()


def test_without_results_the_site_says_so(lake, tmp_path):
    done = CliRunner().invoke(app, ["report"])
    assert done.exit_code == 0, done.output
    assert "No table was judged" in done.output
    assert "Nothing was judged yet" in (tmp_path / "state" / "report" / "index.html").read_text()


def test_a_page_of_somebody_else_is_not_overwritten(lake, tmp_path):
    (tmp_path / "index.html").write_text("mine")
    done = CliRunner().invoke(app, ["report", "--output", str(tmp_path)])
    assert done.exit_code == 2
    assert "Nothing was written" in done.output
    assert (tmp_path / "index.html").read_text() == "mine"
