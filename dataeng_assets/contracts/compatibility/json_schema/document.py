"""Taking a schema in: is it plain JSON of a bearable size, in which draft, and how one that is not is refused.

What its keywords say belongs in `keywords`, its parts and references in `compiled`.
"""

import math
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

MAX_DEPTH = 200
MAX_VALUES = 1_000_000

Trail = tuple[Any, Any] | None
"""The way to a value: the way to its parent, and its key there; None is the top."""


class SchemaRefused(Exception):
    """A schema that cannot be compared.

    Attributes:
        place: where in the document, as a JSON pointer: `#/properties/amount`.
        reason: what stands there and why that cannot be used.
        next_step: what to do.
    """

    def __init__(self, place: str, reason: str, next_step: str) -> None:
        self.place, self.reason, self.next_step = place, reason, next_step
        super().__init__(f"The JSON Schema cannot be used at {place}: {reason}. Nothing was compared. {next_step}.")


class Draft(IntEnum):
    """The versions of JSON Schema, in order."""

    DRAFT_4 = 4
    DRAFT_6 = 6
    DRAFT_7 = 7
    DRAFT_2019_09 = 8
    DRAFT_2020_12 = 9


DRAFTS = {
    "json-schema.org/draft-04/schema": Draft.DRAFT_4,
    "json-schema.org/draft-06/schema": Draft.DRAFT_6,
    "json-schema.org/draft-07/schema": Draft.DRAFT_7,
    "json-schema.org/draft/2019-09/schema": Draft.DRAFT_2019_09,
    "json-schema.org/draft/2020-12/schema": Draft.DRAFT_2020_12,
}


def draft_of(raw: Any) -> Draft:
    """The draft that a document names in `$schema`; 2020-12 when it names none.

    Raises:
        SchemaRefused: it is no schema, or names a draft that is not known.
    """
    if isinstance(raw, bool):
        return Draft.DRAFT_2020_12
    if not isinstance(raw, dict):
        raise SchemaRefused("#", f"{named(raw)} is no schema", "Give an object, true or false")
    uri = raw.get("$schema")
    if uri is None:
        return Draft.DRAFT_2020_12
    name = uri.removeprefix("http://").removeprefix("https://").rstrip("#") if isinstance(uri, str) else ""
    if name not in DRAFTS:
        known = ", ".join(f"http://{draft}" if "/draft-0" in draft else f"https://{draft}" for draft in DRAFTS)
        raise SchemaRefused("#/$schema", f"{shown(uri)} is no draft that is known", f"Write one of {known}")
    return DRAFTS[name]


def check_is_json(raw: Any) -> None:
    """Refuse what is not JSON, or too deep or large to look at; without recursion, whatever the depth.

    Raises:
        SchemaRefused: names the place.
    """
    stack: list[tuple[Any, int, Trail]] = [(raw, 0, None)]
    count = 1
    while stack:
        value, depth, trail = stack.pop()
        if not isinstance(value, dict | list):
            if not _is_plain(value):
                raise SchemaRefused(pointer(trail), f"{named(value)} is no value of JSON", "Write it as JSON has it")
            continue
        count += len(value)
        if value and depth >= MAX_DEPTH:
            reason = f"the document is nested deeper than {MAX_DEPTH} levels"
            raise SchemaRefused(pointer(trail, at_most=4), reason, "Name the inner parts in $defs and refer to them")
        if count > MAX_VALUES:
            raise SchemaRefused("#", f"the document has more than {MAX_VALUES} values", "Split it into several")
        if isinstance(value, dict) and not _STRING.issuperset(map(type, value)):
            _check_keys(value, trail)
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        # most of a document is texts and whole numbers, which need no second look
        stack += [(one, depth + 1, (trail, key)) for key, one in inner if type(one) not in _SURELY_PLAIN]


_STRING = frozenset({str})
_SURELY_PLAIN = {str, int, bool, type(None)}


def _check_keys(value: dict[Any, Any], trail: Trail) -> None:
    for key in value:
        if not isinstance(key, str):
            raise SchemaRefused(pointer(trail), f"the key {key!r} is no string", "Write it in quotes")


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def pointer(trail: Trail, *, at_most: int = MAX_DEPTH) -> str:
    """The JSON pointer of a trail; of a long one, its first parts."""
    parts: list[Any] = []
    while trail is not None:
        trail, key = trail
        parts.append(key)
    parts.reverse()
    return "#" + "".join(step(part) for part in parts[:at_most]) + ("/…" if len(parts) > at_most else "")


def step(key: object) -> str:
    """One step of a JSON pointer."""
    text = str(key)
    return "/" + (text.replace("~", "~0").replace("/", "~1") if "/" in text or "~" in text else text)


def shown(value: object, limit: int = 60) -> str:
    """A value as a message shows it: as JSON has it, cut when long."""
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)):
        return named(value)
    text = (
        {None: "null", True: "true", False: "false"}.get(value)
        if value is None or value is True or value is False
        else None
    )
    text = text or (f'"{value}"' if isinstance(value, str) else str(value))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def named(value: object) -> str:
    """What kind of value this is, in the words of JSON."""
    if isinstance(value, bool):
        return shown(value)
    names = {dict: "an object", list: "an array", str: "a string", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), f"a value of type {type(value).__name__}")
