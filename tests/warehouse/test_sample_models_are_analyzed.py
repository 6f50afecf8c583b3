"""The models of this project are judged as dbt compiles them over a lake, at the lines of their templates."""

from pathlib import Path

import pytest
from dbt_runs import Warehouse

from dataeng_assets.analyze.analysis import analyze
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.reading import sources
from dataeng_assets.settings import ROOT

pytestmark = pytest.mark.warehouse


def test_a_model_of_the_project_is_read_and_has_nothing_but_remarks(warehouse: Warehouse) -> None:
    with warehouse.environment():
        (read,) = sources(str(ROOT / "dbt" / "models" / "marts" / "fct_orders.sql"))
    assert "{{" in Path(read.name).read_text()
    assert "{{" not in read.text
    judged = read.placed(analyze(read.text, Engine.DUCKDB, file=read.name))
    assert judged.unread == judged.skipped == ()
    assert [finding for finding in judged.findings if finding.severity != "info"] == []
