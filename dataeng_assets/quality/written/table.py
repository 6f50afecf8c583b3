"""A table for the terminal, laid out by rich: what does not hold with its numbers, sample rows and next step."""

from collections.abc import Iterator, Sequence
from io import StringIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dataeng_assets.quality.results import Overall, RuleResult, Status, TableResult
from dataeng_assets.quality.written.words import (
    Outcome,
    empty_input,
    from_root,
    hours_old,
    number,
    numbers,
    outcome,
    together,
    utc,
    visible,
    worst_first,
)

NARROW = 90
"""Below this many columns a rule's parts stand one below the other."""
LOOKS = {
    Outcome.HOLDS: ("✓", "green"),
    Outcome.VIOLATED: ("✗", "red"),
    Outcome.WARNING: ("!", "yellow"),
    Outcome.UNDECIDED: ("?", "magenta"),
    Outcome.NOTHING: ("○", "bright_black"),
}
_OVERALL = {
    Overall.HOLDS: ("✓", "green"),
    Overall.WARNING: ("!", "yellow"),
    Overall.VIOLATED: ("✗", "red"),
    Overall.UNDECIDED: ("?", "magenta"),
}


def table(results: Sequence[TableResult], *, width: int = 100, every_rule: bool = False) -> str:
    """What `rendered` shows, as plain text without colours."""
    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False, legacy_windows=False)
    console.print(rendered(results, width=width, every_rule=every_rule))
    written = console.file.getvalue() if isinstance(console.file, StringIO) else ""
    return "\n".join(line.rstrip() for line in written.splitlines()) + "\n"


def rendered(results: Sequence[TableResult], *, width: int, every_rule: bool = False) -> RenderableType:
    """The results for a rich console.

    Args:
        results: one or more tables.
        width: of the terminal.
        every_rule: also the rules that hold, each by itself; else they are counted in a line.
    """
    parts: list[RenderableType] = [part for one in results for part in _parts(one, width, every_rule=every_rule)]
    if len(results) != 1:
        found = [one.overall for one in results]
        counts = ", ".join(f"{found.count(one)} {one.value}" for one in Overall if one in found)
        parts.append(_marked(_OVERALL[together(results)], f"{len(results)} tables: {counts or 'nothing was judged'}"))
    return Group(*parts)


def _parts(result: TableResult, width: int, *, every_rule: bool) -> Iterator[RenderableType]:
    yield _heading(result)
    yield Padding(Text(_from_what(result), style="dim"), (0, 0, 0, 2))
    if empty_input(result):
        yield Padding(Text(empty_input(result)), (0, 0, 0, 2))
    shown = [one for one in worst_first(result.results) if every_rule or one.status is not Status.HOLDS]
    if shown:
        yield _narrow(shown) if width < NARROW else _wide(shown)
    holding = len(result.by_status(Status.HOLDS))
    if holding and not every_rule:
        yield Padding(_marked(LOOKS[Outcome.HOLDS], f"{_rules(holding)} hold" + ("s" if holding == 1 else "")), (0, 2))
    for said in result.not_executed:
        line = f"not executed: {visible(said.said)} ({visible(from_root(said.place))}): {visible(said.reason)}"
        yield Padding(Text(line, style="yellow"), (0, 0, 0, 2))
    yield Text()


def _heading(result: TableResult) -> Text:
    mark, colour = _OVERALL[result.overall]
    heading = Text.assemble((f"{mark} {visible(result.suite.name)} ", f"bold {colour}"), (result.overall.value, colour))
    heading.append(f"   {number(result.rows)} rows, {len(result.columns)} columns")
    old = hours_old(result)
    if old is not None:
        heading.append(f", newest {number(round(old, 1))} h old")
    return heading.append(f", {result.seconds:.1f} s")


def _from_what(result: TableResult) -> str:
    contract = f"{result.suite.id or result.suite.name} {result.suite.version}".strip()
    parts = [visible(result.input), f"contract {visible(contract)}"]
    parts += [f"data {visible(result.data_version)}"] if result.data_version else []
    parts += [result.read] if result.read else []
    return " · ".join([*parts, f"judged {utc(result.judged_at)}"])


def _wide(results: Sequence[RuleResult]) -> RenderableType:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), expand=True)
    grid.add_column("rule", ratio=2, overflow="fold")
    grid.add_column("what was found", ratio=4, overflow="fold")
    grid.add_column("numbers", ratio=2, overflow="fold")
    for result in results:
        grid.add_row(_name(result), Group(*_story(result)), _figures(result, "\n"))
    return grid


def _narrow(results: Sequence[RuleResult]) -> RenderableType:
    parts: list[RenderableType] = []
    for result in results:
        parts += [_name(result), Padding(Group(_figures(result, ", "), *_story(result)), (0, 0, 1, 2))]
    return Padding(Group(*parts), (1, 0, 0, 2))


def _name(result: RuleResult) -> Text:
    found = outcome(result)
    mark, colour = LOOKS[found]
    return Text(f"{mark} {visible(result.rule.name)}", style=f"bold {colour}").append(f"\n  {found.value}", colour)


def _figures(result: RuleResult, between: str) -> Text:
    return Text(between.join(f"{name}: {visible(value)}" for name, value in numbers(result)))


def _story(result: RuleResult) -> Iterator[RenderableType]:
    if result.reason:
        yield Text(visible(result.reason), overflow="fold")
    if result.samples:
        yield _samples(result)
    if result.next_step and result.status is not Status.HOLDS:
        yield Text(f"→ {visible(result.next_step)}", style="cyan", overflow="fold")


def _samples(result: RuleResult) -> Table:
    names = list(dict.fromkeys(name for one in result.samples for name in (*one.identity, *one.values)))
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        shown.add_column(Text(visible(name)), overflow="fold")
    for sample in result.samples:
        cells = {**sample.identity, **sample.values}
        shown.add_row(*(_cell(cells.get(name)) for name in names))
    return shown


def _cell(value: str | None) -> Text:
    return Text("NULL", style="dim italic") if value is None else Text(visible(value))


def _marked(look: tuple[str, str], words: str) -> Text:
    return Text(f"{look[0]} {words}", style=look[1])


def _rules(count: int) -> str:
    return f"{number(count)} rule" + ("" if count == 1 else "s")
