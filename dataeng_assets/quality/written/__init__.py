"""How results are written down, one module per format. Each takes results and gives text; nothing is read or written.

A site of pages with history belongs in `report`.
"""

from collections.abc import Callable, Mapping, Sequence

from dataeng_assets.quality.results import TableResult
from dataeng_assets.quality.written.html_page import html_page
from dataeng_assets.quality.written.json_report import json_report
from dataeng_assets.quality.written.junit import junit
from dataeng_assets.quality.written.markdown import markdown
from dataeng_assets.quality.written.sarif import sarif
from dataeng_assets.quality.written.table import table
from dataeng_assets.quality.written.words import together

Format = Callable[[Sequence[TableResult]], str]
FORMATS: Mapping[str, Format] = {
    "table": table,
    "json": json_report,
    "junit": junit,
    "sarif": sarif,
    "html": html_page,
    "markdown": markdown,
}
"""By the names that `--format` takes."""

__all__ = ["FORMATS", "Format", "together"]
