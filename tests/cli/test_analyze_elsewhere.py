"""`dataeng analyze` of what is no SQL, and with a database that is asked."""

import json
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from typer.testing import CliRunner

from dataeng_assets.analyze.guides import GUIDES
from dataeng_assets.cli import app

EVENT_LOG = Path(__file__).parents[1] / "analyze" / "spark_events.zstd"


def _run(*arguments):
    result = CliRunner().invoke(app, ["analyze", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def _rules(*arguments):
    code, output = _run(*arguments, "--format", "json")
    return code, {finding["rule"] for finding in json.loads(output)["findings"]}


def test_code_settings_and_projects_are_judged(tmp_path):
    (tmp_path / "job.py").write_text("import pyspark\nframe.toPandas()\n")
    (tmp_path / "spark-defaults.conf").write_text("spark.memory.fraction 0.1\n")
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "orders.sql").write_text("{{ config(materialized='incremental', unique_key='a') }} select 1")
    assert _rules("--file", tmp_path / "job.py") == (1, {"spark-to-pandas"})
    assert _rules("--file", tmp_path / "spark-defaults.conf") == (1, {"spark-memory-fraction"})
    assert _rules("--file", tmp_path) == (1, {"dbt-incremental-reads-all"})
    assert _run("--file", tmp_path / "missing.py")[0] == 2


def test_an_event_log_is_judged_and_shown(tmp_path):
    code, output = _run("--event-log", EVENT_LOG)
    assert code == 1
    assert "74.0 s" in " ".join(output.split())
    assert _run("--event-log", tmp_path)[0] == 2
    assert _rules("--event-log", EVENT_LOG, "--fail-on", "error")[0] == 0


def test_a_job_is_judged_by_its_runs(monkeypatch):
    with dg.instance_for_test() as instance:

        @dg.op
        def one() -> None:
            pass

        @dg.job
        def nightly() -> None:
            one()

        nightly.execute_in_process(instance=instance)
        monkeypatch.setattr("dataeng_assets.orchestration.runs.open_instance", lambda: instance)
        code, rules = _rules("--job", "nightly", "--price-per-hour", "2")
        assert (code, rules) == (1, {"job-slowest-steps", "job-cost"})


def test_a_database_is_asked_when_it_is_named(tmp_path):
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            "create table orders as select i as order_id, timestamp '2024-01-01' as ordered_at from range(9) t(i)"
        )
    sql = tmp_path / "query.sql"
    sql.write_text("select order_id from orders where cast(ordered_at as date) = '2024-01-01'")
    asked = ("--query", sql, "--engine", "duckdb", "--connect", path, "--measure", "--recommend", "--format", "json")
    (finding,) = json.loads(_run(*asked)[1])["findings"]
    assert finding["rule"] == "function-on-column"
    assert "ms before" in json.dumps(finding)
    assert _run("--query", sql, "--connect", tmp_path / "none.duckdb")[0] == 2


@pytest.mark.parametrize("guide", [family[0] for family in GUIDES.values()], ids=lambda guide: guide.id)
def test_guides_are_explained(guide):
    code, output = _run("--explain", guide.id)
    assert code == 0
    assert guide.title in output
