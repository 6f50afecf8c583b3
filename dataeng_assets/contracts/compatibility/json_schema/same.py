"""Whether two schemas say the same thing in the same way, whatever their titles and wherever they are written."""

from dataeng_assets.contracts.compatibility.json_schema.node import Node
from dataeng_assets.contracts.compatibility.json_schema.shape import unwrapped

Nodes = tuple[Node, Node]


class Sameness:
    """Compares schemas, remembering the answers."""

    def __init__(self) -> None:
        self._known: dict[Nodes, bool] = {}

    def same(self, one: Node, other: Node) -> bool:
        """Whether two schemas are the same, part by part; those that contain themselves are compared up to there."""
        one, other = unwrapped(one), unwrapped(other)
        if one is other:
            return True
        known = self._known.get((one, other))
        if known is None:
            known = self._known[one, other] = self._compare(one, other)
        return known

    def _compare(self, one: Node, other: Node) -> bool:
        assumed: set[Nodes] = set()
        queue = [(one, other)]
        while queue:
            pair = queue.pop()
            if pair in assumed or pair[0] is pair[1]:
                continue
            if self._known.get(pair) is False or not _alike(*pair):
                return False
            assumed.add(pair)
            if self._known.get(pair) is None:
                queue += _inner(*pair)
        self._known.update(dict.fromkeys(assumed, True))
        return True

    def same_branches(self, some: tuple[Node, ...], others: tuple[Node, ...]) -> bool:
        """Whether two choices have the same branches, in any order."""
        if len(some) != len(others):
            return False
        left = list(others)
        for one in some:
            match = next((other for other in left if self.same(one, other)), None)
            if match is None:
                return False
            left.remove(match)
        return True


def _alike(one: Node, other: Node) -> bool:
    """Whether two schemas are the same but for their parts."""
    return (
        one.limits == other.limits
        and one.single.keys() == other.single.keys()
        and {word: len(parts) for word, parts in one.lists.items()}
        == {word: len(parts) for word, parts in other.lists.items()}
        and {word: part.keys() for word, part in one.maps.items()}
        == {word: part.keys() for word, part in other.maps.items()}
    )


def _inner(one: Node, other: Node) -> list[Nodes]:
    pairs = [(part, other.single[word]) for word, part in one.single.items()]
    for word, parts in one.lists.items():
        pairs += zip(parts, other.lists[word], strict=True)
    for word, mapped in one.maps.items():
        pairs += [(part, other.maps[word][name]) for name, part in mapped.items()]
    return [(unwrapped(left), unwrapped(right)) for left, right in pairs]
