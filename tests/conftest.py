"""Servers for all tests, and the options of the soak test."""

import pytest

pytest_plugins = ["dataeng_assets.testing.servers"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak-seconds", type=float, default=60, help="how long the soak test goes on")
    parser.addoption("--soak-seed", type=int, default=None, help="seed of a soak test, as a former one printed it")
