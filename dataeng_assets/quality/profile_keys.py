"""Which columns tell any two rows apart: one by itself, or else two together. What is likely is asked, and proved."""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.quality.scan.distinct import candidates
from dataeng_assets.quality.scan.subject import Subject

if TYPE_CHECKING:
    from dataeng_assets.quality.profile import ColumnShape

_NEARLY = 0.85
"""The count of different values is approximate: so much of it may be all of them."""
_MOST_PAIRS = 12
_LONGEST_KEY = 64
_IDENTIFIES = re.compile(r"(^|[_ .-])(id|uuid|guid|key|code|no|nr|number|sku|ref|hash)$|(?<=[a-z])(ID|Id|No|Code|Key)$")


def key_candidates(
    subject: Subject, shapes: Mapping[str, "ColumnShape"], rows: int
) -> tuple[tuple[tuple[str, ...], ...], set[str]]:
    """The candidates for a key, likely ones first, and every single column whose values are all different.

    Args:
        subject: what is looked at.
        shapes: of its columns.
        rows: how many there are.
    """
    unique = {
        shape.name
        for shape in shapes.values()
        if shape.values > 1
        and shape.distinct >= shape.values * _NEARLY
        and shape.logical in ("integer", "string", "date", "timestamp", "number")
        and (shape.longest or 0) <= _LONGEST_KEY
        and _differ(subject, (shape.name,))
    }
    able = [shape for shape in shapes.values() if _may_identify(shape, rows)]
    alone = [shape for shape in able if shape.name in unique and shape.logical in ("integer", "string")]
    likely = [
        shape for shape in alone if identifies(shape.name) or "uuid" in shape.formats or _is_leading_code(shape, able)
    ]
    if likely:
        return tuple((shape.name,) for shape in sorted(likely, key=_rank)), unique
    return _pairs(subject, [shape for shape in able if shape.name not in unique], rows), unique


def identifies(name: str) -> bool:
    """Whether a column of this name usually says which one a thing is."""
    return bool(_IDENTIFIES.search(name) or _IDENTIFIES.search(name.lower()))


def _pairs(subject: Subject, able: Sequence["ColumnShape"], rows: int) -> tuple[tuple[str, ...], ...]:
    tried = [
        (one, other)
        for one, other in combinations(able, 2)
        if one.distinct * other.distinct >= rows * _NEARLY and (identifies(one.name) or identifies(other.name))
    ]
    tried.sort(key=lambda pair: sum(map(_rank, pair)))
    for pair in tried[:_MOST_PAIRS]:
        names = tuple(shape.name for shape in pair)
        if _differ(subject, names):
            return (names,)
    return ()


def _may_identify(shape: "ColumnShape", rows: int) -> bool:
    is_kind = shape.logical in ("integer", "string", "date", "timestamp")
    return is_kind and shape.values == rows > 1 and (shape.longest or 0) <= _LONGEST_KEY and not shape.personal


def _is_leading_code(shape: "ColumnShape", able: Sequence["ColumnShape"]) -> bool:
    """Whether it is a text without blanks that comes before all others: a number there may just be measured."""
    return shape is able[0] and shape.logical == "string" and not shape.has_blanks


def _rank(shape: "ColumnShape") -> int:
    """What is more likely meant to identify a row comes first: `id`, then `order_id`, then `code`, then the rest."""
    name = shape.name.lower()
    if name in ("id", "uuid", "guid"):
        return 0
    if name.endswith(("id", "uuid")) and identifies(shape.name):
        return 1
    return 2 if identifies(shape.name) else 3 + (shape.logical not in ("integer", "string"))


def _differ(subject: Subject, columns: tuple[str, ...]) -> bool:
    there = " and ".join(f"{quoted(name)} is not null" for name in columns)
    return not candidates(subject, columns, f"from {subject.relation} where {there}").condition
