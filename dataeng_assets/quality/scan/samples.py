"""Rows that break rules, a few of each. Personal values never leave the engine."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.quality.results import Sample
from dataeng_assets.quality.scan.subject import Subject

MASK = "•••"
_SHOWN_ROWS = 3
_SHOWN_LETTERS = 120
_BEGINNING = 50_000


class Broken(NamedTuple):
    """What a rule's samples are chosen from.

    Attributes:
        condition: true for the rows that break the rule.
        rows: how many they are.
        columns: whose values are shown.
    """

    condition: str
    rows: int
    columns: Sequence[str]


def samples(
    subject: Subject, broken: Mapping[str, Broken], relation: str | None = None
) -> dict[str, tuple[Sample, ...]]:
    """The first rows that break each rule, by key or position.

    Where rows are told apart by position, those of many rules stand at the beginning: only for the rules whose do not,
    the whole table is read again.

    Args:
        subject: what is judged.
        broken: by rule.
        relation: where the conditions hold, when it is not the subject's own.
    """
    if subject.elsewhere:
        return {name: _one_by_one(subject, one.condition, one.columns) for name, one in broken.items()}
    rows = relation or subject.relation
    found: dict[str, tuple[Sample, ...]] = {}
    if subject.input.position and subject.identity == subject.input.position:
        beginning = f"(select * from {rows} where try_cast({quoted(subject.identity[-1])} as bigint) <= {_BEGINNING})"
        found = _first_rows(subject, broken, beginning)
    missing = {name: one for name, one in broken.items() if len(found.get(name, ())) < min(one.rows, _SHOWN_ROWS)}
    return found | _first_rows(subject, missing, rows)


def _first_rows(subject: Subject, broken: Mapping[str, Broken], rows: str) -> dict[str, tuple[Sample, ...]]:
    if not broken:
        return {}
    # of a position the row comes before the file, so that the beginning of all files is before the rest of any
    order = [quoted(name) for name in reversed(subject.identity)] or ["0"]
    known = _texts(subject, subject.identity)
    parts = []
    for condition, _, columns in broken.values():
        values = _texts(subject, [name for name in columns if name not in subject.identity])
        row = f"row(row({listed(order)}), [{known}], [{values}])"
        # a filter alone has the row made for each row of the table, and thrown away then
        parts.append(f"min(case when {condition} then {row} end, {_SHOWN_ROWS}) filter ({condition})")
    any_broken = " or ".join(f"({one.condition})" for one in broken.values())
    found = subject.ask(f"select {listed(parts)} from {rows} where {any_broken}")[0]
    return {
        name: tuple(_sample(subject, one.columns, row) for row in first or ())
        for (name, one), first in zip(broken.items(), found, strict=True)
    }


def _one_by_one(subject: Subject, condition: str, columns: Sequence[str]) -> tuple[Sample, ...]:
    """The same rows in the same order, where no aggregate gives the smallest few."""
    order = [*map(quoted, reversed(subject.identity)), "2", "3"]
    known = _texts(subject, subject.identity)
    values = _texts(subject, [name for name in columns if name not in subject.identity])
    rows = f"from {subject.relation} where {condition} order by {listed(order)} limit {_SHOWN_ROWS}"
    found = subject.ask(f'select null, array[{known}] collate "C", array[{values}] collate "C" {rows}')
    return tuple(_sample(subject, columns, row) for row in found)


def _texts(subject: Subject, columns: Sequence[str]) -> str:
    written = {name: subject.written.get(name, quoted(name)) for name in columns}
    shown = (
        f"case when {value} is not null then '{MASK}' end"
        if name in subject.suite.personal
        else f"left({value}::varchar, {_SHOWN_LETTERS})"
        for name, value in written.items()
    )
    return listed(shown) or "null::varchar"


def _sample(subject: Subject, columns: Sequence[str], row: Any) -> Sample:
    _, known, values = row.values() if isinstance(row, dict) else row
    rest = [name for name in columns if name not in subject.identity]
    return Sample(
        dict(zip(subject.identity, known, strict=False)), dict(zip(rest, values, strict=False)) if rest else {}
    )
