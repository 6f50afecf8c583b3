"""Documents that are likely to be valid under a schema, or nearly; whether they are is for a validator to say."""

from collections.abc import Iterator
from random import Random
from typing import Any

from made_schemas import NAMES, NUMBERS, TEXTS

MATCHING = {"^x-": ["x-1", "x-2"], "a": ["a", "ca"], "^[bc]$": ["b", "c"], "1$": ["x-1", "d1"]}
SCALARS = [None, True, False, *NUMBERS, *TEXTS, -0.5, 4, 6, 1.0, "ba", "c", "bcd", "x-2"]


def anything(r: Random, depth: int = 2) -> Any:
    """Any small document."""
    roll = r.random()
    if depth and roll < 0.25:
        return {name: anything(r, depth - 1) for name in r.sample([*NAMES, "d", "x-2"], r.randint(0, 3))}
    if depth and roll < 0.4:
        return [anything(r, depth - 1) for _ in range(r.randint(0, 3))]
    return r.choice(SCALARS)


class Documents:
    """Makes documents for one schema.

    Args:
        r: the source of chance.
        root: the schema.
        declared_only: whether objects hold only properties that the schema declares.
    """

    def __init__(self, r: Random, root: Any, *, declared_only: bool = False) -> None:
        self.r, self.root, self.declared_only = r, root, declared_only

    def made(self) -> Any:
        """One document."""
        return self._value(self.root, 5)

    def near(self, document: Any) -> Any:
        """The document with one thing in it changed."""
        r = self.r
        if isinstance(document, dict) and document and r.random() < 0.8:
            name = r.choice(list(document))
            if r.random() < 0.2:
                return {key: value for key, value in document.items() if key != name}
            return {**document, name: self.near(document[name])}
        if isinstance(document, dict) and not self.declared_only:
            return {**document, r.choice([*NAMES, "d", "x-2"]): anything(r, 1)}
        if isinstance(document, list) and document:
            if r.random() < 0.3:
                return [*document, r.choice(document)]
            at = r.randrange(len(document))
            return [*document[:at], self.near(document[at]), *document[at + 1 :]]
        if isinstance(document, int | float) and not isinstance(document, bool) and r.random() < 0.5:
            return document + r.choice([1, -1, 0.5])
        return r.choice(SCALARS)

    def _beside(self, schema: Any) -> list[dict[str, Any]]:
        """All schemas that may judge the same value."""
        found: list[dict[str, Any]] = []
        queue = [schema]
        while queue:
            one = queue.pop()
            if not isinstance(one, dict) or any(one is other for other in found):
                continue
            found.append(one)
            if "$ref" in one:
                _, word, name = one["$ref"].split("/")
                queue.append(self.root[word][name])
            for word in ("allOf", "anyOf", "oneOf"):
                queue += one.get(word, [])
            queue += [one[word] for word in ("if", "then", "else") if word in one]
            queue += [*one.get("dependentSchemas", {}).values(), *one.get("dependencies", {}).values()]
        return found

    def _value(self, schema: Any, depth: int) -> Any:
        r = self.r
        beside = self._beside(schema)
        if depth <= 0 or not beside or (r.random() < 0.04 and not self.declared_only):
            return r.choice(SCALARS) if self.declared_only or depth <= 0 else anything(r, 1)
        listed = [value for one in beside for value in one.get("enum", [one["const"]] if "const" in one else [])]
        if self.declared_only:
            listed = [value for value in listed if not isinstance(value, dict)]
        if listed and r.random() < 0.8:
            return r.choice(listed)
        types = [kind for one in beside for kind in _types(one)]
        kind = r.choice(types) if types else r.choice(["object", "array", "string", "number", "null"])
        if kind == "object":
            return self._object(beside, depth)
        if kind == "array":
            return self._array(beside, depth)
        if kind == "string":
            return r.choice([*TEXTS, "ba", "c", "bcd", "x-2"])
        if kind in ("integer", "number"):
            bounds = [one[word] for one in beside for word in BOUNDS if isinstance(one.get(word), int | float)]
            base = r.choice([*bounds, *NUMBERS, 4, 6])
            return base + r.choice([0, 0, 1, -1, 0.5])
        return r.choice([True, False]) if kind == "boolean" else None

    def _object(self, beside: list[dict[str, Any]], depth: int) -> dict[str, Any]:
        r = self.r
        declared: dict[str, list[Any]] = {}
        for one in beside:
            for name, inner in one.get("properties", {}).items():
                declared.setdefault(name, []).append(inner)
        required = {name for one in beside for name in one.get("required", [])}
        document = {}
        for name in sorted(declared.keys() | required):
            if r.random() < (0.97 if name in required else 0.6):
                document[name] = self._value(r.choice(declared.get(name, [{}])), depth - 1)
        for names, inner in _maps(beside):
            if r.random() < 0.45:
                document.setdefault(self._free(names), self._value(inner, depth - 1))
        if not self.declared_only and r.random() < 0.4:
            document.setdefault(r.choice([*NAMES, "d", "x-2"]), anything(r, 1))
        document.pop(None, None)
        return document

    def _free(self, names: list[str]) -> str | None:
        """A name for a map's entry; read leniently, one that no schema declares by itself."""
        free = [name for name in names if name not in NAMES] if self.declared_only else names
        return self.r.choice(free) if free else None

    def _array(self, beside: list[dict[str, Any]], depth: int) -> list[Any]:
        r = self.r
        prefixes: list[Any] = []
        rests: list[Any] = []
        for one in beside:
            items = one.get("items", {})
            prefixes += one.get("prefixItems", []) + (items if isinstance(items, list) else [])
            rests += [] if isinstance(items, list) else [items]
            rests += [one[word] for word in ("additionalItems", "contains", "unevaluatedItems") if word in one]
        start = [self._value(inner, depth - 1) for inner in prefixes[: r.randint(0, 3)]]
        rest = r.choice(rests or [{}])
        if r.random() < 0.3 and not self.declared_only:
            rest = r.choice([{}, rest])
        return start + [self._value(rest, depth - 1) for _ in range(r.choice([0, 0, 1, 1, 2, 3]))]


def _maps(beside: list[dict[str, Any]]) -> Iterator[tuple[list[str], Any]]:
    """Names that are allowed without being declared, and the schema of what they hold."""
    for one in beside:
        for pattern, inner in one.get("patternProperties", {}).items():
            yield MATCHING.get(pattern, NAMES), inner
        for word in ("additionalProperties", "unevaluatedProperties"):
            if isinstance(one.get(word), dict) and one[word]:
                yield ["k", *NAMES], one[word]


BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _types(schema: dict[str, Any]) -> list[str]:
    if "type" in schema:
        return [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])
    if "properties" in schema or "required" in schema:
        return ["object"]
    return ["array"] if "items" in schema or "prefixItems" in schema else []
