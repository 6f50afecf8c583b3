"""Writes the pages of `docs/` that the code already knows: `python docs/generate.py`.

What stands on each belongs in `reference_pages`. A test compares the committed pages with what comes out.
"""

from collections.abc import Mapping
from pathlib import Path

from reference_pages import REFERENCE
from reference_pages.columns import columns
from reference_pages.commands import commands
from reference_pages.declarations import declarations
from reference_pages.rules import rules
from reference_pages.settings import settings
from reference_pages.types import types

from dataeng_assets.analyze.pages import pages as analyze_pages
from dataeng_assets.doctor.pages import runbook
from dataeng_assets.generate.pages import matrix_page

RUNBOOK = REFERENCE.parent / "runbook"
NOTE = "<!-- Generated from the code by `make docs`; change that instead. -->"


def pages() -> dict[Path, str]:
    """Every generated page."""
    made = {
        "commands": commands(),
        "settings": settings(),
        "declarations": declarations(),
        "types": types(),
        "rules": rules(),
        "columns": columns(),
        **{f"analyze/{name}": text for name, text in analyze_pages().items()},
        "generate": matrix_page(),
    }
    return {
        **{REFERENCE / f"{name}.md": _page(text) for name, text in made.items()},
        **{RUNBOOK / f"{name}.md": _page(text) for name, text in runbook().items()},
    }


def _page(text: str) -> str:
    return f"{NOTE}\n\n{text.strip()}\n"


def write(made: Mapping[Path, str]) -> None:
    """Write the pages."""
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(pages())
