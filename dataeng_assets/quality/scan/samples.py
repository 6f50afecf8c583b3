"""Rows that break rules, a few of each, in one more pass for all rules. Personal values never leave the engine."""

from collections.abc import Mapping, Sequence
from typing import Any

from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.quality.results import Sample
from dataeng_assets.quality.scan.subject import Subject

MASK = "•••"
_SHOWN_ROWS = 3
_SHOWN_LETTERS = 120


def samples(
    subject: Subject, failing: Mapping[str, tuple[str, Sequence[str]]], relation: str | None = None
) -> dict[str, tuple[Sample, ...]]:
    """The first rows that break each rule, by key or position.

    Args:
        subject: what is judged.
        failing: by rule, the condition that is true for the rows that break it, and the columns to show.
        relation: where the conditions hold, when it is not the subject's own.
    """
    if not failing:
        return {}
    parts = []
    for condition, columns in failing.values():
        order = [quoted(name) for name in subject.identity] or ["0"]
        known = _texts(subject, subject.identity)
        values = _texts(subject, [name for name in columns if name not in subject.identity])
        parts.append(f"min(row(row({listed(order)}), [{known}], [{values}]), {_SHOWN_ROWS}) filter ({condition})")
    found = subject.ask(f"select {listed(parts)} from {relation or subject.relation}")[0]
    return {
        name: tuple(_sample(subject, columns, row) for row in rows or ())
        for (name, (_, columns)), rows in zip(failing.items(), found, strict=True)
    }


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
