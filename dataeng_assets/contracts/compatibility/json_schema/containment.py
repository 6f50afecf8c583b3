"""Whether every value that one schema accepts is accepted by another. What single keywords demand belongs in the rules.

A pair of schemas is judged by its own keywords and by further pairs that must hold as well; all pairs reached are
judged once. A pair met again holds as far as it depends on itself, since a document is finite. Where one of several
ways may hold (a branch of anyOf), each is tried with the pairs so far taken for granted, and forgotten when it fails.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from dataeng_assets.contracts.compatibility.json_schema.node import Node
from dataeng_assets.contracts.compatibility.json_schema.shape import Meet, Shape, Side, meet
from dataeng_assets.contracts.compatibility.json_schema.shapes import Shapes
from dataeng_assets.contracts.compatibility.json_schema.words import Problem, changed, turned

MOST_PAIRS = 100_000
MOST_TRIED_PAIRS = 5_000
"""Pairs judged only to find out which branch fits: their number can grow with the power of the choices."""
MOST_TRIALS_INWARD = 40
FAILED_BEFORE = Problem("", "#", "", "")


class TooManyPairs(Exception):
    """The comparison was given up; nothing is known."""


class Pair(NamedTuple):
    """All of `source` must be accepted by `target`; `lenient` when documents hold only declared properties."""

    source: Meet
    target: Meet
    lenient: bool


@dataclass(slots=True)
class Judged:
    """A pair while it is judged by the rules.

    Attributes:
        engine: answers what depends on other pairs.
        pair: what is judged.
        place: where, as a JSON pointer.
        branch: the branch of the source that is judged, as the end of a pointer.
        source: the merged source.
        target: the merged target, without what the source says too.
        problems: what was found.
        needed: further pairs that must hold.
    """

    engine: "Containment"
    pair: Pair
    place: str
    branch: str
    source: Shape
    target: Shape
    problems: list[Problem] = field(default_factory=list)
    needed: list[tuple[Pair, str, str]] = field(default_factory=list)

    def need(self, source: Meet, target: Meet, at: str = "", branch: str = "") -> None:
        """Demand that another pair holds too."""
        if not self.engine.plainly_holds(source, target):
            place = self.engine.definition(source, target) or self.place + at
            self.needed.append(
                (Pair(source, target, self.pair.lenient), place, branch or (self.branch if not at else ""))
            )

    def holds(self, source: Meet, target: Meet) -> bool:
        """Whether another pair holds."""
        return self.engine.holds(source, target, lenient=self.pair.lenient)

    def report(self, kind: str, subject: str, source: str | None, target: str | None, harm: str, at: str = "") -> None:
        """Note a problem; `kind` is what it is called when the source is the old schema."""
        old, new = source, target
        if self.engine.forward:
            kind, old, new = turned(kind), target, source
        is_divided = any(word in node.lists for node in self.target.nodes for word in ("anyOf", "oneOf"))
        # where the target has branches too, its place tells them
        place = self.place + (at or ("" if is_divided else self.branch))
        self.problems.append(Problem(kind, place, changed(subject, old, new), harm))


class Rule(Protocol):
    """Judges one pair; `explain` when all problems are wanted, not only whether there is one."""

    def __call__(self, engine: "Containment", pair: Pair, place: str, branch: str, *, explain: bool) -> Judged:
        """The pair, judged."""


class Containment:
    """Compares in one direction.

    Args:
        shapes: the shapes of this comparison.
        rule: judges one pair.
        forward: whether the source is the new schema, which turns the names of what is found.
    """

    def __init__(self, shapes: Shapes, rule: "Rule", *, forward: bool) -> None:
        self.shapes, self.forward, self._rule = shapes, forward, rule
        self._assumed: list[set[Pair]] = []
        self._failed: set[Pair] = set()
        self._apart: dict[tuple[Meet, Node], bool] = {}
        self._judged = self._tried = 0
        self._parts: dict[tuple[Node, str], Node] = {}

    def problems(self, source: Meet, target: Meet, *, lenient: bool, place: str = "#") -> list[Problem]:
        """All that is valid under the source and not under the target.

        Raises:
            TooManyPairs: the schemas are too entangled.
        """
        return self._judge(Pair(source, target, lenient), place, set(), first_only=False)

    def holds(self, source: Meet, target: Meet, *, lenient: bool) -> bool:
        """Whether the target provably accepts all of the source."""
        if self.plainly_holds(source, target):
            return True
        pair = Pair(source, target, lenient)
        if pair in self._failed:
            return False
        if any(pair in known for known in self._assumed):
            return True
        reached: set[Pair] = set()
        if len(self._assumed) > MOST_TRIALS_INWARD or self._judge(pair, "#", reached, first_only=True):
            self._failed.add(pair)
            return False
        if self._assumed:
            # what was reached holds if what was taken for granted does
            self._assumed[-1] |= reached
        return True

    def disjoint(self, source: Meet, node: Node) -> bool:
        """Whether it is certain that no value of the source is accepted by a schema."""
        if (source, node) not in self._apart:
            self._apart[source, node] = self._are_apart(source, node)
        if self._apart[source, node]:
            return True
        # not kept: it may rest on what is taken for granted just now
        one = meet(node)
        near = (bar for bar in self._barred(source) if not self.shapes.tagged_apart(one, bar))
        return any(self.holds(one, meet(bar), lenient=False) for bar in near)

    def _are_apart(self, source: Meet, node: Node) -> bool:
        barred = self._barred(source)
        if node in barred or self.shapes.tagged_apart(source, node):
            return True
        if any(self.shapes.sameness.same(node, bar) for bar in barred):
            return True
        return self.shapes.empty(source.also([node]))

    def _barred(self, source: Meet) -> frozenset[Node]:
        return self.shapes.of(source, Side.SOURCE).barred

    def plainly_holds(self, source: Meet, target: Meet) -> bool:
        """Whether the source says all that the target says, word by word."""
        if target.nodes <= source.nodes:
            return True
        same = self.shapes.sameness.same
        return len(target.nodes) == 1 and any(same(s, t) for t in target.nodes for s in source.nodes)

    def only(self, node: Node, word: str) -> Node:
        """A schema that says nothing but one choice of another."""
        if (node, word) not in self._parts:
            self._parts[node, word] = Node(node.number, node.place, lists={word: node.lists[word]})
        return self._parts[node, word]

    def definition(self, source: Meet, target: Meet) -> str:
        """Where both schemas are defined under one name, to be told once for all places that refer to it."""
        if len(source.nodes) != 1 or len(target.nodes) != 1:
            return ""
        (one,), (other,) = source.nodes, target.nodes
        is_definition = one.place.startswith(("#/$defs/", "#/definitions/"))
        return one.place if is_definition and one.place == other.place else ""

    def _judge(self, first: Pair, place: str, reached: set[Pair], *, first_only: bool) -> list[Problem]:
        self._assumed.append(reached)
        try:
            queue = deque([(first, place, "")])
            problems: list[Problem] = []
            while queue:
                pair, place, branch = queue.popleft()
                if any(pair in known for known in self._assumed):
                    continue
                if first_only and pair in self._failed:
                    return [FAILED_BEFORE]
                reached.add(pair)
                self._count_one(tried=first_only)
                judged = self._rule(self, pair, place, branch, explain=not first_only)
                if judged.problems and first_only:
                    return judged.problems
                problems += judged.problems
                queue += judged.needed
            return problems
        finally:
            self._assumed.pop()

    def _count_one(self, *, tried: bool) -> None:
        self._judged += 1
        self._tried += tried
        if self._judged > MOST_PAIRS or self._tried > MOST_TRIED_PAIRS:
            raise TooManyPairs
