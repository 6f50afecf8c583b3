"""Servers for all tests, how property tests and failures behave on a busy machine, and the options of the soak test."""

import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["dataeng_assets.testing.fixtures"]

# on a busy machine an example takes as long as it takes
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
for name in ("CI", "BUILD_NUMBER"):  # with them pytest writes out whole differences: hours, for two long tables
    os.environ.pop(name, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak-seconds", type=float, default=60, help="how long the soak test goes on")
    parser.addoption("--soak-kills", type=int, default=100, help="how many processes the soak test of streams kills")
    parser.addoption("--soak-seed", type=int, default=None, help="seed of a soak test, as a former one printed it")
    parser.addoption("--no-properties", action="store_true", help="leave out property tests, which know no project")


@pytest.hookimpl(trylast=True)  # hypothesis has marked its tests then
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--no-properties"):
        items[:] = [item for item in items if not item.get_closest_marker("hypothesis")]
