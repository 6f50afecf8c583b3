"""Settings of Spark and materializations of dbt."""

import pytest

from dataeng_assets.analyze.configuration import GUIDES, dbt_models, size, spark_configuration
from dataeng_assets.analyze.facts import Facts, TableFacts
from dataeng_assets.analyze.reading import SourceUnreadable

SPARK = [guide for guide in GUIDES if guide.id.startswith("spark")]


def _rules(text):
    return [finding.rule for finding in spark_configuration(text, "spark-defaults.conf").findings]


@pytest.mark.parametrize("guide", SPARK, ids=lambda guide: guide.id)
def test_each_setting_is_found_and_its_better_one_is_not(guide):
    assert _rules(guide.bad) == [guide.id]
    assert _rules(guide.good) == []


def test_a_setting_is_found_in_its_line():
    text = "# executors\nspark.executor.cores=4\nspark.executor.memory = 128g\nspark.memory.fraction 0.6\n"
    (finding,) = spark_configuration(text, "spark-defaults.conf").findings
    assert (finding.rule, finding.place.line) == ("spark-executor-memory", 3)


@pytest.mark.parametrize(
    ("text", "number"),
    [("10m", 10 << 20), ("-1", -1), ("2gb", 2 << 30), ("10485760", 10485760), ("many", None), ("512 MB", 512 << 20)],
)
def test_sizes_are_read_as_spark_writes_them(text, number):
    assert size(text) == number


@pytest.fixture
def project(tmp_path):
    (tmp_path / "dbt_project.yml").write_text(
        "name: shop\nmodels:\n  shop:\n    +materialized: view\n    marts:\n      +materialized: table\n"
    )
    (tmp_path / "models" / "marts").mkdir(parents=True)
    return tmp_path


def _of(project, name, text, rows=50_000_000):
    (project / "models" / name).write_text(text)
    facts = Facts({"bronze.shop.orders": TableFacts("bronze.shop.orders", rows=rows)})
    return [finding.rule for one in dbt_models(project, facts) for finding in one.findings]


def test_a_table_of_a_large_source_should_be_incremental(project):
    sql = "select * from {{ source('shop', 'orders') }}"
    assert _of(project, "marts/fct_orders.sql", sql) == ["dbt-table-of-large-source"]
    assert _of(project, "marts/fct_orders.sql", sql, rows=1000) == []
    assert _of(project, "marts/fct_orders.sql", "{{ config(materialized='view') }}" + sql) == []


def test_incremental_models_need_a_filter_and_a_key(project):
    bare = "{{ config(materialized='incremental') }} select 1"
    assert _of(project, "orders.sql", bare) == ["dbt-incremental-reads-all", "dbt-incremental-without-key"]
    whole = "{{ config(materialized='incremental', unique_key='id') }} select 1 {% if is_incremental() %}{% endif %}"
    assert _of(project, "orders.sql", whole) == []


def test_a_project_that_is_no_yaml_is_said(project):
    (project / "dbt_project.yml").write_text("a: [")
    with pytest.raises(SourceUnreadable, match="no YAML"):
        dbt_models(project, Facts())
