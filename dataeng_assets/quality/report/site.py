"""All pages of the site, and writing them to a folder."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from dataeng_assets.quality.report.names import page_of
from dataeng_assets.quality.report.overview import overview
from dataeng_assets.quality.report.shell import MADE_BY
from dataeng_assets.quality.report.story import Known, Story
from dataeng_assets.quality.report.table_page import table_page
from dataeng_assets.settings import Settings

INDEX = "index.html"
FOLDER = "report"
_MARK = f'<meta name="generator" content="{escape(MADE_BY)}">'


class FolderRefused(Exception):
    """A folder that holds pages of somebody else; nothing was written."""


def pages(stories: Sequence[Story], platform: Mapping[str, Known], *, made_at: datetime) -> dict[str, str]:
    """Every page by its path within the site.

    Args:
        stories: of every table that was judged.
        platform: what is known of all tables, judged or not; sources outside of it are not called unjudged.
        made_at: when the site is made.
    """
    judged = frozenset(story.key for story in stories)
    unjudged = [(key, known) for key, known in sorted(platform.items()) if key not in judged and not known.is_source]
    made = {page_of(story.key): table_page(story, platform, judged, made_at=made_at) for story in stories}
    return {INDEX: overview(stories, unjudged, made_at=made_at), **made}


def folder() -> Path:
    """Where the site of this platform stands when nobody names another place."""
    return Settings.load().state.resolve() / FOLDER


def write(into: Path, made: Mapping[str, str]) -> Path:
    """Put the pages into a folder, and take away those of a former site that are no more.

    Returns:
        The first page.

    Raises:
        FolderRefused: an `index.html` that this command has not made stands there.
    """
    index = into / INDEX
    if index.exists() and not _is_ours(index):
        raise FolderRefused(
            f"{index} was not made by `{MADE_BY}`. Nothing was written. Name another folder with --output, or move the "
            "file away."
        )
    for path, text in made.items():
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for old in (into / "tables").glob("*.html"):
        if f"tables/{old.name}" not in made and _is_ours(old):
            old.unlink()
    return index


def _is_ours(page: Path) -> bool:
    return _MARK in page.read_text(encoding="utf-8", errors="replace")[:2000]
