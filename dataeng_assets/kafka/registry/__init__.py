"""Schemas by the number that a record carries: from a Confluent registry, from AWS Glue, or from the repository."""
