"""What all pages are written with."""

from collections.abc import Iterable


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    cells = [tuple(head), *(tuple(row) for row in rows)]
    lines = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in cells]
    return "\n".join([f"| {lines[0]} |", f"|{'---|' * len(cells[0])}", *(f"| {line} |" for line in lines[1:])])
