"""Whether the type of a column holds more or less than before: by the type table where it knows the physical types,
by name and modifiers where it does not, by the logical type where there is no physical one.
"""

import re
from collections.abc import Sequence

import pyarrow as pa
from open_data_contract_standard.model import SchemaProperty

from dataeng_assets.contracts.compatibility.odcs.sets import Moved, moved
from dataeng_assets.contracts.errors import TypeRefused
from dataeng_assets.contracts.types import ColumnType, event_type, postgres_type

_DIGITS = {16: 5, 32: 10, 64: 19}
_EXACT_IN_DOUBLE = 32
_ANY_TEXT = frozenset(("text", "string", "character varying"))
_NAME_AND_MODIFIERS = re.compile(r"\s*(.*?)\s*(?:\(([\d\s,]*)\)(.*))?")


def type_moved(old: SchemaProperty, new: SchemaProperty) -> Moved:
    """How the values that a column's type holds have changed."""
    if old.physicalType and new.physicalType:
        return _physical(old, new)
    if old.logicalType == new.logicalType:
        return Moved.SAME
    pair = (old.logicalType, new.logicalType)
    return moved(old_in_new=pair == ("integer", "number"), new_in_old=pair == ("number", "integer"))


def shown(one: SchemaProperty) -> str:
    """The type as the contract writes it."""
    return one.physicalType or one.logicalType or "no type"


def _physical(old: SchemaProperty, new: SchemaProperty) -> Moved:
    before, now = _parts(old.physicalType or ""), _parts(new.physicalType or "")
    if before == now:
        return Moved.SAME
    known = _known(old), _known(new)
    if known[0] and known[1]:
        first, second = (known[0], before[1]), (known[1], now[1])
        return moved(old_in_new=_holds(second, first), new_in_old=_holds(first, second))
    if before[0] != now[0]:
        return Moved.OTHER
    return moved(old_in_new=_modifiers_hold(now[1], before[1]), new_in_old=_modifiers_hold(before[1], now[1]))


def _parts(physical: str) -> tuple[str, tuple[int, ...]]:
    """The name, small and with single spaces, and the numbers in brackets."""
    found = _NAME_AND_MODIFIERS.fullmatch(physical)
    name, modifiers, rest = found.groups() if found else (physical, None, None)
    numbers = tuple(int(one) for one in (modifiers or "").split(",") if one.strip())
    return " ".join(f"{name} {rest or ''}".lower().split()), numbers


def _known(one: SchemaProperty) -> ColumnType | None:
    physical = one.physicalType or ""
    for read in (postgres_type, event_type):
        try:
            return read(physical)
        except TypeRefused:
            continue
    return None


def _holds(outer: tuple[ColumnType, Sequence[int]], inner: tuple[ColumnType, Sequence[int]]) -> bool:
    """Whether every value of the inner type is one of the outer."""
    (large, large_modifiers), (small, small_modifiers) = outer, inner
    if large.element and small.element:
        return _holds((large.element, large_modifiers), (small.element, small_modifiers))
    if large.family == "text" and small.family == "text":
        if large.kind in _ANY_TEXT and not large_modifiers:
            return True
        return large.kind == small.kind and _modifiers_hold(large_modifiers, small_modifiers)
    if large.kind == small.kind:
        return True
    return _numbers_hold(large.arrow, small.arrow)


def _numbers_hold(large: pa.DataType, small: pa.DataType) -> bool:
    if pa.types.is_integer(small):
        if pa.types.is_integer(large):
            return bool(large.bit_width >= small.bit_width)
        if pa.types.is_decimal(large):
            return bool(large.precision - large.scale >= _DIGITS[small.bit_width])
        return bool(pa.types.is_float64(large) and small.bit_width <= _EXACT_IN_DOUBLE)
    if pa.types.is_decimal(small) and pa.types.is_decimal(large):
        return bool(large.scale >= small.scale and large.precision - large.scale >= small.precision - small.scale)
    return bool(pa.types.is_floating(small) and pa.types.is_floating(large) and large.bit_width >= small.bit_width)


def _modifiers_hold(large: Sequence[int], small: Sequence[int]) -> bool:
    """Whether `(20)` holds `(10)`, and `(12,2)` holds `(10,1)`; no modifier means no limit."""
    if not large:
        return True
    if not small or len(large) != len(small):
        return False
    if len(large) == 1:
        return large[0] >= small[0]
    return large[1] >= small[1] and large[0] - large[1] >= small[0] - small[1]
