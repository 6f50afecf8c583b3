"""The change ledger: which days of which model are stale, as data, derived from bronze alone.

It lies in the lake at `ledger/changes`. An entry says that the rows of a bronze table up to a version touched a day of
a target (a dbt model, or what is published of it), or that a run has handled that. What was covered so far stands in
the table's own transactions, so a crash anywhere loses no day: the next one who looks covers what is missing.
"""
