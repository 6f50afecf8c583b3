"""The whole platform for each module that asks for it."""

from whole_platform import Platform, platform

__all__ = ["Platform", "platform"]
