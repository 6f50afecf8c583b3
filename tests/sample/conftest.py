"""A sample shop for each test that asks for one."""

from sample_shop import new_shop

__all__ = ["new_shop"]
