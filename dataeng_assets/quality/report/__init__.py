"""A static site about the quality of all tables: an overview, and a page per table with its history.

Results come from `results_store`, what is usual from `anomalies`, lineage and owners as plain values from the caller.
"""
