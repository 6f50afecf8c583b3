"""Servers for all tests, and the options of the soak test."""

import pytest

pytest_plugins = ["dataeng_assets.testing.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak-seconds", type=float, default=60, help="how long the soak test goes on")
    parser.addoption("--soak-kills", type=int, default=100, help="how many processes the soak test of streams kills")
    parser.addoption("--soak-seed", type=int, default=None, help="seed of a soak test, as a former one printed it")
    parser.addoption("--no-properties", action="store_true", help="leave out property tests, which know no project")


@pytest.hookimpl(trylast=True)  # hypothesis has marked its tests then
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--no-properties"):
        items[:] = [item for item in items if not item.get_closest_marker("hypothesis")]
