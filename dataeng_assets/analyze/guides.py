"""All guides: what is found outside of SQL, by where it is looked for."""

from collections.abc import Mapping

from dataeng_assets.analyze import configuration, jobs, plans, spark_events
from dataeng_assets.analyze.code import airflow, spark
from dataeng_assets.analyze.guide import Guide

GUIDES: Mapping[str, tuple[Guide, ...]] = {
    "PySpark code (`--file`)": tuple(rule.guide for rule in spark.RULES),
    "Airflow DAGs (`--file`)": tuple(rule.guide for rule in airflow.RULES),
    "Settings of Spark and dbt (`--file`)": configuration.GUIDES,
    "Plans of a database (`--connect`)": plans.GUIDES,
    "Spark event logs (`--event-log`)": spark_events.GUIDES,
    "Recorded runs (`--job`)": jobs.GUIDES,
}
