"""All guides: what is found outside of SQL, by where it is looked for."""

from collections.abc import Mapping

from dataeng_assets.analyze import plans
from dataeng_assets.analyze.code import airflow, spark
from dataeng_assets.analyze.guide import Guide

GUIDES: Mapping[str, tuple[Guide, ...]] = {
    "PySpark code (`--file`)": tuple(rule.guide for rule in spark.RULES),
    "Airflow DAGs (`--file`)": tuple(rule.guide for rule in airflow.RULES),
    "Plans of a database (`--connect`)": plans.GUIDES,
}
