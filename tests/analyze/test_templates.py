"""Models of a dbt project are judged as dbt compiles them, at the lines of the template."""

from pathlib import Path

import pytest

from dataeng_assets.analyze.finding import Place
from dataeng_assets.analyze.reading import sources
from dataeng_assets.analyze.templates import Rendered, is_template

TEMPLATE = """{{ config(materialized='table') }}

{% set day = '2026-03-01' %}
select order_id
from {{ ref('orders') }}
where shipped_at = null
"""
COMPILED = """


select order_id
from "shop"."main"."orders"
where shipped_at = null"""


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place("q", 6, 7, 6, 24), Place("q", 6, 7, 6, 24)),
        (Place("q", 4, 8, 4, 16), Place("q", 4, 8, 4, 16)),
        (Place("q", 5, 6, 5, 28), Place("q", 5, 1, 5, 25)),
        (Place("q", 5, 6, 6, 24), Place("q", 5, 1, 5, 25)),
    ],
)
def test_a_place_is_that_of_the_template_or_the_line_that_made_it(place: Place, expected: Place) -> None:
    assert Rendered(TEMPLATE, COMPILED).place(place) == expected


@pytest.mark.parametrize("text", ["select {{ x }}", "{% if a %}", "{{config(a=1)}}", "{# note #}", "{{- ds | upper }}"])
def test_jinja_is_a_template(text: str) -> None:
    assert is_template(text)


@pytest.mark.parametrize("text", ["select '{{1,2},{3,4}}'", "select {'a': {'b': 1}}", "select '{}'"])
def test_braces_of_sql_are_none(text: str) -> None:
    assert not is_template(text)


@pytest.mark.warehouse
def test_a_project_that_dbt_refuses_is_named_with_what_dbt_says(tmp_path: Path) -> None:
    files = {
        "dbt_project.yml": "name: shop\nprofile: shop\nconfig-version: 2\nmodel-paths: [models]\n",
        "profiles.yml": "shop:\n  target: t\n  outputs:\n    t: {type: duckdb, path: ':memory:'}\n",
        "models/broken.sql": "select * from {{ ref('nowhere') }}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (broken,) = sources(str(tmp_path))
    assert "dbt does not compile" in broken.unread
    assert "nowhere" in broken.unread
