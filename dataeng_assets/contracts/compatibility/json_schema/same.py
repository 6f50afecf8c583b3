"""Whether two schemas say the same thing in the same way, whatever their titles and wherever they are written."""

from collections.abc import Iterator
from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.node import Node
from dataeng_assets.contracts.compatibility.json_schema.shape import unwrapped

Nodes = tuple[Node, Node]


class Sameness:
    """Compares schemas, remembering the answers."""

    def __init__(self) -> None:
        self._known: dict[Nodes, bool] = {}
        self._numbers: dict[Node, int | None] = {}
        self._texts: dict[Any, int] = {}

    def same(self, one: Node, other: Node) -> bool:
        """Whether two schemas are the same, part by part; those that contain themselves are compared up to there."""
        one, other = unwrapped(one), unwrapped(other)
        if one is other:
            return True
        if one.limits != other.limits or one.maps.keys() != other.maps.keys():
            return False
        if not (one.has_parts or other.has_parts):
            return True
        # two versions of one place share what is unchanged, so that only the way to a difference is walked
        if one.place != other.place:
            number, its_number = self._number(one), self._number(other)
            if number is not None and its_number is not None:
                return number == its_number
        known = self._known.get((one, other))
        if known is None:
            known = self._known[one, other] = self._compare(one, other)
        return known

    def _number(self, node: Node) -> int | None:
        """A number that two schemas share exactly when they are the same; None for one that leads back to itself."""
        inner = self._awaited(iter((node,)))
        stack: list[tuple[Node, list[Node], Iterator[Node]]] = []
        while inner is not None or stack:
            if inner is not None:
                # until it is numbered, a schema that is met inside itself counts as one that leads back
                self._numbers[inner] = None
                parts = _parts(inner)
                stack.append((inner, parts, iter(parts)))
            else:
                at, parts, _ = stack.pop()
                self._numbers[at] = self._numbered(at, parts)
            inner = self._awaited(stack[-1][2]) if stack else None
        return self._numbers[node]

    def _awaited(self, parts: Iterator[Node]) -> Node | None:
        """The next part to be numbered by its own parts; one that has none is numbered at once."""
        for part in parts:
            if part not in self._numbers:
                if part.has_parts:
                    return part
                self._numbers[part] = self._texts.setdefault(_frozen(part.limits), len(self._texts))
        return None

    def _numbered(self, node: Node, parts: list[Node]) -> int | None:
        numbers = [self._numbers[part] for part in parts]
        if None in numbers:
            return None
        # in the order of the parts, which is that of the words; names and words may stand in any
        each = iter(numbers)
        text = (
            _frozen(node.limits),
            frozenset([(word, next(each)) for word in node.single]),
            frozenset([(word, *(next(each) for _ in listed)) for word, listed in node.lists.items()]),
            frozenset([(word, name, next(each)) for word, mapped in node.maps.items() for name in mapped]),
        )
        return self._texts.setdefault(text, len(self._texts))

    def _compare(self, one: Node, other: Node) -> bool:
        reached: dict[Nodes, Nodes | None] = {(one, other): None}
        queue = [(one, other)]
        while queue:
            pair = queue.pop()
            known = self._known.get(pair)
            if known or pair[0] is pair[1]:
                continue
            if known is False or not _alike(*pair):
                self._differ(pair, reached)
                return False
            for inner in _inner(*pair):
                if inner not in reached:
                    reached[inner] = pair
                    queue.append(inner)
        self._known.update(dict.fromkeys(reached, True))
        return True

    def _differ(self, pair: Nodes, reached: dict[Nodes, Nodes | None]) -> None:
        """What contains a difference differs: said of all on the way, so that no level of a deep schema asks again."""
        at: Nodes | None = pair
        while at is not None:
            self._known[at] = False
            at = reached[at]

    def same_branches(self, some: tuple[Node, ...], others: tuple[Node, ...]) -> bool:
        """Whether two choices have the same branches, in any order."""
        if len(some) != len(others):
            return False
        theirs = list(others)
        mine = []
        for one in some:
            # most are one node, and need no comparison
            if one in theirs:
                theirs.remove(one)
            else:
                mine.append(one)
        for one in mine:
            match = next((other for other in theirs if self.same(one, other)), None)
            if match is None:
                return False
            theirs.remove(match)
        return True


def _alike(one: Node, other: Node) -> bool:
    """Whether two schemas are the same but for their parts."""
    if one.limits != other.limits or one.single.keys() != other.single.keys():
        return False
    if one.lists.keys() != other.lists.keys() or one.maps.keys() != other.maps.keys():
        return False
    return all(len(parts) == len(other.lists[word]) for word, parts in one.lists.items()) and all(
        mapped.keys() == other.maps[word].keys() for word, mapped in one.maps.items()
    )


def _inner(one: Node, other: Node) -> list[Nodes]:
    pairs = [(part, other.single[word]) for word, part in one.single.items()]
    for word, parts in one.lists.items():
        pairs += zip(parts, other.lists[word], strict=True)
    for word, mapped in one.maps.items():
        pairs += [(part, other.maps[word][name]) for name, part in mapped.items()]
    return [(unwrapped(left), unwrapped(right)) for left, right in pairs]


def _parts(node: Node) -> list[Node]:
    found = [unwrapped(part) for part in node.single.values()]
    for parts in node.lists.values():
        found += [unwrapped(part) for part in parts]
    for mapped in node.maps.values():
        found += [unwrapped(part) for part in mapped.values()]
    return found


def _frozen(limits: dict[str, Any]) -> frozenset[tuple[str, Any]]:
    """What a schema asserts, hashable."""
    if not (limits.keys() & _MAPPINGS):
        return frozenset(limits.items())
    return frozenset(
        (word, (frozenset(said) if word == "enum" else frozenset(said.items())) if word in _MAPPINGS else said)
        for word, said in limits.items()
    )


_MAPPINGS = {"enum", "dependentRequired"}
