"""Findings for the terminal, laid out by rich, with the SQL marked."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.finding import Finding, Place, Severity
from dataeng_assets.analyze.proof import Proof, Verdict

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_SIGNS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
_MAX_LINES = 4
"""Of the SQL below a finding."""
_MAX_COLUMNS = 400
"""Of such a line, and of a rewrite fifty times as many; generated SQL has lines of a megabyte."""


def rendered(analyses: Sequence[Analysis]) -> RenderableType:
    """All findings, each with the SQL it is about, and a line of sums."""
    parts: list[RenderableType] = []
    for one in analyses:
        lines = one.text.splitlines()
        for finding in one.findings:
            parts += [*_finding(finding, lines), Text()]
        for error in one.unread:
            parts += [Text(f"✗ {error}", style="red"), Text()]
        for statement in one.skipped:
            place = statement.source.place(statement.start, statement.end)
            note = f"○ {_where(place)}: this statement is not understood, so nothing is said of it."
            parts += [Text(note, style="bright_black"), Text()]
    parts.append(_sums(analyses))
    return Group(*parts)


def _finding(finding: Finding, lines: Sequence[str]) -> Iterator[RenderableType]:
    colour = _COLOURS[finding.severity]
    head = Text(f"{_SIGNS[finding.severity]} {finding.rule}", style=f"bold {colour}")
    yield head.append(f"  {_where(finding.place)}", style="bright_black")
    yield Padding(_marked(finding.place, lines, colour), (0, 0, 0, 2))
    yield Padding(Text(finding.message), (0, 0, 0, 2))
    yield Padding(Text(f"Why: {finding.why}"), (0, 0, 0, 2))
    for fact in finding.evidence:
        yield Padding(Text(f"Known: {fact}"), (0, 0, 0, 2))
    if finding.effect:
        yield Padding(Text(f"Effect ({finding.effect.basis}): {finding.effect.text}"), (0, 0, 0, 2))
    if finding.rewrite:
        yield Padding(Text(f"Instead ({in_words(finding.rewrite.proof)}):", style="green"), (0, 0, 0, 2))
        sql, most = finding.rewrite.sql, 50 * _MAX_COLUMNS
        yield Padding(Text(sql if len(sql) <= most else f"{sql[:most]} …"), (0, 0, 0, 4))


def in_words(proof: Proof) -> str:
    """What is known of a rewrite."""
    if proof.verdict is Verdict.PROVEN:
        given = f", given that {proof.assumes}" if proof.assumes else ""
        return f"proven equal on {proof.datasets} generated data sets{given}"
    if proof.verdict is Verdict.REFUTED:
        return f"not equal: {proof.counter_example}"
    return f"not proven: {proof.reason}"


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}:{place.column}"


def _marked(place: Place, lines: Sequence[str], colour: str) -> Text:
    """The lines of a place with what it covers underlined."""
    text = Text()
    for number in range(place.line, min(place.end_line, place.line + _MAX_LINES - 1) + 1):
        line = lines[number - 1] if number <= len(lines) else ""
        start = place.column - 1 if number == place.line else 0
        end = place.end_column - 1 if number == place.end_line else len(line)
        line, start, end = _excerpt(line, start, end)
        shown = Text(line)
        shown.stylize(f"bold underline {colour}", start, end)
        text.append(f"{number:>4} | ", style="bright_black").append_text(shown).append("\n")
        blanks = "".join(letter if letter == "\t" else " " for letter in line[:start])
        text.append("     | ", style="bright_black").append(f"{blanks}{'^' * max(1, end - start)}\n", style=colour)
    if place.end_line >= place.line + _MAX_LINES:
        text.append("     | …\n", style="bright_black")
    text.rstrip()
    return text


def _excerpt(line: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of a long line around a place, and where the place is in it."""
    if len(line) <= _MAX_COLUMNS:
        return line, start, end
    first = max(0, start - _MAX_COLUMNS // 4)
    last = min(len(line), first + _MAX_COLUMNS)
    before, after = "… " if first else "", " …" if last < len(line) else ""
    moved = len(before) - first
    return f"{before}{line[first:last]}{after}", start + moved, min(end, last) + moved


def _sums(analyses: Sequence[Analysis]) -> Text:
    counts = dict.fromkeys(reversed(Severity), 0)
    for one in analyses:
        for finding in one.findings:
            counts[finding.severity] += 1
    unread = sum(len(one.unread) for one in analyses)
    told = [f"{number} {severity}{'s' if number > 1 else ''}" for severity, number in counts.items() if number]
    told += [f"{unread} could not be read"] if unread else []
    return Text(", ".join(told) if told else "Nothing found.", style="bold" if told else "green")
