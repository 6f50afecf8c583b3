"""Kafka topics into Delta tables: what is read, where each record goes, and which windows it closes."""
