"""What a table may become when its contract changes, and what is refused, with the way out of each.

A table gets new columns that may be empty, and a column that had to be filled may become empty. Delta can widen types,
but delta-rs cannot write that: such a change is refused by name, like any other of a type.
Making the changes belongs in `location`, comparing schemas in `strict`.
"""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dataeng_assets.lake.strict import Difference, differences, logical

_INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64())


@dataclass(frozen=True)
class Evolution:
    """What has to be done to a table before rows of a schema fit in.

    Attributes:
        relaxed: columns that may be empty from now on.
        added: columns that the table lacks.
        problems: what cannot be done; then nothing is.
    """

    relaxed: tuple[str, ...]
    added: "tuple[pa.Field[Any], ...]"
    problems: tuple[Difference, ...]

    @property
    def is_needed(self) -> bool:
        """Whether the table is not yet as it should be."""
        return bool(self.relaxed or self.added)


def evolution(found: pa.Schema, wanted: pa.Schema) -> Evolution:
    """What a table's schema lacks of a wanted one.

    Args:
        found: the table's.
        wanted: that of rows to come; stricter than the table is fine.
    """
    added = tuple(column for column in wanted if column.name not in found.names)
    shared = pa.schema([column for column in wanted if column.name in found.names])
    relaxed = tuple(
        column.name for column in shared if column.nullable and _is_once(found, column.name)
        and not found.field(column.name).nullable and not differences(_only(found, column), _required(column))
    )  # fmt: skip
    loose = pa.schema([one.with_nullable(True) if one.name in relaxed else one for one in found])
    problems = [_required_later(column) for column in added if not column.nullable]
    problems += [_with_way_out(one, found, wanted) for one in differences(loose, shared)]
    return Evolution(relaxed, added, tuple(problems))


def _is_once(schema: pa.Schema, name: str) -> bool:
    return len(schema.get_all_field_indices(name)) == 1


def _only(schema: pa.Schema, column: "pa.Field[Any]") -> pa.Schema:
    return pa.schema([schema.field(column.name)])


def _required(column: "pa.Field[Any]") -> pa.Schema:
    return pa.schema([column.with_nullable(False)])


def _required_later(column: "pa.Field[Any]") -> Difference:
    return Difference(
        column.name, "no such column", f"{column.type}, not null",
        "the rows that are stored have no value for it: let it be empty in the contract (required: false)",
    )  # fmt: skip


def _with_way_out(one: Difference, found: pa.Schema, wanted: pa.Schema) -> Difference:
    """Say of a difference what to do about it."""
    if one.column not in wanted.names:
        way_out = "the contract has dropped it: keep it there, and let it be empty (required: false)"
    elif _delta_could_widen(logical(found.field(one.column).type), logical(wanted.field(one.column).type)):
        way_out = (
            "Delta could widen it, but delta-rs cannot: add a column of the wider type under a new name and fill both, "
            "or load the table again"
        )
    else:
        way_out = "add a column of the new type under a new name, and let readers move to it"
    return Difference(one.column, one.found, one.expected, way_out)


def _delta_could_widen(narrow: pa.DataType, wide: pa.DataType) -> bool:
    """Whether each value of a type is one of the other, by the list of Delta's protocol, under "type widening"."""
    if narrow in _INTEGERS:
        if wide in _INTEGERS:
            return _INTEGERS.index(narrow) < _INTEGERS.index(wide)
        digits = 20 if narrow == pa.int64() else 10
        if pa.types.is_decimal(wide):
            return bool(wide.precision - wide.scale >= digits)
        return bool(wide == pa.float64() and narrow != pa.int64())
    if pa.types.is_decimal(narrow) and pa.types.is_decimal(wide):
        more = wide.scale - narrow.scale
        return bool(more >= 0 and wide.precision - narrow.precision >= more and wide != narrow)
    return (narrow, wide) in ((pa.float32(), pa.float64()), (pa.date32(), pa.timestamp("us")))
