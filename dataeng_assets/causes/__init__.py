"""Causes of trouble as data: what is known of each, and which words of a log or a failure prove it.

Looking for them on a live platform, and mending, belongs in `doctor`; who is told belongs in `orchestration`.
"""
