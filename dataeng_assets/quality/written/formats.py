"""The forms in which results are written down for machines and pages; each is a module of its own."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from dataeng_assets.quality.results import TableResult

_ENDINGS = {".json": "json", ".xml": "junit", ".sarif": "sarif", ".html": "html", ".htm": "html", ".md": "markdown"}


class Format(StrEnum):
    """How results are written down."""

    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    HTML = "html"
    MARKDOWN = "markdown"


def format_of(path: Path) -> Format:
    """The format that a file's ending means; JSON for any other ending."""
    return Format(_ENDINGS.get(path.suffix.lower(), "json"))


def written(results: Sequence[TableResult], form: Format) -> str:
    """The results in a format, as text."""
    from dataeng_assets.quality.written.html_page import html_page
    from dataeng_assets.quality.written.json_report import json_report
    from dataeng_assets.quality.written.junit import junit
    from dataeng_assets.quality.written.markdown import markdown
    from dataeng_assets.quality.written.sarif import sarif

    writers = {
        Format.JSON: json_report,
        Format.JUNIT: junit,
        Format.SARIF: sarif,
        Format.HTML: html_page,
        Format.MARKDOWN: markdown,
    }
    return writers[form](results)
