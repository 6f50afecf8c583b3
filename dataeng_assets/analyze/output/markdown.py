"""Findings as Markdown, for a comment on a change."""

from collections.abc import Iterator, Sequence

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.finding import Finding
from dataeng_assets.analyze.output.table import in_words


def markdown(analyses: Sequence[Analysis]) -> str:
    """A heading for each file and a paragraph for each finding."""
    return "\n".join(line for one in analyses for line in _file(one)) + "\n"


def _file(one: Analysis) -> Iterator[str]:
    yield f"## {one.file}"
    yield ""
    if not (one.findings or one.unread):
        yield "Nothing found."
        yield ""
    for error in one.unread:
        yield f"**Could not be read**: {error}"
        yield ""
    lines = one.text.splitlines()
    for finding in one.findings:
        yield from _finding(finding, lines)


def _finding(finding: Finding, lines: Sequence[str]) -> Iterator[str]:
    place = finding.place
    yield f"### {finding.severity}: {finding.rule} (line {place.line}, column {place.column})"
    yield ""
    if place.line <= len(lines):
        yield from _block("\n".join(lines[place.line - 1 : place.end_line]))
    yield f"{finding.message} {finding.why}"
    yield ""
    for fact in finding.evidence:
        yield f"- Known: {fact}"
    if finding.effect:
        yield f"- Effect ({finding.effect.basis}): {finding.effect.text}"
    if finding.evidence or finding.effect:
        yield ""
    if finding.rewrite:
        yield f"Instead ({in_words(finding.rewrite.proof)}):"
        yield ""
        yield from _block(finding.rewrite.sql)


def _block(sql: str) -> Iterator[str]:
    fence = "````" if "```" in sql else "```"
    yield f"{fence}sql"
    yield sql
    yield fence
    yield ""
