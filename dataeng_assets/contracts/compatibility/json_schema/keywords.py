"""What the keywords of one schema say, in the words of `node`, whichever draft they are written in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.document import Draft, SchemaRefused, shown, step
from dataeng_assets.contracts.compatibility.json_schema.node import INTEGER_OF_DRAFT_4, OF_TYPE, TYPES
from dataeng_assets.contracts.compatibility.json_schema.values import key

Part = tuple[str, Any]
"""A part of a schema: where it is written, and the text."""


@dataclass(slots=True)
class Words:
    """One schema read: the fields are those of a `Node`, with the parts still as they are written."""

    draft: Draft
    place: str
    limits: dict[str, Any] = field(default_factory=dict)
    single: dict[str, Part] = field(default_factory=dict)
    lists: dict[str, list[Part]] = field(default_factory=dict)
    maps: dict[str, dict[str, Part]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    apart: list[Part] = field(default_factory=list)
    """Definitions: schemas that say nothing here until something refers to them."""

    def refuse(self, word: str, found: Any, allowed: str) -> SchemaRefused:
        """The error for what stands under a keyword."""
        return SchemaRefused(self.place + step(word), f"{word} is {shown(found)}", f"Write {allowed}")


def read(raw: dict[str, Any], draft: Draft, place: str) -> Words:
    """Read the keywords of one schema.

    Raises:
        SchemaRefused: a keyword of the draft holds what it may not hold.
    """
    words = Words(draft, place)
    for word, value in raw.items():
        since, until, reader = READERS.get(word, _UNKNOWN)
        if since <= draft <= until:
            reader(words, word, value)
        else:
            words.notes[word] = value
    _settle(words, raw)
    return words


def _settle(words: Words, raw: dict[str, Any]) -> None:
    """What depends on more than one keyword."""
    if words.draft == Draft.DRAFT_4:
        _exclusive_of_draft_4(words, raw)
    if words.draft < Draft.DRAFT_2020_12 and isinstance(raw.get("items"), list):
        words.single.pop("items", None)
        if "additionalItems" in words.single:
            words.single["items"] = words.single["additionalItems"]
    words.single.pop("additionalItems", None)
    if "contains" in words.single:
        words.limits["contains"] = (words.limits.get("minContains", 1), words.limits.get("maxContains"))
    for word in ("minContains", "maxContains"):
        words.limits.pop(word, None)
    if "unevaluatedItems" in words.single and words.draft == Draft.DRAFT_2020_12:
        # there, what `contains` has matched counts as judged: the same words say another thing in 2019-09
        words.limits["contains judges"] = True
    # an `if` alone still counts as having judged what it names, for the unevaluated… keywords
    alone = words.draft < Draft.DRAFT_2019_09 and not words.single.keys() & {"then", "else"}
    for word in ("if", "then", "else"):
        if word in words.single and (alone or "if" not in words.single):
            words.apart.append(words.single.pop(word))


def _exclusive_of_draft_4(words: Words, raw: dict[str, Any]) -> None:
    for word, side, bound in (
        ("exclusiveMinimum", "lower", "minimum"),
        ("exclusiveMaximum", "upper", "maximum"),
    ):
        flag = words.notes.pop(word, False)
        if not isinstance(flag, bool):
            raise words.refuse(word, flag, "true or false, or declare draft 6 or later")
        if flag and bound in raw:
            words.limits[side] = (raw[bound], True)


def _type(words: Words, word: str, value: Any) -> None:
    if isinstance(value, str) and value in OF_TYPE and words.draft > Draft.DRAFT_4:
        words.limits[word] = OF_TYPE[value].limits[word]
        return
    listed = value if isinstance(value, list) else [value]
    for name in listed:
        if not isinstance(name, str) or name not in TYPES:
            raise words.refuse(word, name, f"one or several of {', '.join(TYPES)}")
    exact = words.draft == Draft.DRAFT_4
    words.limits[word] = frozenset(INTEGER_OF_DRAFT_4 if exact and name == "integer" else name for name in listed)


def _enum(words: Words, word: str, value: Any) -> None:
    if not isinstance(value, list):
        raise words.refuse(word, value, "a list of values")
    _only(words, {key(one): one for one in value})


def _const(words: Words, word: str, value: Any) -> None:  # noqa: ARG001  # called as all readers are
    _only(words, {key(value): value})


def _only(words: Words, allowed: dict[Any, Any]) -> None:
    before = words.limits.get("enum")
    words.limits["enum"] = allowed if before is None else {one: allowed[one] for one in allowed if one in before}


def _bound(side: str, exclusive: bool) -> Callable[[Words, str, Any], None]:
    def reader(words: Words, word: str, value: Any) -> None:
        if not _is_number(value):
            raise words.refuse(word, value, "a number")
        before = words.limits.get(side)
        words.limits[side] = (value, exclusive) if before is None else tighter(side, before, (value, exclusive))

    return reader


def tighter(side: str, one: tuple[Any, bool], other: tuple[Any, bool]) -> tuple[Any, bool]:
    """The bound that lets less through."""
    if one[0] == other[0]:
        return one if one[1] else other
    return one if (one[0] > other[0]) == (side == "lower") else other


def _multiple(words: Words, word: str, value: Any) -> None:
    if not _is_number(value) or value <= 0:
        raise words.refuse(word, value, "a number above 0")
    # 0.1 means a tenth, not the nearest double
    words.limits[word] = _exactly(repr(value))


@lru_cache(maxsize=1000)
def _exactly(digits: str) -> Fraction:
    return Fraction(digits)


def _count(words: Words, word: str, value: Any) -> None:
    if not _is_number(value) or value < 0 or value != int(value):
        raise words.refuse(word, value, "a whole number, 0 or more")
    if int(value) > 0 or word.startswith("max") or word == "minContains":
        words.limits[word] = int(value)


def _text(words: Words, word: str, value: Any) -> None:
    if not isinstance(value, str):
        raise words.refuse(word, value, "a string")
    words.limits[word] = value


def _flag(words: Words, word: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise words.refuse(word, value, "true or false")
    if value:
        words.limits[word] = True


def _names(words: Words, word: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise words.refuse(word, value, "a list of property names (`required: true` is of draft 3)")
    return frozenset(value)


def _required(words: Words, word: str, value: Any) -> None:
    if names := _names(words, word, value):
        words.limits[word] = names


def _dependencies(words: Words, word: str, value: Any) -> None:
    """In `dependencies`, up to draft 7, a list is what is now dependentRequired, a schema what is dependentSchemas."""
    if not isinstance(value, dict):
        raise words.refuse(word, value, "an object")
    for name, needs in value.items():
        if isinstance(needs, list):
            words.limits.setdefault("dependentRequired", {})[name] = _names(words, word, needs)
        else:
            place = words.place + step(word) + step(name)
            words.maps.setdefault("dependentSchemas", {})[name] = (place, needs)


def _dependent_required(words: Words, word: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise words.refuse(word, value, "an object")
    if value:
        words.limits[word] = {name: _names(words, word, needs) for name, needs in value.items()}


def _schema(words: Words, word: str, value: Any) -> None:
    words.single[word] = (words.place + step(word), value)


def _schemas(words: Words, word: str, value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise words.refuse(word, value, "a list of schemas, at least one")
    words.lists[word] = [(words.place + step(word) + step(n), part) for n, part in enumerate(value)]


def _items(words: Words, word: str, value: Any) -> None:
    if not isinstance(value, list):
        _schema(words, word, value)
    elif words.draft == Draft.DRAFT_2020_12:
        raise words.refuse(word, value, "one schema; for one per position, prefixItems")
    elif value:
        words.lists["prefixItems"] = [(words.place + step(word) + step(n), part) for n, part in enumerate(value)]


def _map(words: Words, word: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise words.refuse(word, value, "an object of schemas")
    if value:
        words.maps[word] = {name: (words.place + step(word) + step(name), part) for name, part in value.items()}


def _definitions(words: Words, word: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise words.refuse(word, value, "an object of schemas")
    words.apart += [(words.place + step(word) + step(name), part) for name, part in value.items()]


def _note(words: Words, word: str, value: Any) -> None:
    words.notes[word] = value


def _nothing(words: Words, word: str, value: Any) -> None:
    pass


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_D4, _D6, _D7, _D2019, _D2020 = Draft
_UNKNOWN = (_D4, _D2020, _note)
READERS: dict[str, tuple[Draft, Draft, Callable[[Words, str, Any], None]]] = {
    "type": (_D4, _D2020, _type),
    "enum": (_D4, _D2020, _enum),
    "const": (_D6, _D2020, _const),
    "minimum": (_D4, _D2020, _bound("lower", exclusive=False)),
    "maximum": (_D4, _D2020, _bound("upper", exclusive=False)),
    "exclusiveMinimum": (_D6, _D2020, _bound("lower", exclusive=True)),
    "exclusiveMaximum": (_D6, _D2020, _bound("upper", exclusive=True)),
    "multipleOf": (_D4, _D2020, _multiple),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), (_D4, _D2020, _count)
    ),
    **dict.fromkeys(("minContains", "maxContains"), (_D2019, _D2020, _count)),
    "pattern": (_D4, _D2020, _text),
    "uniqueItems": (_D4, _D2020, _flag),
    "required": (_D4, _D2020, _required),
    "dependentRequired": (_D2019, _D2020, _dependent_required),
    "dependencies": (_D4, _D7, _dependencies),
    "items": (_D4, _D2020, _items),
    "additionalItems": (_D4, _D2019, _schema),
    "prefixItems": (_D2020, _D2020, _schemas),
    "contains": (_D6, _D2020, _schema),
    "unevaluatedItems": (_D2019, _D2020, _schema),
    **dict.fromkeys(("properties", "patternProperties"), (_D4, _D2020, _map)),
    "additionalProperties": (_D4, _D2020, _schema),
    "propertyNames": (_D6, _D2020, _schema),
    "dependentSchemas": (_D2019, _D2020, _map),
    "unevaluatedProperties": (_D2019, _D2020, _schema),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), (_D4, _D2020, _schemas)),
    "not": (_D4, _D2020, _schema),
    **dict.fromkeys(("if", "then", "else"), (_D7, _D2020, _schema)),
    **dict.fromkeys(("definitions", "$defs"), (_D4, _D2020, _definitions)),
    **dict.fromkeys(
        ("$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$ref", "$dynamicRef",
         "$recursiveRef", "$comment", "$vocabulary"),
        (_D4, _D2020, _nothing),
    ),
}  # fmt: skip
