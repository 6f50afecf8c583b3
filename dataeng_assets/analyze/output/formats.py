"""The forms in which findings are written for machines and pages; each is a module of its own."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataeng_assets.analyze.analysis import Analysis


class Format(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"


def written(analyses: "Sequence[Analysis]", form: Format) -> str:
    """The findings in a format other than the table, as text."""
    from dataeng_assets.analyze.output.json_report import json_report
    from dataeng_assets.analyze.output.markdown import markdown
    from dataeng_assets.analyze.output.sarif import sarif

    return {Format.JSON: json_report, Format.SARIF: sarif, Format.MARKDOWN: markdown}[form](analyses)
