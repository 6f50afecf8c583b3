"""Pipelines written from contracts: for this platform, and for what others run.

What a table is comes from `contracts`; looking a source up belongs above, in `orchestration`.
"""
