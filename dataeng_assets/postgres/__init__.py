"""Postgres as a source: connecting, what its catalog says, one exported snapshot, open transactions, COPY.

What is read, and what becomes of it, belongs in `extract`.
"""
