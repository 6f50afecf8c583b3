"""What a value must satisfy when several schemas judge it at once, merged as far as that is exact.

A `Meet` names the schemas, a `Shape` is what they say together. A shape is made for one of two ends: of what is written
(`SOURCE`: it may say less than the schemas do) or of what must accept it (`TARGET`: it may say more). So a verdict that
rests on shapes is never too kind.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any, NamedTuple

from dataeng_assets.contracts.compatibility.json_schema.evaluated import evaluated_items, evaluated_properties
from dataeng_assets.contracts.compatibility.json_schema.keywords import tighter
from dataeng_assets.contracts.compatibility.json_schema.node import ANYTHING, INTEGER_OF_DRAFT_4, Bound, Node
from dataeng_assets.contracts.compatibility.json_schema.patterns import matches
from dataeng_assets.contracts.compatibility.json_schema.values import covers

ALL_TYPES = frozenset({"null", "boolean", "number", "string", "array", "object"})

ONE = Fraction(1)
BOUNDS = {"lower", "upper"}
COUNTS = {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}


class Side(Enum):
    """Which end of a containment a shape is for."""

    SOURCE = "source"
    TARGET = "target"


class Meet(NamedTuple):
    """All of several schemas at once.

    Attributes:
        nodes: the schemas that must accept the value.
        opened: choices (a node and its anyOf, oneOf or if) of which a branch was taken already.
        barred: schemas that must refuse it.
    """

    nodes: frozenset[Node]
    opened: frozenset[tuple[Node, str]] = frozenset()
    barred: frozenset[Node] = frozenset()

    def also(self, nodes: Iterable[Node] = (), barred: Iterable[Node] = ()) -> "Meet":
        """This, and more."""
        return Meet(self.nodes | {unwrapped(node) for node in nodes}, self.opened, self.barred | set(barred))


def meet(*nodes: Node) -> Meet:
    """All of these schemas at once."""
    return Meet(frozenset(unwrapped(node) for node in nodes if not node.accepts_all))


def unwrapped(node: Node) -> Node:
    """What a schema that is nothing but a reference refers to."""
    if "$ref" not in node.single:
        return node
    chain = []
    while len(node.single) == 1 and "$ref" in node.single and not (node.limits or node.lists or node.maps):
        chain.append(node)
        node = node.single["$ref"]
    for link in chain:
        # a long chain is walked once
        link.single["$ref"] = node
    return node


@dataclass(frozen=True, slots=True)
class Properties:
    """What one schema says of properties by name. Not exact: it stands for rules that depend on the document."""

    named: dict[str, Node]
    patterns: dict[str, Node]
    additional: Node
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Items:
    """What one schema says of items by position. Not exact: it stands for rules that depend on the document."""

    prefix: tuple[Node, ...]
    rest: Node
    exact: bool = True


@dataclass(slots=True)
class Shape:
    """What a value must satisfy. `barred` and `choices` are what could not be merged."""

    nodes: tuple[Node, ...]
    barred: frozenset[Node]
    side: Side
    types: frozenset[str] = ALL_TYPES
    enum: dict[Any, Any] | None = None
    bounds: dict[str, Bound] = field(default_factory=dict)
    multiple: Fraction | None = None
    counts: dict[str, int] = field(default_factory=dict)
    patterns: dict[str, Node] = field(default_factory=dict)
    unique: bool = False
    items: list[Items] = field(default_factory=list)
    contains: list[tuple[Node, int, int | None]] = field(default_factory=list)
    required: frozenset[str] = frozenset()
    properties: list[Properties] = field(default_factory=list)
    names: list[Node] = field(default_factory=list)
    dependent: dict[str, frozenset[str]] = field(default_factory=dict)
    choices: list[tuple[Node, str]] = field(default_factory=list)

    def named(self, name: str) -> Meet:
        """What the property of a name must satisfy."""
        return meet(*(node for part in self.properties for node in self.of_name(part, name)))

    def of_name(self, part: Properties, name: str) -> Iterator[Node]:
        """What one schema says of the property of a name."""
        covered = name in part.named
        if covered:
            yield part.named[name]
        strict = self.side is Side.TARGET
        for pattern, node in part.patterns.items():
            applies = matches(pattern, name)
            if applies or (applies is None and strict):
                yield node
            covered = covered or bool(applies) or (applies is None and not strict)
        if not covered:
            yield part.additional

    def item(self, position: int) -> Meet:
        """What the item at a position must satisfy."""
        return meet(*(part.prefix[position] if position < len(part.prefix) else part.rest for part in self.items))

    @property
    def declared(self) -> dict[str, None]:
        """Property names that are written down, in order."""
        return {name: None for part in self.properties for name in part.named}

    @property
    def prefix_length(self) -> int:
        """How many positions of an array have a schema of their own."""
        return max((len(part.prefix) for part in self.items), default=0)


def flattened(of: Meet) -> tuple[Node, ...]:
    """All schemas that certainly apply, through allOf, references and the dependencies of required properties."""
    if len(of.nodes) == 1:
        (only,) = of.nodes
        if not ("$ref" in only.single or "allOf" in only.lists or "dependentSchemas" in only.maps):
            return (only,)
    found: dict[Node, None] = {}
    required: set[str] = set()
    queue = sorted(of.nodes, key=lambda node: (node.number, node.place))
    while queue:
        while queue:
            node = unwrapped(queue.pop())
            if node not in found:
                found[node] = None
                required |= node.limits.get("required", frozenset())
                queue += [node.single["$ref"]] if "$ref" in node.single else []
                queue += node.lists.get("allOf", ())
        if not any(node.limits.get("type") == {"object"} for node in found):
            # what is required of objects says nothing of other values
            break
        depending = (item for node in found for item in node.maps.get("dependentSchemas", {}).items())
        queue = [part for name, part in depending if name in required and unwrapped(part) not in found]
    return tuple(sorted(found, key=lambda node: node.number))


def shaped(nodes: tuple[Node, ...], of: Meet, side: Side) -> Shape:
    """Merge what flattened schemas say."""
    shape = Shape(nodes, of.barred | {node.single["not"] for node in nodes if "not" in node.single}, side)
    for node in nodes:
        if node.limits:
            _merge_limits(shape, node)
        if node.single or node.maps or node.lists:
            _merge_items(shape, node)
            _merge_properties(shape, node)
            _merge_choices(shape, node, of.opened)
    if "number" not in shape.types and shape.types & {"integer", INTEGER_OF_DRAFT_4}:
        shape.multiple = _common(shape.multiple, ONE)
    return shape


def _merge_limits(shape: Shape, node: Node) -> None:
    for word, said in node.limits.items():
        if word == "type":
            shape.types = both(shape.types, said)
        elif word == "enum":
            known = shape.enum
            shape.enum = {k: v for k, v in said.items() if known is None or k in known}
        elif word == "pattern":
            shape.patterns[said] = node
        elif word in BOUNDS or word in COUNTS or word == "multipleOf":
            _merge_amount(shape, word, said)
        elif word == "uniqueItems":
            shape.unique = True
        elif word == "required":
            shape.required |= said
        elif word == "dependentRequired":
            shape.dependent |= {name: shape.dependent.get(name, frozenset()) | needs for name, needs in said.items()}


def _merge_amount(shape: Shape, word: str, said: Any) -> None:
    if word in BOUNDS:
        shape.bounds[word] = tighter(word, shape.bounds.get(word, said), said)
    elif word == "multipleOf":
        shape.multiple = _common(shape.multiple, said)
    else:
        keep = min if word.startswith("max") else max
        shape.counts[word] = keep(shape.counts.get(word, said), said)


def _merge_items(shape: Shape, node: Node) -> None:
    if "prefixItems" in node.lists or "items" in node.single:
        shape.items.append(Items(node.lists.get("prefixItems", ()), node.single.get("items", ANYTHING)))
    if "unevaluatedItems" in node.single:
        count, exact = evaluated_items(node, certain=shape.side is Side.TARGET)
        if count is not None:
            shape.items.append(Items((ANYTHING,) * count, node.single["unevaluatedItems"], exact))
    if "contains" in node.single:
        shape.contains.append((node.single["contains"], *node.limits["contains"]))


def _merge_properties(shape: Shape, node: Node) -> None:
    named, patterns = node.maps.get("properties", {}), node.maps.get("patternProperties", {})
    if named or patterns or "additionalProperties" in node.single:
        shape.properties.append(Properties(named, patterns, node.single.get("additionalProperties", ANYTHING)))
    if "unevaluatedProperties" in node.single:
        known, exact = evaluated_properties(node, certain=shape.side is Side.TARGET)
        if known is not None:
            names, free = (dict.fromkeys(some, ANYTHING) for some in known)
            shape.properties.append(Properties(names, free, node.single["unevaluatedProperties"], exact))
    if "propertyNames" in node.single:
        shape.names.append(node.single["propertyNames"])


def _merge_choices(shape: Shape, node: Node, opened: frozenset[tuple[Node, str]]) -> None:
    for word in ("anyOf", "oneOf", "if"):
        if (word in node.lists or word in node.single) and (node, word) not in opened:
            shape.choices.append((node, word))


@lru_cache(maxsize=1000)
def both(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """The types that are in both sets."""
    if some == others or not (some | others) & {"integer", INTEGER_OF_DRAFT_4}:
        return some & others
    shared = {one for one in some for other in others if covers(other, one)}
    shared |= {other for other in others for one in some if covers(one, other)}
    return frozenset(one for one in shared if not any(one != other and covers(other, one) for other in shared))


def _common(one: Fraction | None, other: Fraction) -> Fraction:
    """The least common multiple."""
    if one is None:
        return other
    top = one.numerator * other.numerator // gcd(one.numerator, other.numerator)
    return Fraction(top, gcd(one.denominator, other.denominator))
