"""Pages that tell of generating name only what can be generated."""

import re
from pathlib import Path

import pytest

from dataeng_assets.generate.kinds import KINDS
from dataeng_assets.settings import ROOT

PAGES = [ROOT / "README.md", *(ROOT / "docs" / "explanation").glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_kind_that_a_page_names_is_written(page: Path) -> None:
    named = re.findall(r"--type ([a-z-]+)", page.read_text())
    assert set(named) <= {kind.value for kind in KINDS}
