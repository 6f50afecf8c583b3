"""A few rows of a table for people to look at, without personal columns."""

from collections.abc import Mapping, Sequence

import dagster as dg

from dataeng_assets.lake.location import Lake

ROWS = 5
MAX_CHARACTERS = 40


def preview(lake: Lake, key: tuple[str, ...], columns: Sequence[str]) -> dg.MarkdownMetadataValue:
    """The first rows of a lake table as a Markdown table.

    Args:
        lake: where the table is.
        key: of the table.
        columns: those that may be shown; the caller leaves out what the contract calls personal.
    """
    return markdown(lake.open(key).to_pyarrow_dataset().head(ROWS, columns=list(columns)).to_pylist(), columns)


def markdown(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> dg.MarkdownMetadataValue:
    """Some columns of rows as a Markdown table; long values are cut."""
    lines = [columns, ["---"] * len(columns), *([_cell(row[name]) for name in columns] for row in rows)]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    short = text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"
    return short.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
