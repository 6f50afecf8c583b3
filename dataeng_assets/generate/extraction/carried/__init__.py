"""The extraction that a generated project carries: copied into it as it stands, so it imports nothing of the platform.

A project carries the modules of its own source and destination only. Which those are belongs in `generate.extraction`.
"""
