"""Models of a dbt project are judged as dbt compiles them, at the lines of the template."""

from pathlib import Path

import pytest

from dataeng_assets.analyze.analysis import Analysis, analyze
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.reading import sources


def judged(query: Path) -> list[Analysis]:
    return [one.placed(analyze(one.text, Engine.DUCKDB, file=one.name)) for one in sources(str(query))]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "dbt_project.yml": "name: shop\nprofile: shop\nconfig-version: 2\nmodel-paths: [models]\n",
        "profiles.yml": "shop:\n  target: t\n  outputs:\n    t: {type: duckdb, path: ':memory:'}\n",
        "models/orders.sql": "select 1 as order_id, null as shipped_at\n",
        "models/open.sql": "{{ config(materialized='table') }}\n\n{% set day = '2026-03-01' %}\n"
        "select order_id\nfrom {{ ref('orders') }}\nwhere shipped_at = null\n",
        "macros/day.sql": "{% macro day() %} current_date {% endmacro %}\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.warehouse
def test_a_finding_in_a_model_has_its_line_in_the_template(project: Path) -> None:
    found = {Path(one.file).name: one for one in judged(project)}
    assert sorted(found) == ["open.sql", "orders.sql"]
    assert found["open.sql"].unread == ()
    (finding,) = found["open.sql"].findings
    assert (finding.rule, finding.place.line, finding.place.column, finding.place.end_column) == (
        "equals-null",
        6,
        7,
        24,
    )


@pytest.mark.warehouse
def test_a_project_that_dbt_refuses_is_named_with_what_dbt_says(project: Path) -> None:
    (project / "models" / "broken.sql").write_text("select * from {{ ref('nowhere') }}\n")
    (open_,) = [one for one in judged(project) if one.file.endswith("open.sql")]
    assert "nowhere" in open_.unread[0].reason
