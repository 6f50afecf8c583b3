"""What differs between two schemas and breaks nobody, so that a reader of the comparison sees every change."""

from collections.abc import Iterator
from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.document import shown, step
from dataeng_assets.contracts.compatibility.json_schema.node import Node
from dataeng_assets.contracts.compatibility.json_schema.shape import unwrapped
from dataeng_assets.contracts.compatibility.verdict import Change

READ_AS = {
    "format": "it is read as an annotation: a validator checks it only when told to",
    "contentEncoding": "it is an annotation: no validator decodes the text",
    "contentMediaType": "it is an annotation: no validator reads the text",
    "nullable": "it is no keyword of JSON Schema, and validators pass over it",
}


def noted(old: Node, new: Node, told: set[str]) -> list[Change]:
    """Differences in what no validator checks, and properties that came or went without breaking anybody.

    Args:
        old: the earlier schema.
        new: the later one.
        told: places of which something was told already.
    """
    changes: list[Change] = []
    seen: set[tuple[Node, Node]] = set()
    queue = [(unwrapped(old), unwrapped(new), "#")]
    while queue:
        before, after, place = queue.pop()
        if (before, after) in seen or before is after:
            continue
        seen.add((before, after))
        changes += _annotations(before, after, place)
        changes += _moved(before, after, place, told)
        queue += reversed(list(_shared(before, after, place)))
    return changes


def _annotations(before: Node, after: Node, place: str) -> Iterator[Change]:
    for word in before.notes | after.notes:
        old, new = before.notes.get(word), after.notes.get(word)
        if old != new or (word in before.notes) != (word in after.notes):
            what = f"{word} went from {_text(before.notes, word)} to {_text(after.notes, word)}"
            why = READ_AS.get(word, "no validator checks it")
            kind = f"{word}_changed" if word in READ_AS else "annotation_changed"
            yield Change(kind, place, f"{what}; {why}.")


def _text(notes: dict[str, Any], word: str) -> str:
    return shown(notes[word]) if word in notes else "nothing"


def _moved(before: Node, after: Node, place: str, told: set[str]) -> Iterator[Change]:
    old, new = before.maps.get("properties", {}), after.maps.get("properties", {})
    for name in [*(name for name in old if name not in new), *(name for name in new if name not in old)]:
        at = f"{place}/properties{step(name)}"
        if at not in told:
            kind, verb = ("property_added", "is new") if name in new else ("property_removed", "is gone")
            yield Change(kind, at, f"The property {shown(name)} {verb}, and what is valid stays valid.")


def _shared(before: Node, after: Node, place: str) -> Iterator[tuple[Node, Node, str]]:
    for word in _in_both(before.single, after.single):
        yield (
            unwrapped(before.single[word]),
            unwrapped(after.single[word]),
            place if word == "$ref" else f"{place}/{word}",
        )
    for word in _in_both(before.lists, after.lists):
        for position, pair in enumerate(zip(before.lists[word], after.lists[word], strict=False)):
            old, new = unwrapped(pair[0]), unwrapped(pair[1])
            # branches may have changed places
            if word == "prefixItems" or old.maps.get("properties", {}).keys() == new.maps.get("properties", {}).keys():
                yield old, new, f"{place}/{word}/{position}"
    for word in _in_both(before.maps, after.maps):
        for name in _in_both(before.maps[word], after.maps[word]):
            at = f"{place}/{word}{step(name)}"
            yield unwrapped(before.maps[word][name]), unwrapped(after.maps[word][name]), at


def _in_both(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """In the order of the earlier schema, so that every comparison of two schemas reads the same."""
    return [word for word in old if word in new]
