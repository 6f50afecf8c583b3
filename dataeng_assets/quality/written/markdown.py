"""Markdown for a pull request: a line per table, and the rules that do not hold with their numbers and sample rows.

What comes from data or documents stands in `<code>`, where no host makes links or calls people by name, and every
character that Markdown or HTML could read is written as an entity.
"""

import re
from collections.abc import Iterable, Sequence

from dataeng_assets.quality.results import Overall, RuleResult, Status, TableResult
from dataeng_assets.quality.written.words import (
    Outcome,
    empty_input,
    from_root,
    number,
    numbers,
    outcome,
    together,
    utc,
    visible,
    worst_first,
)

SIGNS = {
    Overall.HOLDS: "✅ holds",
    Overall.WARNING: "⚠️ warning",
    Overall.VIOLATED: "❌ violated",
    Overall.UNDECIDED: "❔ undecided",
}
_OUTCOMES = {
    Outcome.VIOLATED: "❌ violated",
    Outcome.UNDECIDED: "❔ undecided",
    Outcome.WARNING: "⚠️ warning",
    Outcome.NOTHING: "⚪ nothing to judge",
    Outcome.HOLDS: "✅ holds",
}
_LOADED = re.compile(r"(?<![^\W_])_|_(?![^\W_])|[!-~](?<![\w ,.;%()/+'-])")
"""Punctuation that is not plain; an underscore within a word is."""


def markdown(results: Sequence[TableResult]) -> str:
    """The results as Markdown of GitHub and GitLab."""
    if not results:
        return "## Data quality: ❔ undecided\n\nNo table was judged.\n"
    head = ("table", "result", "rows", "rules", "holds", "violated", "warnings", "undecided")
    lines = [f"## Data quality: {SIGNS[together(results)]}", "", *_table(head, (_summary(one) for one in results))]
    for result in results:
        lines += _details(result)
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line, also in a table."""
    marked = _LOADED.sub(lambda found: f"&#{ord(found.group())};", visible(text))
    # without a scheme before it, this alone would become a link
    return re.sub("(?i)www[.]", lambda found: found.group()[:3] + "&#46;", marked)


def _code(text: str) -> str:
    return f"<code>{escaped(text)}</code>"


def _summary(result: TableResult) -> tuple[str, ...]:
    found = [outcome(one) for one in result.results]
    counts = (Outcome.HOLDS, Outcome.VIOLATED, Outcome.WARNING, Outcome.UNDECIDED)
    return (
        _code(result.suite.name),
        SIGNS[result.overall],
        number(result.rows),
        number(len(found)),
        *(number(found.count(one)) for one in counts),
    )


def summary(result: TableResult) -> str:
    """One table by itself, in few lines."""
    head = ("rows", "rules", "holds", "violated", "warnings", "undecided")
    return "\n".join([*_table(head, [_summary(result)[2:]]), *_told(result)]) + "\n"


def rules_table(results: Sequence[RuleResult]) -> str:
    """Each rule and what was found, the worst first, with sample rows of those that do not hold."""
    told = worst_first(results)
    rows = ((_code(one.rule.name), _OUTCOMES[outcome(one)], _found(one)) for one in told)
    lines = _table(("rule", "result", "what was found"), rows)
    return "\n".join([*lines, *(line for one in told if one.samples for line in _samples(one))]) + "\n"


def _details(result: TableResult) -> list[str]:
    lines = _told(result)
    return ["", f"### {_code(result.suite.name)}: {SIGNS[result.overall]}", *lines] if lines else []


def _told(result: TableResult) -> list[str]:
    told = [one for one in worst_first(result.results) if one.status is not Status.HOLDS]
    lines: list[str] = []
    if empty_input(result):
        lines += ["", escaped(empty_input(result))]
    if told:
        rows = ((_code(one.rule.name), _OUTCOMES[outcome(one)], _found(one)) for one in told)
        lines += ["", *_table(("rule", "result", "what was found"), rows)]
    lines += [line for one in told if one.samples for line in _samples(one)]
    if result.not_executed:
        rows = ((_code(from_root(one.place)), _code(one.said), escaped(one.reason)) for one in result.not_executed)
        said = f"Said by the contract, not checked: {len(result.not_executed)}"
        lines += _folded(said, _table(("place", "what it says", "why"), rows))
    if not lines:
        return []
    contract = f"{result.suite.id or result.suite.name} {result.suite.version}".strip()
    from_what = f"contract {_code(contract)}, data {_code(result.data_version)}, judged {utc(result.judged_at)}"
    read = f"; {escaped(result.read)}" if result.read else ""
    return [*lines, "", f"<sub>{from_what}{read}</sub>"]


def _found(result: RuleResult) -> str:
    parts = [escaped(result.reason)] if result.reason else []
    parts.append("; ".join(f"{escaped(name)} {escaped(value)}" for name, value in numbers(result)))
    if result.next_step:
        parts.append(f"<em>Next:</em> {escaped(result.next_step)}")
    return "<br>".join(part for part in parts if part)


def _samples(result: RuleResult) -> list[str]:
    names = list(dict.fromkeys(name for one in result.samples for name in (*one.identity, *one.values)))
    rows = []
    for sample in result.samples:
        cells = {**sample.identity, **sample.values}
        rows.append(tuple("<em>NULL</em>" if (value := cells.get(name)) is None else _code(value) for name in names))
    return _folded(f"Sample rows of {_code(result.rule.name)}", _table(tuple(_code(name) for name in names), rows))


def _folded(summary: str, lines: Iterable[str]) -> list[str]:
    return ["", f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *cells]
