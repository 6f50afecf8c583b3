"""Comparing schemas before rows are written, because delta-rs casts silently: 1.5 into an integer column stores 1.

Writing belongs in `append` and `replace`, what a table may become in `evolve`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from deltalake import DeltaTable

_UTC_NAMES = {"UTC", "Etc/UTC", "+00:00", "Z"}


@dataclass(frozen=True)
class Difference:
    """One column that is not as expected, and the way out where there is one of its own."""

    column: str
    found: str
    expected: str
    way_out: str = ""


class SchemaDiffers(Exception):
    """Rows and table, or table and contract, do not have the same columns; nothing was written."""

    retryable = False

    def __init__(self, name: str, uri: str, problems: Sequence[Difference]) -> None:
        self.problems = tuple(problems)
        listed = "\n".join(map(_told, self.problems))
        super().__init__(
            f"The columns of {name} ({uri}) are not as expected:\n{listed}\n"
            "Nothing was written; the table is as before. New columns that may be empty are added by themselves, and a "
            "column may become empty. For any other change give the table a new name in its contract, or move the old "
            "one away and load it again."
        )


def _told(problem: Difference) -> str:
    way_out = f"; {problem.way_out}" if problem.way_out else ""
    return f"  {problem.column}: found {problem.found}, expected {problem.expected}{way_out}"


def table_schema(table: DeltaTable) -> pa.Schema:
    """The table's columns in Arrow."""
    return pa.schema(table.schema().to_arrow())  # type: ignore[arg-type]  # it takes any Arrow schema


def differences(found: pa.Schema, expected: pa.Schema) -> list[Difference]:
    """What keeps two schemas from being the same; the order of columns and Arrow's layouts of one type do not count.

    A column that is found to allow empty values where the expected one does not is no difference.
    """
    problems = []
    for name in dict.fromkeys([*expected.names, *found.names]):
        here, there = _described(found, name), _described(expected, name)
        if here != there:
            problems.append(Difference(name, here, there))
        elif expected.field(name).nullable and not found.field(name).nullable:
            problems.append(Difference(name, f"{here}, not null", f"{there}, may be empty"))
    return problems


def logical(kind: pa.DataType) -> pa.DataType:
    """A type without Arrow's choice of layout: what Delta stores."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(pa.field("element", logical(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(part.name, logical(part.type)) for part in kind])
    if pa.types.is_timestamp(kind) and kind.tz in _UTC_NAMES:
        return pa.timestamp(kind.unit, tz="UTC")
    return kind


def _described(schema: pa.Schema, name: str) -> str:
    positions = schema.get_all_field_indices(name)
    if not positions:
        return "no such column"
    return str(logical(schema.field(positions[0]).type)) if len(positions) == 1 else f"{len(positions)} such columns"
