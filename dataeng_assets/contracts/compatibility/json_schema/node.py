"""One schema as this package works with it, whatever draft it was written in: what it asserts, and its parts.

Drafts say the same thing in different words; `keywords` brings them to these:

- `limits`: `type` (a set), `enum` (a mapping from `values.key` to the value; a const is an enum of one), `lower` and
  `upper` (a bound and whether it is exclusive), `multipleOf` (a fraction), lengths and counts, `pattern`, `required` (a
  set), `dependentRequired`, `contains` (how many items must and may match).
- `single`, `lists`, `maps`: the parts under their names in 2020-12; `items` holds for what follows `prefixItems`.
  A reference is the single part `$ref`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

INTEGER_OF_DRAFT_4 = "integer of draft 4"
"""In draft 4, 1.0 is no integer; from draft 6 on it is."""
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")

Bound = tuple[float, bool]


@dataclass(eq=False, slots=True)
class Node:
    """A schema; two of them are one only when they are the same object.

    Attributes:
        number: its position in the document's order; reports follow it.
        place: where it is written, as a JSON pointer.
        limits: what it asserts by itself.
        single: parts that are one schema.
        lists: parts that are a list of schemas.
        maps: parts that are a mapping from names or patterns to schemas.
        notes: what it says that no validator checks.
    """

    number: int
    place: str
    limits: dict[str, Any] = field(default_factory=dict)
    single: dict[str, "Node"] = field(default_factory=dict)
    lists: dict[str, tuple["Node", ...]] = field(default_factory=dict)
    maps: dict[str, dict[str, "Node"]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def accepts_all(self) -> bool:
        """Whether it says nothing, so that every value is valid."""
        return not (self.limits or self.has_parts)

    @property
    def has_parts(self) -> bool:
        """Whether it says something by other schemas, not only by itself."""
        return bool(self.single or self.lists or self.maps)

    def beside(self) -> Iterator["Node"]:
        """The parts that judge the same value: not those for its items and properties."""
        for word in ("$ref", "not", "if", "then", "else"):
            if word in self.single:
                yield self.single[word]
        for word, branches in self.lists.items():
            if word != "prefixItems":
                yield from branches
        yield from self.maps.get("dependentSchemas", {}).values()


ANYTHING = Node(0, "#")
NOTHING = Node(0, "#", {"type": frozenset()})
OF_TYPE = {name: Node(0, "#", {"type": frozenset({name})}) for name in TYPES}
