"""A git repository of a test's own."""

from pathlib import Path

import pytest
from repository import Repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """An empty repository; it is also the working folder."""
    made = Repository(tmp_path / "repository")
    monkeypatch.chdir(made.root)
    return made
