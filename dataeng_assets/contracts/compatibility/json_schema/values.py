"""Values of JSON: which are equal, and whether a schema admits one.

The values come from schemas (enums, property names), not from data: they are few and small.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.node import INTEGER_OF_DRAFT_4, Node
from dataeng_assets.contracts.compatibility.json_schema.patterns import matches

Key = Any
MAX_STEPS_INWARD = 60


def key(value: Any) -> Key:
    """A hashable stand-in: two values have the same key exactly when JSON Schema calls them equal."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, dict):
        return ("object", frozenset((name, key(inner)) for name, inner in value.items()))
    if isinstance(value, list):
        return ("array", tuple(key(inner) for inner in value))
    return ("text" if isinstance(value, str) else "number", value)


def kind_of(value: Any) -> str:
    """The narrowest type of a value. A document may write an enum's 1 as 1.0, so no value is an integer of draft 4."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list | dict):
        return "array" if isinstance(value, list) else "object"
    return "integer" if value == int(value) else "number"


def covers(wider: str, narrower: str) -> bool:
    """Whether every value of one type is of the other."""
    chain = (INTEGER_OF_DRAFT_4, "integer", "number")
    if wider in chain and narrower in chain:
        return chain.index(narrower) <= chain.index(wider)
    return wider == narrower


def every(verdicts: Iterable[bool | None]) -> bool | None:
    """False if one is False, else None if one is not known, else True."""
    result: bool | None = True
    for verdict in verdicts:
        if verdict is False:
            return False
        result = result if verdict else None
    return result


class Admission:
    """Judges values by schemas, remembering what was judged.

    Args:
        whole: whether numbers without a fraction are known to be written without a point, as draft 4 can demand.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self._known: dict[tuple[Node, Key], bool | None] = {}

    def admits(self, node: Node, value: Any, inward: int = 0) -> bool | None:
        """Whether a value is valid; None where that is not known for certain."""
        if node.accepts_all:
            return True
        if inward > MAX_STEPS_INWARD:
            return None
        at = (node, key(value))
        if at not in self._known:
            self._known[at] = every(self._verdicts(node, value, inward + 1))
        return self._known[at]

    def _verdicts(self, node: Node, value: Any, inward: int) -> Iterator[bool | None]:
        kind = kind_of(value)
        if "type" in node.limits:
            yield _of_type(node.limits["type"], INTEGER_OF_DRAFT_4 if self._whole and kind == "integer" else kind)
        if "enum" in node.limits:
            yield key(value) in node.limits["enum"]
        if kind in ("integer", "number"):
            yield _number(node.limits, value)
        elif kind == "string":
            yield _text(node.limits, value)
        elif kind == "array":
            yield from self._array(node, value, inward)
        elif kind == "object":
            yield from self._object(node, value, inward)
        yield from self._beside(node, value, inward)

    def _beside(self, node: Node, value: Any, inward: int) -> Iterator[bool | None]:
        if "$ref" in node.single:
            yield self.admits(node.single["$ref"], value, inward)
        yield from (self.admits(part, value, inward) for part in node.lists.get("allOf", ()))
        for word in ("anyOf", "oneOf"):
            if word in node.lists:
                said = [self.admits(part, value, inward) for part in node.lists[word]]
                yield _at_least_one(said) if word == "anyOf" else _exactly_one(said)
        if "not" in node.single:
            yield _opposite(self.admits(node.single["not"], value, inward))
        if "if" in node.single:
            yield self._conditional(node, value, inward)

    def _conditional(self, node: Node, value: Any, inward: int) -> bool | None:
        holds = self.admits(node.single["if"], value, inward)
        then, otherwise = (
            self.admits(node.single[word], value, inward) if word in node.single else True for word in ("then", "else")
        )
        if holds is None:
            return then if then == otherwise else None
        return then if holds else otherwise

    def _array(self, node: Node, value: list[Any], inward: int) -> Iterator[bool | None]:
        yield node.limits.get("minItems", 0) <= len(value) <= node.limits.get("maxItems", len(value))
        if node.limits.get("uniqueItems"):
            yield len({key(item) for item in value}) == len(value)
        prefix = node.lists.get("prefixItems", ())
        yield from (self.admits(part, item, inward) for part, item in zip(prefix, value, strict=False))
        if "items" in node.single:
            yield from (self.admits(node.single["items"], item, inward) for item in value[len(prefix) :])
        if "contains" in node.single:
            least, most = node.limits["contains"]
            said = [self.admits(node.single["contains"], item, inward) for item in value]
            certain, possible = said.count(True), len(said) - said.count(False)
            outside = possible < least or (most is not None and certain > most)
            inside = certain >= least and (most is None or possible <= most)
            yield False if outside else inside or None
        if value and "unevaluatedItems" in node.single:
            yield None

    def _object(self, node: Node, value: dict[str, Any], inward: int) -> Iterator[bool | None]:
        limits, maps = node.limits, node.maps
        yield limits.get("minProperties", 0) <= len(value) <= limits.get("maxProperties", len(value))
        yield limits.get("required", frozenset()) <= value.keys()
        for name, needs in limits.get("dependentRequired", {}).items():
            yield name not in value or needs <= value.keys()
        for name, part in maps.get("dependentSchemas", {}).items():
            yield name not in value or self.admits(part, value, inward)
        if "propertyNames" in node.single:
            yield from (self.admits(node.single["propertyNames"], name, inward) for name in value)
        for name, inner in value.items():
            yield from self._property(node, name, inner, inward)
        if value and "unevaluatedProperties" in node.single:
            yield None

    def _property(self, node: Node, name: str, value: Any, inward: int) -> Iterator[bool | None]:
        declared = node.maps.get("properties", {}).get(name)
        named: bool | None = declared is not None
        if declared is not None:
            yield self.admits(declared, value, inward)
        for pattern, part in node.maps.get("patternProperties", {}).items():
            applies = matches(pattern, name)
            if applies is not False:
                verdict = self.admits(part, value, inward)
                yield verdict if applies or verdict else None
                named = named or applies
        if "additionalProperties" in node.single and not named:
            verdict = self.admits(node.single["additionalProperties"], value, inward)
            yield verdict if named is False or verdict else None


def _of_type(allowed: frozenset[str], kind: str) -> bool | None:
    if any(covers(name, kind) for name in allowed):
        return True
    return None if kind == "integer" and INTEGER_OF_DRAFT_4 in allowed else False


def _number(limits: dict[str, Any], value: float) -> bool:
    lower, upper, multiple = limits.get("lower"), limits.get("upper"), limits.get("multipleOf")
    if lower and (value < lower[0] or (lower[1] and value == lower[0])):
        return False
    if upper and (value > upper[0] or (upper[1] and value == upper[0])):
        return False
    return multiple is None or (Fraction(repr(value)) / multiple).denominator == 1


def _text(limits: dict[str, Any], value: str) -> bool | None:
    if not limits.get("minLength", 0) <= len(value) <= limits.get("maxLength", len(value)):
        return False
    return matches(limits["pattern"], value) if "pattern" in limits else True


def _opposite(verdict: bool | None) -> bool | None:
    return None if verdict is None else not verdict


def _at_least_one(said: list[bool | None]) -> bool | None:
    return _opposite(every(_opposite(verdict) for verdict in said))


def _exactly_one(said: list[bool | None]) -> bool | None:
    if said.count(True) > 1 or said.count(False) == len(said):
        return False
    return None if None in said else True
