"""From the text of a schema to nodes: all parts, and every reference within the document resolved.

No function here calls itself: a document may be as deep, and a chain of references as long, as `document` lets through.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urljoin

from dataeng_assets.contracts.compatibility.json_schema import keywords
from dataeng_assets.contracts.compatibility.json_schema.document import (
    Draft,
    SchemaRefused,
    check_is_json,
    draft_of,
    named,
    shown,
    step,
)
from dataeng_assets.contracts.compatibility.json_schema.node import NOTHING, Node
from dataeng_assets.contracts.compatibility.json_schema.unchanged import unchanged_places

REFERENCES = {"$ref": Draft.DRAFT_4, "$recursiveRef": Draft.DRAFT_2019_09, "$dynamicRef": Draft.DRAFT_2020_12}

IDENTIFIERS = {"$id", "id", "$schema", "$anchor", "$dynamicAnchor", "$recursiveAnchor"}


def compiled(old: Any, new: Any) -> tuple[Node, Node]:
    """The nodes of two versions of a document; what both say word for word is one node.

    Raises:
        SchemaRefused: one is no schema, refers to what is not in it, or to itself without end.
    """
    check_is_json(old)
    earlier = _Compiler(old)
    before = earlier.run()
    check_is_json(new)
    return before, _Compiler(new, earlier).run()


class _Compiler:
    """Compiles one document.

    Args:
        raw: the document.
        earlier: the compiler of the version before, when it has run: what is unchanged is taken from there.
    """

    def __init__(self, raw: Any, earlier: "_Compiler | None" = None) -> None:
        self.raw, self.draft = raw, draft_of(raw)
        self.nodes: dict[int, Node] = {}
        self.bases: dict[int, str] = {}
        self.numbers: dict[str, int] = earlier.numbers if earlier else {}
        self.unchanged = earlier.unchanged_in(raw, self.draft) if earlier else {}
        self.unchanged_base = earlier.root_base if earlier else ""
        self.waiting: deque[tuple[Node, dict[str, Any], str]] = deque()
        self.references: list[tuple[Node, str, str, str]] = []
        self.referring: list[tuple[Node, str, str]] = []
        self.resources: dict[str, tuple[str, Any]] = {"": ("#", raw)}
        self.anchors: dict[str, list[tuple[str, Any]]] = {}
        self.recursive_anchors = 0
        self.has_aliases = False
        self.root_base: str = ""

    def run(self) -> Node:
        root = self.node("#", self.raw, "")
        while self.waiting or self.references:
            while self.waiting:
                self.fill(*self.waiting.popleft())
            for node, word, reference, base in self.take_references():
                place, raw, base = self.resolve(node, word, reference, base)
                self.referring.append((node, word, place))
                target = self.node(place, raw, base)
                if "$ref" in node.single:
                    node.lists["allOf"] = (*node.lists.get("allOf", ()), target)
                else:
                    node.single["$ref"] = target
        finished: set[Node] = set()
        for node, _, _ in self.referring:
            _refuse_endless(node, finished)
        return root

    def unchanged_in(self, later: Any, draft: Draft) -> dict[str, Node]:
        """The nodes by their places that mean the same in a later version: those that it says word for word."""
        is_plain = all(word == "$ref" for _, word, _ in self.referring) and not self.anchors and not self.has_aliases
        if draft != self.draft or not is_plain or any(place != "#" for place, _ in self.resources.values()):
            # the same words may mean another thing there
            return {}
        same = unchanged_places(self.raw, later, [(node.place, target) for node, _, target in self.referring])
        return {node.place: node for node in self.nodes.values() if node.place in same}

    def take_references(self) -> list[tuple[Node, str, str, str]]:
        taken, self.references = self.references, []
        return taken

    def node(self, place: str, raw: Any, base: str) -> Node:
        """The node for a text, filled later; the same text is the same node."""
        if isinstance(raw, bool):
            return Node(self.number(place), place, {} if raw else dict(NOTHING.limits))
        if not isinstance(raw, dict):
            raise SchemaRefused(place, f"{named(raw)} is no schema", "Give an object, true or false")
        known = self.nodes.get(id(raw))
        if known is None and base == self.unchanged_base and place in self.unchanged:
            known = self.nodes[id(raw)] = self.unchanged[place]
        if known is None:
            known = self.nodes[id(raw)] = Node(self.number(place), place)
            self.waiting.append((known, raw, base))
        self.has_aliases = self.has_aliases or known.place != place
        return known

    def number(self, place: str) -> int:
        """The same in both versions, so that what is told of them comes in one order."""
        return self.numbers.setdefault(place, len(self.numbers) + 1)

    def fill(self, node: Node, raw: dict[str, Any], base: str) -> None:
        old_reference = "$ref" in raw and self.draft < Draft.DRAFT_2019_09
        if not old_reference:
            base = self.identify(node.place, raw, base)
        self.bases[id(raw)] = base
        if node.place == "#":
            self.root_base = base
        for word, since in REFERENCES.items():
            if word in raw and self.draft >= since:
                if not isinstance(raw[word], str):
                    raise SchemaRefused(node.place, f"{word} is {shown(raw[word])}", "Write a string")
                self.references.append((node, word, raw[word], base))
        # up to draft 7, what stands beside a reference says nothing
        words = keywords.read({} if old_reference else raw, self.draft, node.place)
        node.limits, node.notes = words.limits, words.notes
        for word, (place, part) in words.single.items():
            node.single[word] = self.node(place, part, base)
        for word, parts in words.lists.items():
            node.lists[word] = tuple(self.node(place, part, base) for place, part in parts)
        for word, mapped in words.maps.items():
            node.maps[word] = {name: self.node(place, part, base) for name, (place, part) in mapped.items()}
        for place, part in words.apart:
            self.node(place, part, base)

    def identify(self, place: str, raw: dict[str, Any], base: str) -> str:
        """Note by which names a schema may be referred to; the base of the references in it."""
        if IDENTIFIERS.isdisjoint(raw):
            return base
        identity = raw.get("id" if self.draft == Draft.DRAFT_4 else "$id")
        if isinstance(identity, str):
            address, _, fragment = identity.partition("#")
            if address:
                base = urljoin(base, address)
                self.resources.setdefault(base, (place, raw))
            if fragment:
                self.anchors.setdefault(f"{base}#{fragment}", []).append((place, raw))
        if place != "#" and draft_of(raw) != self.draft and "$schema" in raw:
            raise SchemaRefused(f"{place}/$schema", "a part of another draft", "Write all parts in one draft")
        for word in ("$anchor", "$dynamicAnchor"):
            if isinstance(raw.get(word), str) and self.draft >= Draft.DRAFT_2019_09:
                self.anchors.setdefault(f"{base}#{raw[word]}", []).append((place, raw))
        if raw.get("$recursiveAnchor") is True:
            self.recursive_anchors += 1
        return base

    def resolve(self, node: Node, word: str, reference: str, base: str) -> tuple[str, Any, str]:
        """The place, text and base of what is referred to."""
        where = f"{node.place}/{word}"
        address, _, fragment = reference.partition("#")
        whole = urljoin(base, address) if address else base
        if whole not in self.resources:
            reason = f"it refers to another document, {shown(reference, 120)}, and nothing is fetched"
            raise SchemaRefused(where, reason, "Copy what is referred to into $defs of this document")
        place, raw = self.resources[whole]
        if not fragment:
            self.refuse_dynamic(where, word, self.recursive_anchors if word == "$recursiveRef" else 1)
            return place, raw, whole
        if not fragment.startswith("/"):
            return self.anchored(where, word, f"{whole}#{fragment}")
        for part in unquote(fragment)[1:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            raw, place = self.inside(where, raw, part, reference), place + step(part)
            whole = self.bases.get(id(raw), whole)
        return place, raw, whole

    def anchored(self, where: str, word: str, name: str) -> tuple[str, Any, str]:
        plain = name.partition("#")[2]
        found = self.anchors.get(name, [])
        if not found:
            raise SchemaRefused(where, f"no part of the document is named {shown(plain)}", "Correct the reference")
        everywhere = [one for full, ones in self.anchors.items() if full.partition("#")[2] == plain for one in ones]
        self.refuse_dynamic(where, word, len(everywhere) if word == "$dynamicRef" else 1)
        place, raw = found[0]
        return place, raw, self.bases.get(id(raw), "")

    @staticmethod
    def refuse_dynamic(where: str, word: str, candidates: int) -> None:
        if candidates > 1:
            reason = f"what {word} means here depends on how it is reached: {candidates} parts have that name"
            raise SchemaRefused(where, reason, "Use $ref, which always means the same")

    @staticmethod
    def inside(where: str, raw: Any, part: str, reference: str) -> Any:
        if isinstance(raw, dict) and part in raw:
            return raw[part]
        if isinstance(raw, list) and part.isdecimal() and int(part) < len(raw):
            return raw[int(part)]
        reason = f"{shown(reference, 120)} leads nowhere: there is no {shown(part)}"
        raise SchemaRefused(where, reason, "Correct the reference")


def _refuse_endless(start: Node, finished: set[Node]) -> None:
    """A schema that judges a value by judging the same value by itself never ends. Only references lead back."""
    open_now: set[Node] = set()
    stack: list[tuple[Node, Iterator[Node]]] = []
    entering: Node | None = start
    while entering is not None or stack:
        if entering is not None and entering not in finished:
            open_now.add(entering)
            stack.append((entering, entering.beside()))
        entering = next(stack[-1][1], None) if stack else None
        if entering is None and stack:
            done = stack.pop()[0]
            open_now.discard(done)
            finished.add(done)
        elif entering in open_now:
            reason = "it refers to itself without an item or property in between, so judging a value never ends"
            raise SchemaRefused(entering.place, reason, "Take one of the references out")
