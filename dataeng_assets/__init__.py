"""A Dagster code location that copies Postgres and Kafka into Delta Lake without losing, doubling or altering a row."""
