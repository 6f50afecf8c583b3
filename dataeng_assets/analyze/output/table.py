"""Findings for the terminal, laid out by rich, with the SQL marked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.finding import Finding, Place, Severity
from dataeng_assets.analyze.proof import Proof, Verdict

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_SIGNS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
_MAX_LINES = 4
"""Of the SQL below a finding."""
_MAX_REWRITE = 20_000
"""Characters of a rewrite; generated SQL has lines of a megabyte."""
_MIN_COLUMNS = 30
"""Of a line of SQL, however narrow the terminal is."""


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
    yield Padding(_Marked(finding.place, lines, colour), (0, 0, 0, 2))
    yield Padding(Text(finding.message), (0, 0, 0, 2))
    yield Padding(Text(f"Why: {finding.why}"), (0, 0, 0, 2))
    for fact in finding.evidence:
        yield Padding(Text(f"Known: {fact}"), (0, 0, 0, 2))
    if finding.effect:
        yield Padding(Text(f"Effect ({finding.effect.basis}): {finding.effect.text}"), (0, 0, 0, 2))
    if finding.rewrite:
        yield Padding(Text(f"Instead ({in_words(finding.rewrite.proof)}):", style="green"), (0, 0, 0, 2))
        sql = finding.rewrite.sql
        yield Padding(Text(sql if len(sql) <= _MAX_REWRITE else f"{sql[:_MAX_REWRITE]} …"), (0, 0, 0, 4))


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


@dataclass(frozen=True)
class _Marked:
    """The lines of a place with what it covers underlined; of each as much as the terminal is wide."""

    place: Place
    lines: Sequence[str]
    colour: str

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        place, before = self.place, "{:>4} | "
        columns = max(_MIN_COLUMNS, options.max_width - len(before.format("")))
        for number in range(place.line, min(place.end_line, place.line + _MAX_LINES - 1) + 1):
            line = self.lines[number - 1] if number <= len(self.lines) else ""
            start = place.column - 1 if number == place.line else 0
            end = place.end_column - 1 if number == place.end_line else len(line)
            line, start, end = _excerpt(line.replace("\t", " "), start, end, columns)
            shown = Text(line)
            shown.stylize(f"bold underline {self.colour}", start, end)
            yield Text(before.format(number), style="bright_black").append_text(shown)
            marks = f"{' ' * start}{'^' * max(1, end - start)}"
            yield Text(before.format(""), style="bright_black").append(marks, style=self.colour)
        if place.end_line >= place.line + _MAX_LINES:
            yield Text(f"{before.format('')}…", style="bright_black")


def _excerpt(line: str, start: int, end: int, columns: int) -> tuple[str, int, int]:
    """The part of a long line around a place, and where the place is in it."""
    if len(line) <= columns:
        return line, start, end
    room = columns - 4  # for the dots before and after
    first = max(0, start - room // 4) if end > room else 0
    last = min(len(line), first + room)
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
