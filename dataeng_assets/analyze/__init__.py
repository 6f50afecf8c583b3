"""What makes SQL and jobs slow or wrong, with evidence, and rewrites that are proven equal.

Nothing is changed in a database; recorded runs of Dagster are handed in by `orchestration`.
"""
