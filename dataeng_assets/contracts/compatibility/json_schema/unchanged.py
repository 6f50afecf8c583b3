"""Which parts of a document two versions share word for word, with all that they refer to."""

from collections.abc import Iterable, Mapping
from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.document import step

_MISSING = object()


def unchanged_places(old: Any, new: Any, references: Iterable[tuple[str, str]]) -> set[str]:
    """The objects and lists that are the same in both versions, as JSON pointers.

    Args:
        old: the earlier document.
        new: the later one.
        references: for each reference of the earlier document, where it is written and where it leads.

    Returns:
        Places where the texts are the same but for the order of keys, and every reference leads to such a place.
    """
    in_both, changed = _compared(old, new)
    referring: dict[str, list[str]] = {}
    for place, target in references:
        if target in in_both:
            referring.setdefault(target, []).append(place)
        else:
            changed.append(place)
    return in_both - _around(changed, referring)


def _compared(old: Any, new: Any) -> tuple[set[str], list[str]]:
    """The objects and lists that stand at one place in both versions, and where something else stands or is missing."""
    in_both: set[str] = set()
    changed: list[str] = []
    stack = [(old, new, "#")]
    while stack:
        before, after, place = stack.pop()
        if type(before) is not type(after) or not isinstance(before, dict | list):
            changed.append(place)
            continue
        in_both.add(place)
        if len(before) != len(after):
            changed.append(place)
        for key, inner in before.items() if isinstance(before, dict) else enumerate(before):
            other = (
                after.get(key, _MISSING) if isinstance(after, dict) else after[key] if key < len(after) else _MISSING
            )
            if isinstance(inner, dict | list):
                stack.append((inner, other, place + step(key)))
            # True is 1 in Python, and 1 is 1.0
            elif inner != other or type(inner) is not type(other):
                changed.append(place)
    return in_both, changed


def _around(changed: list[str], referring: Mapping[str, list[str]]) -> set[str]:
    """The places that hold something changed, or refer to one that does."""
    found: set[str] = set()
    waiting = list(changed)
    while waiting:
        place = waiting.pop()
        while place and place not in found:
            found.add(place)
            waiting += referring.get(place, ())
            place = place.rpartition("/")[0]
    return found
