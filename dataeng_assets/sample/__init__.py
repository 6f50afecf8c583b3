"""The sample shop: its schema, its simulated life, and the truth about both.

It is a source to try the platform on and a judge for its tests: everything that was written is recorded as it truly
happened. Nothing of the platform imports it.
"""


class SampleError(Exception):
    """The sample can't do what was asked; says what there is, what is safe, and what to do next."""
