"""All changes from one version of a JSON Schema to another. What they mean for a mode belongs in `verdict`."""

from enum import StrEnum
from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.compiled import compiled
from dataeng_assets.contracts.compatibility.json_schema.containment import Containment, TooManyPairs
from dataeng_assets.contracts.compatibility.json_schema.noted import noted
from dataeng_assets.contracts.compatibility.json_schema.rules import judge
from dataeng_assets.contracts.compatibility.json_schema.shape import meet
from dataeng_assets.contracts.compatibility.json_schema.shapes import Shapes
from dataeng_assets.contracts.compatibility.json_schema.words import Problem, change
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change


class Reading(StrEnum):
    """How properties that an open schema does not name are read, as the Confluent registry has it."""

    STRICT = "strict"
    """A document may hold any property that the schema does not forbid."""
    LENIENT = "lenient"
    """Producers write only properties that their schema declares."""


def compare_json_schemas(old: Any, new: Any, *, reading: Reading = Reading.STRICT) -> tuple[Change, ...]:
    """All changes from one version to the next, each with whom it breaks.

    A direction in which no change breaks is proved: every document that the one schema accepts is accepted by the
    other. What cannot be proved is reported as breaking, of a kind that begins with `undecided_`.

    Args:
        old: the earlier schema, as parsed JSON of any draft from 4 to 2020-12.
        new: the later one; the two may be of different drafts.
        reading: how properties that an open schema does not name are read.

    Returns:
        What breaks somebody first, in the order of the schema; then what breaks nobody.

    Raises:
        SchemaRefused: one of the two is no JSON Schema, refers to another document, or to itself without end.
    """
    before, after = compiled(old, new)
    shapes = Shapes()
    lenient = reading is Reading.LENIENT
    try:
        found = {
            Breaks.BACKWARD: Containment(shapes, judge, forward=False).problems(
                meet(before), meet(after), lenient=lenient
            ),
            Breaks.FORWARD: Containment(shapes, judge, forward=True).problems(
                meet(after), meet(before), lenient=lenient
            ),
        }
    except TooManyPairs:
        return (_given_up(),)
    changes = _merged(found)
    return (*changes, *noted(before, after, {one.place for one in changes}))


def _merged(found: dict[Breaks, list[Problem]]) -> list[Change]:
    """One change per place and kind, with all whom it breaks."""
    together: dict[tuple[str, str, str], dict[Breaks, Problem]] = {}
    for breaks, problems in found.items():
        for problem in problems:
            together.setdefault((problem.place, problem.kind, problem.what), {}).setdefault(breaks, problem)
    return [change(problems) for problems in together.values()]


def _given_up() -> Change:
    return Change(
        "undecided_size",
        "#",
        "The schemas have too many branches within branches to be compared, so the change counts as breaking.",
        frozenset(Breaks),
        "Reduce the choices within choices (anyOf, oneOf, if), or compare the parts one by one.",
    )
