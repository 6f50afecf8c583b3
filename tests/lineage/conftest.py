"""The whole platform for each module of these tests."""

from whole_platform import Platform, platform

__all__ = ["Platform", "platform"]
