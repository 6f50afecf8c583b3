"""How a comparison is shown: a table for people, JSON for machines, Markdown for a pull request."""

import html
import json

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from dataeng_assets.contracts.compatibility.diff import Diff, FileDiff
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change

_WIDEST = 32
"""Characters of a place that are kept on one line in a narrow terminal."""

_WHOM = {
    Breaks.BACKWARD: "what is stored",
    Breaks.FORWARD: "who relies on the old",
}


def as_table(diff: Diff) -> RenderableType:
    """What people read in a terminal; the last line is the verdict."""
    parts: list[RenderableType] = []
    for one in _changed(diff):
        heading = f"[bold]{escape(_printable(one.path))}[/]  [dim]{escape(_printable(_heading(one)))}[/]"
        parts += [heading, _changes(one), ""]
    if unchanged := _unchanged(diff):
        parts += [f"[dim]no change that matters:[/] {escape(_printable(', '.join(unchanged)))}", ""]
    colour = "green" if diff.compatible else "red"
    return Group(*parts, f"[{colour}]{escape(verdict(diff))}[/]")


def _changes(one: FileDiff) -> Table:
    table = Table("place", "change", "breaks", "safe migration", box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.columns[0].overflow = "fold"
    table.columns[0].min_width = min(_WIDEST, max(len(_printable(change.place)) for change in one.verdict.changes))
    for change in _sorted(one):
        forbidden = bool(change.breaks & one.verdict.mode.forbids)
        colour = "red" if forbidden else "yellow" if change.breaks else "dim"
        cells = (change.place, change.reason, _broken(change), change.migration)
        place, reason, broken, migration = (escape(_printable(cell)) for cell in cells)
        table.add_row(f"[{colour}]{place}[/]", reason, f"[{colour}]{broken}[/]", migration)
    return table


def as_json(diff: Diff) -> str:
    """What machines read."""
    contracts = [
        {
            "path": _printable(one.path),
            "language": one.language,
            "mode": one.verdict.mode,
            "against": [_printable(version) for version in one.against],
            "compatible": one.verdict.compatible,
            "changes": [_as_data(change, one) for change in _sorted(one)],
        }
        for one in diff.files
    ]
    return json.dumps({"compatible": diff.compatible, "contracts": contracts}, indent=2, ensure_ascii=False)


def _as_data(change: Change, one: FileDiff) -> dict[str, object]:
    return {
        "kind": change.kind,
        "place": change.place,
        "reason": change.reason,
        "breaks": sorted(change.breaks),
        "forbidden": bool(change.breaks & one.verdict.mode.forbids),
        "migration": change.migration,
        "affected": list(change.affected),
    }


def as_markdown(diff: Diff) -> str:
    """What a pull request shows."""
    parts = [f"## Contracts: {verdict(diff)}"]
    for one in _changed(diff):
        parts.append(f"### {_cell(one.path)}\n\n{_cell(_heading(one))}")
        rows = ["| | place | change | breaks | safe migration |", "|---|---|---|---|---|"]
        for change in _sorted(one):
            mark = "❌" if change.breaks & one.verdict.mode.forbids else "⚠️" if change.breaks else "✅"
            cells = (mark, change.place, change.reason, _broken(change), change.migration)
            rows.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
        parts.append("\n".join(rows))
    if unchanged := _unchanged(diff):
        parts.append(f"No change that matters: {', '.join(_cell(path) for path in unchanged)}")
    return "\n\n".join(parts) + "\n"


def verdict(diff: Diff) -> str:
    """One line that says it all."""
    changes = [change for one in diff.files for change in one.verdict.changes]
    breaking = [change for one in diff.files for change in one.verdict.breaking]
    modes = " and ".join(sorted({one.verdict.mode for one in diff.files}))
    counted = f"{_count(len(changes), 'change')} in {_count(len(diff.files), 'contract')}"
    if diff.compatible:
        return f"compatible ({modes}): {counted}, none breaks what is promised"
    whom = sorted({name for change in breaking for name in change.affected})
    concerned = f"; concerned: {', '.join(map(_printable, whom))}" if whom else ""
    return f"breaking ({modes}): {len(breaking)} of {counted}{concerned}"


def _changed(diff: Diff) -> list[FileDiff]:
    return [one for one in diff.files if one.verdict.changes]


def _unchanged(diff: Diff) -> list[str]:
    return [one.path for one in diff.files if not one.verdict.changes]


def _sorted(one: FileDiff) -> list[Change]:
    """What the mode forbids first, then what it allows though it breaks somebody, then the rest."""
    return sorted(one.verdict.changes, key=lambda c: (not c.breaks & one.verdict.mode.forbids, not c.breaks))


def _heading(one: FileDiff) -> str:
    against = f"against {', '.join(one.against)}" if one.against else "new"
    return f"{one.language}, {one.verdict.mode}, {against}"


def _broken(change: Change) -> str:
    whom = " and ".join(_WHOM[one] for one in sorted(change.breaks)) or "nobody"
    return f"{whom}: {', '.join(change.affected)}" if change.affected else whom


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _cell(text: str) -> str:
    """Text that stays text in Markdown: no table, no tag, no mark-up of its own."""
    plain = html.escape(_printable(text), quote=False)
    return "".join(f"\\{character}" if character in "\\`*_[]|#" else character for character in plain)


def _printable(text: str) -> str:
    """Names come from files that anybody may write: nothing in them moves the cursor or breaks a line."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
