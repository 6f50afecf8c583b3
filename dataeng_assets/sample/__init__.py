"""The sample shop: its schema, its simulated life, and the truth about both.

It is a source to try the platform on and a judge for its tests: everything that was written is recorded as it truly
happened. Nothing of the platform imports it.
"""
