"""Causes of trouble, proven from live evidence and logs, each with its remedy.

What is known of causes stands in the room `causes`. Here: looking at the platform in `probes`, reading logs in
`log_files`, mending in `fixes`. Nothing is measured here that another room measures: probes ask the rooms below and
judge what they say.
"""
