"""Logs of Dagster, dbt, Spark, Flink, Kafka, Postgres, Airflow and of the platform: read as a stream, by what they say.

What lines mean stands in `patterns`, reading files in `lines`, judging a whole log in `judge`.
"""
