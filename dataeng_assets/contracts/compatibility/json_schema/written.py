"""What the objects of a source may hold: which names, and what under them. What is demanded belongs in the rules."""

from collections.abc import Iterable
from functools import cached_property
from itertools import product
from math import prod

from dataeng_assets.contracts.compatibility.json_schema.containment import Judged
from dataeng_assets.contracts.compatibility.json_schema.node import OF_TYPE, Node
from dataeng_assets.contracts.compatibility.json_schema.shape import Meet, Properties, Side, meet

MOST_WAYS = 64
Patterns = tuple[str, ...]


class Written:
    """The properties of the documents of a source.

    Args:
        judged: the pair; of its target only the declared names matter, and only to the lenient reading.
    """

    def __init__(self, judged: Judged) -> None:
        self._shapes, self._shape, self._pair = judged.engine.shapes, judged.source, judged.pair
        self._target = judged.target
        self._known: dict[str, Meet | None] = {}

    @cached_property
    def declared(self) -> dict[str, None]:
        """Names that the source declares."""
        return self._shape.declared

    @cached_property
    def required(self) -> frozenset[str]:
        """Names that every object has."""
        return self._closure(self._shape.required)

    def with_property(self, name: str) -> frozenset[str]:
        """Names that every object with a property has."""
        having = self._pair.source.also([OF_TYPE["object"], Node(0, "#", {"required": frozenset({name})})])
        return self._closure(self._shapes.of(having, Side.SOURCE).required)

    def names_with(self, more: Iterable[str]) -> dict[str, None]:
        """All names that are written down in the source, and more."""
        listed = [name for name in self._names or () if isinstance(name, str)]
        beside = sorted(self._declared_beside) if self._pair.lenient else []
        return self.declared | dict.fromkeys([*sorted(self._shape.required), *listed, *beside, *more])

    def under(self, name: str) -> Meet | None:
        """What the property of a name holds; None when no object has it."""
        if name not in self._known:
            self._known[name] = self._property(name)
        return self._known[name]

    def says(self, name: str, node: Node) -> bool:
        """Whether the source says of a property, word by word, what a schema says."""
        if node.accepts_all:
            return True
        said = [one for part in self._shape.properties for one in self._shape.of_name(part, name)]
        return node in said or any(self._shapes.sameness.same(one, node) for one in said)

    def declared_as(self, named: dict[str, Node]) -> set[str]:
        """The names that the source declares with the very schema that is given for them."""
        return {name for part in self._shape.properties for name, _ in part.named.items() & named.items()}

    def says_of_others(self, part: Properties) -> bool:
        """Whether one schema of the source has the patterns of another, and says the same of all names not listed."""
        same = self._shapes.sameness.same
        return any(
            one.exact
            and one.patterns.keys() == part.patterns.keys()
            and same(one.additional, part.additional)
            and all(same(node, part.patterns[pattern]) for pattern, node in one.patterns.items())
            for one in self._shape.properties
        )

    @cached_property
    def others(self) -> list[tuple[Patterns, Meet]]:
        """What properties that are not written down may hold, by the patterns that their names match."""
        if self._names is not None:
            return []
        if self._lumped:
            return [((), meet())]
        return [
            (patterns, holds)
            for patterns, holds in _ways(self._shape.properties)
            if not self._shapes.empty(holds) and not (self._closed and not patterns and not holds.nodes)
        ]

    def may_match(self, pattern: str, patterns: Patterns) -> bool:
        """Whether names that match a pattern are among those of one of the `others`."""
        if self._lumped or pattern in patterns:
            return True
        return not any(pattern in part.patterns for part in self._shape.properties)

    def name_of(self, patterns: Patterns) -> Meet:
        """What the names of one of the `others` satisfy."""
        matching = [Node(0, "#", {"pattern": pattern}) for pattern in patterns]
        return meet(OF_TYPE["string"], *self._shape.names, *matching)

    @property
    def least(self) -> int:
        """How many properties an object has at least."""
        return max(self._shape.counts.get("minProperties", 0), len(self.required))

    @property
    def most(self) -> int | None:
        """How many properties an object has at most; None without end."""
        most = self._shape.counts.get("maxProperties")
        if self.others:
            return most
        possible = sum(self.under(name) is not None for name in self.names_with(()))
        return possible if most is None else min(most, possible)

    @cached_property
    def _lumped(self) -> bool:
        """Whether patterns combine in too many ways: then all other names count as one that holds anything."""
        return prod(1 + len(part.patterns) for part in self._shape.properties) > MOST_WAYS

    @cached_property
    def _names(self) -> list[object] | None:
        """The only names that may occur, where propertyNames lists them."""
        return self._shapes.values(meet(OF_TYPE["string"], *self._shape.names)) if self._shape.names else None

    def _property(self, name: str) -> Meet | None:
        if self._names is not None and name not in self._names:
            return None
        if any(self._shapes.admits((node,), name, frozenset()) is False for node in self._shape.names):
            return None
        if self._pair.lenient and self._is_left_out(name):
            return None
        holds = self._shape.named(name)
        return None if self._shapes.empty(holds) else holds

    def _is_left_out(self, name: str) -> bool:
        """Read leniently, a producer does not write what only the other schema declares, or nobody."""
        if name in self._declared_beside or name in self._shape.required:
            return False
        if name in self._target.declared:
            return True
        return self._closed and not self._shape.named(name).nodes

    def _closure(self, names: frozenset[str]) -> frozenset[str]:
        while True:
            needs = frozenset(need for name in names for need in self._shape.dependent.get(name, ()))
            if needs <= names:
                return names
            names |= needs

    @cached_property
    def _declared_beside(self) -> set[str]:
        """Names that the source declares or, somewhere, requires."""
        named = {name for node in self._beside for name in node.maps.get("properties", ())}
        required = {name for node in self._beside for name in node.limits.get("required", ())}
        return self.declared.keys() | named | required

    @cached_property
    def _closed(self) -> bool:
        """Whether, read leniently, no name occurs that is not declared: nothing that may apply is a map."""
        return (
            self._pair.lenient
            and not any(map(_may_be_map, self._beside))
            and not any(
                "unevaluatedProperties" in node.single
                and node.single["unevaluatedProperties"].limits.get("type") != frozenset()
                for node in self._shape.nodes
            )
        )

    @cached_property
    def _beside(self) -> set[Node]:
        """Schemas that may apply to the same object, by a choice or a condition, whichever is taken."""
        certain = set(self._shape.nodes)
        found: set[Node] = set()
        queue = [part for node in self._shape.nodes for part in node.beside()]
        while queue:
            node = queue.pop()
            if node not in found and node not in certain:
                found.add(node)
                queue += node.beside()
        return found


def _may_be_map(node: Node) -> bool:
    words = ("additionalProperties", "unevaluatedProperties")
    return "patternProperties" in node.maps or any(word in node.single for word in words)


def _ways(parts: list[Properties]) -> list[tuple[Patterns, Meet]]:
    """For each combination of patterns that a name may match, what the property must satisfy."""
    ways = [[("", part.additional), *part.patterns.items()] for part in parts]
    found: list[tuple[Patterns, Meet]] = []
    for way in product(*ways):
        patterns = tuple(pattern for pattern, _ in way if pattern)
        # a name that matches a pattern is no additional one to another schema with the same pattern
        if all(
            chosen or not any(p in part.patterns for p in patterns)
            for (chosen, _), part in zip(way, parts, strict=True)
        ):
            found.append((patterns, meet(*(node for _, node in way))))
    return found
