"""SQL for each destination: type names, tables, loads that may be repeated, checks, streaming ingestion, and grants.

Running it belongs to what carries it: `generate.extraction` and the kinds.
"""
