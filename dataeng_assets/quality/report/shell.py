"""What every page of the site has around it."""

from datetime import datetime
from importlib.resources import files

from dataeng_assets.quality.written.markup import Html, code, element, join
from dataeng_assets.quality.written.parts import document
from dataeng_assets.quality.written.words import utc

MADE_BY = "dataeng report"
"""The generator that each page names, by which the site knows its own pages again."""


def page(title: str, header: Html, *parts: Html, made_at: datetime) -> str:
    """A page of the site.

    Args:
        title: of the window.
        header: what stands above the content.
        parts: the content.
        made_at: when the site is made.
    """
    footer = element("p", "Made by ", code(MADE_BY), f" on {utc(made_at)}. Values of personal columns are masked.")
    style = files(__package__).joinpath("site.css").read_text(encoding="utf-8")
    return document(title, header=header, main=join(*parts), footer=footer, style=style, generator=MADE_BY)
