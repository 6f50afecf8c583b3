"""PySpark code and DAGs are judged by their syntax; each rule by its own bad and good example."""

import ast

import pytest

from dataeng_assets.analyze.code import airflow, spark
from dataeng_assets.analyze.code.lint import lint, lint_text
from dataeng_assets.analyze.reading import SourceUnreadable

# What a DAG needs so that only the rule in question speaks.
_DAG = (
    "import airflow\n"
    "default_args = {'owner': 'a', 'retries': 1, 'execution_timeout': limit, 'email_on_failure': True}\n"
)
_ALONE = {"airflow-no-timeout", "airflow-missing-retries", "airflow-missing-owner", "airflow-no-failure-notice"}
CASES = [("pyspark", rule) for rule in spark.RULES] + [("airflow", rule) for rule in airflow.RULES]


def _found(package, rule, code):
    head = _DAG if package == "airflow" and rule.guide.id not in _ALONE else f"import {package}\n"
    if rule.guide.id in ("airflow-missing-owner", "airflow-no-failure-notice"):
        code += "\ndag = DAG('load', default_args=default_args, catchup=False, tags=['x'])"
    return {finding.rule for finding in lint_text(head + code, "code.py").findings}


@pytest.mark.parametrize(
    ("package", "rule"), CASES, ids=lambda value: getattr(value, "guide", value) and str(value)[:20]
)
def test_each_rule_finds_its_bad_example_and_not_the_good_one(package, rule):
    assert rule.guide.id in _found(package, rule, rule.guide.bad)
    assert rule.guide.id not in _found(package, rule, rule.guide.good)


GOOD_SPARK = """
from pyspark.sql import functions as F, Window
spark = SparkSession.builder.getOrCreate()
orders = spark.read.format("delta").load(path).where(F.col("day") >= "2024-01-01")
daily = orders.groupBy("day").agg(F.sum("amount").alias("amount")).repartition(8, "day")
names = ", ".join(daily.columns)
top = daily.orderBy(F.desc("amount")).limit(10).collect()
one = daily.agg(F.max("day")).collect()[0][0]
parts = [part.strip() for part in text.split(",")]
merged = daily.join(other, ["day"], "left").join(third, on="day", how="inner")
if daily.isEmpty():
    print("nothing")
daily.write.mode("overwrite").partitionBy("day").parquet(target)
stream.writeStream.format("delta").option("checkpointLocation", place).start(target)
number = [1, 2].count(1)
"""
GOOD_DAG = """
from airflow.sdk import dag, task
from datetime import datetime, timedelta
import requests

@dag(schedule="0 5 * * *", start_date=datetime(2026, 1, 1), catchup=False, tags=["shop"],
     default_args={"owner": "sales", "retries": 2, "execution_timeout": timedelta(minutes=5),
                   "on_failure_callback": tell})
def load():
    @task
    def fetch(data_interval_start=None):
        return requests.get(f"https://example.com/{data_interval_start}").json()

    @task(retries=5)
    def store(rows):
        with psycopg.connect(Variable.get("url")) as connection:
            connection.execute("select 1")

    store(fetch())

load()
"""


@pytest.mark.parametrize("code", [GOOD_SPARK, GOOD_DAG, "import pandas\nframe.collect()\n", "", "x = 1"])
def test_code_without_a_problem_stays_silent(code):
    assert lint_text(code, "code.py").findings == ()


def test_a_dag_of_the_usual_kind_is_found_out():
    code = """
from airflow import DAG
from airflow.models import Variable
from datetime import datetime
bucket = Variable.get("bucket")
rows = requests.get("https://example.com").json()
with DAG("load", schedule_interval="@daily", start_date=datetime.now(), catchup=True) as dag:
    wait = FileSensor(task_id="wait", filepath="/data")
    load = PythonOperator(task_id="load", python_callable=work, op_kwargs=dict(password="x"))
"""
    found = [(finding.rule, finding.place.line) for finding in lint_text(code, "dag.py").findings]
    assert found == [
        ("airflow-variable-at-import", 5),
        ("airflow-work-at-import", 6),
        ("airflow-catchup", 7),
        ("airflow-missing-owner", 7),
        ("airflow-missing-tags", 7),
        ("airflow-no-failure-notice", 7),
        ("airflow-removed-name", 7),
        ("airflow-moving-start-date", 7),
        ("airflow-missing-retries", 8),
        ("airflow-no-timeout", 8),
        ("airflow-waiting-sensor", 8),
        ("airflow-missing-retries", 9),
        ("airflow-no-timeout", 9),
        ("airflow-secret-in-code", 9),
    ]


def test_a_file_that_is_no_python_is_told_with_its_place():
    (unread,) = lint_text("import pyspark\nselect 1 from x", "code.py").unread
    assert (unread.line, unread.file) == (2, "code.py")
    assert "Syntax error" in unread.reason
    assert lint_text("a\0b", "code.py").unread
    assert lint_text("(" * 5000, "code.py").unread


def test_files_of_a_folder_are_judged_and_what_is_missing_is_said(tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "job.py").write_text("import pyspark\nframe.toPandas()\n")
    (tmp_path / "dag.py").write_text("import airflow\n")
    assert [len(one.findings) for one in lint(str(tmp_path))] == [0, 1]
    with pytest.raises(SourceUnreadable, match="There is no file"):
        lint(str(tmp_path / "no.py"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceUnreadable, match=r"no \.py file"):
        lint(str(tmp_path / "empty"))


def test_examples_are_python():
    for _, rule in CASES:
        ast.parse(rule.guide.bad)
        ast.parse(rule.guide.good)
