"""Copying Postgres tables into bronze: every version of every row, none lost and none twice.

How Postgres is spoken to belongs in `postgres`, how a Delta table is written belongs in `lake`.
"""
