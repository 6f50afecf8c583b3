"""All shapes of one comparison, each made once; and which of them no value can have."""

from collections.abc import Iterator
from math import ceil, floor
from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.node import INTEGER_OF_DRAFT_4, Node
from dataeng_assets.contracts.compatibility.json_schema.same import Sameness
from dataeng_assets.contracts.compatibility.json_schema.shape import Meet, Shape, Side, both, flattened, meet, shaped
from dataeng_assets.contracts.compatibility.json_schema.values import Admission, key

MOST_CHOICES_INWARD = 2
STEPS_INWARD = 5
"""How deep emptiness is looked for; what lies deeper counts as possible, which is the careful answer."""


class Shapes:
    """Makes shapes and remembers them."""

    def __init__(self) -> None:
        self.sameness = Sameness()
        self._admission, self._whole = Admission(), Admission(whole=True)
        self._flat: dict[Meet, tuple[Node, ...]] = {}
        self._sources: dict[Meet, Shape] = {}
        self._targets: dict[Meet, Shape] = {}
        self._alone: dict[Meet, Shape] = {}
        self._values: dict[Meet, list[Any] | None] = {}
        self._known_tags: dict[tuple[Meet, str], frozenset[Any] | None] = {}
        self._tagged_apart: dict[tuple[Meet, Node], bool] = {}
        self._empty: dict[Meet, bool] = {}
        self._judged_at: dict[Meet, int] = {}

    def flat(self, of: Meet) -> tuple[Node, ...]:
        """All schemas that certainly apply."""
        if of not in self._flat:
            self._flat[of] = flattened(of)
        return self._flat[of]

    def of(self, of: Meet, side: Side) -> Shape:
        """The shape of a meet, for one end of a containment."""
        known = self._sources if side is Side.SOURCE else self._targets
        shape = known.get(of)
        if shape is None:
            shape = known[of] = shaped(self.flat(of), of, side)
        return shape

    def only_of(self, nodes: frozenset[Node]) -> Shape:
        """The shape of a target that is just these schemas, their parts not looked into."""
        of = Meet(nodes)
        if of not in self._alone:
            self._alone[of] = shaped(tuple(sorted(nodes, key=lambda node: node.number)), of, Side.TARGET)
        return self._alone[of]

    def values(self, of: Meet) -> list[Any] | None:
        """All values that may be valid, where they are few; else None."""
        if of not in self._values:
            self._values[of] = self._enumerated(of)
        return self._values[of]

    def admits(self, nodes: tuple[Node, ...], value: Any, types: frozenset[str]) -> bool | None:
        """Whether all schemas admit a value that was written under the given types."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        judge = self._whole if is_number and INTEGER_OF_DRAFT_4 in types else self._admission
        verdicts = [judge.admits(node, value) for node in nodes]
        return False if False in verdicts else None if None in verdicts else True

    def _enumerated(self, of: Meet) -> list[Any] | None:
        shape = self.of(of, Side.SOURCE)
        found = shape.enum
        if found is None and shape.types <= {"null", "boolean"}:
            constants = [None] * ("null" in shape.types) + [False, True] * ("boolean" in shape.types)
            found = {key(value): value for value in constants}
        if found is None:
            return None
        return [
            value
            for value in found.values()
            if self.admits(shape.nodes, value, shape.types) is not False
            and not any(self.admits((bar,), value, shape.types) for bar in shape.barred)
        ]

    def branches(self, of: Meet, choice: tuple[Node, str]) -> Iterator[tuple[str, Meet]]:
        """What a value may satisfy by a choice, one by one, each with its place in the schema."""
        node, word = choice
        opened = Meet(of.nodes, of.opened | {choice}, of.barred)
        if word == "if":
            condition = node.single["if"]
            for at, barred in (("then", ()), ("else", (condition,))):
                also = [condition] * (at == "then") + ([node.single[at]] if at in node.single else [])
                yield f"/{at}", opened.also(also, barred)
            return
        for position, branch in enumerate(node.lists[word]):
            others = (other for other in node.lists[word] if other is not branch) if word == "oneOf" else ()
            yield f"/{word}/{position}", opened.also([branch], others)

    def empty(self, of: Meet, inward: int = 0) -> bool:
        """Whether it is certain that no value is valid."""
        if len(of.nodes) == 1 and not of.barred and all(map(_is_plainly_possible, of.nodes)):
            return False
        if of in self._empty and (self._empty[of] or self._judged_at[of] <= inward):
            return self._empty[of]
        # a shape that is being judged counts as possible, which also ends recursion
        self._empty[of], self._judged_at[of] = False, 0
        self._empty[of], self._judged_at[of] = self._is_empty(of, inward), inward
        return self._empty[of]

    def _is_empty(self, of: Meet, inward: int) -> bool:
        shape = self.of(of, Side.SOURCE)
        values = self.values(of)
        if values is not None:
            return not values
        if not any(self._possible(shape, kind, inward) for kind in shape.types):
            return True
        if any(self.sameness.same(node, bar) for bar in shape.barred for node in shape.nodes):
            return True
        if inward >= MOST_CHOICES_INWARD:
            return False
        choices = (self.branches(of, choice) for choice in shape.choices)
        return any(all(self.empty(branch, MOST_CHOICES_INWARD) for _, branch in branches) for branches in choices)

    def tagged_apart(self, of: Meet, node: Node) -> bool:
        """Whether a type, or a required property with a few values, tells the values of two schemas apart."""
        if (of, node) not in self._tagged_apart:
            self._tagged_apart[of, node] = self._are_tagged_apart(of, meet(node))
        return self._tagged_apart[of, node]

    def _are_tagged_apart(self, of: Meet, other: Meet) -> bool:
        here, there = self.of(of, Side.SOURCE), self.of(other, Side.SOURCE)
        shared = both(here.types, there.types)
        if shared != {"object"}:
            return not shared
        for name in here.required | there.required:
            tags, its_tags = self._tags(of, name), self._tags(other, name)
            if tags is not None and its_tags is not None and tags.isdisjoint(its_tags):
                return True
        return False

    def _tags(self, of: Meet, name: str) -> frozenset[Any] | None:
        """The values that a property may hold, as keys, where they are few."""
        if (of, name) not in self._known_tags:
            values = self.values(self.of(of, Side.SOURCE).named(name))
            self._known_tags[of, name] = None if values is None else frozenset(key(value) for value in values)
        return self._known_tags[of, name]

    def _possible(self, shape: Shape, kind: str, inward: int) -> bool:
        if kind in ("integer", "number", INTEGER_OF_DRAFT_4):
            low, high = limit(shape, "lower"), limit(shape, "upper")
            return low is None or high is None or low[0] < high[0] or (low[0] == high[0] and not (low[1] or high[1]))
        if kind == "string":
            return shape.counts.get("minLength", 0) <= shape.counts.get("maxLength", shape.counts.get("minLength", 0))
        if kind == "array":
            if not least_items(shape):
                return True
            most = self.most_items(shape, inward)
            return most is None or least_items(shape) <= most
        return kind != "object" or self._object_possible(shape, inward)

    def _object_possible(self, shape: Shape, inward: int) -> bool:
        most = shape.counts.get("maxProperties")
        if most is not None and max(shape.counts.get("minProperties", 0), len(shape.required)) > most:
            return False
        return inward >= STEPS_INWARD or not any(self.empty(shape.named(name), inward + 1) for name in shape.required)

    def most_items(self, shape: Shape, inward: int = 0) -> int | None:
        """How many items an array may have; None without end."""
        most = shape.counts.get("maxItems")
        if inward < STEPS_INWARD and shape.items:
            for position in range(shape.prefix_length + 1):
                if (most is None or position < most) and self.empty(shape.item(position), inward + 1):
                    return position
        return most


def _is_plainly_possible(node: Node) -> bool:
    """Whether a schema says so little that nothing in it can contradict itself: most do."""
    limits = node.limits
    return not node.has_parts and "enum" not in limits and len(limits) <= 2 and limits.get("type") != frozenset()


def least_items(shape: Shape) -> int:
    """How many items an array certainly has."""
    return max([shape.counts.get("minItems", 0), *(least for _, least, _ in shape.contains)])


def limit(shape: Shape, side: str) -> tuple[float, bool] | None:
    """The lower or upper bound; of integers, the outermost integer."""
    bound = shape.bounds.get(side)
    if bound is None or "number" in shape.types:
        return bound
    value, exclusive = bound
    if side == "lower":
        return (floor(value) + 1 if exclusive else ceil(value)), False
    return (ceil(value) - 1 if exclusive else floor(value)), False
