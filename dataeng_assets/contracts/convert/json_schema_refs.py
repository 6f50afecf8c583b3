"""Local references of a JSON Schema, put in place of themselves; remote, cyclic and exploding ones are refused."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from dataeng_assets.contracts.plain import Place, Plain

LARGEST = 50_000
"""Most schemas in the resolved document: references to references can double it with each line."""


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


ANNOTATIONS = words(
    "$schema $id id $anchor $comment $vocabulary title description default examples example deprecated readOnly "
    "writeOnly definitions $defs"
)
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_ONES = words(
    "items additionalItems additionalProperties unevaluatedItems unevaluatedProperties not if then else contains "
    "propertyNames contentSchema"
)
_OLD = ("draft-04", "draft-06", "draft-07")


def resolved(plain: Plain) -> Any:
    """The schema without `$ref`, and without the definitions that only references need.

    Raises:
        ContractError: a reference is remote, dynamic, cyclic or leads nowhere, or they make the document explode.
    """
    return _Resolver(plain).schema(plain.data, (), ())


class _Resolver:
    def __init__(self, plain: Plain) -> None:
        self._plain = plain
        self._seen = 0
        self._anchors = dict(_anchors(plain.data, ()))
        draft = str(plain.data.get("$schema", "")) if isinstance(plain.data, dict) else ""
        self._ignores_siblings = any(old in draft for old in _OLD)

    def schema(self, schema: Any, place: Place, behind: tuple[str, ...]) -> Any:
        """A schema with its references resolved; `behind` are those that led here."""
        if not isinstance(schema, dict):
            return schema
        self._seen += 1
        if self._seen > LARGEST:
            raise self._plain.error(place, "references that make it explode", f"at most {LARGEST:,} schemas in all")
        for word in ("$dynamicRef", "$recursiveRef"):
            if isinstance(schema.get(word), str):
                raise self._plain.error((*place, word), schema[word], "a $ref to a definition of this document")
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._referred(schema, reference, place, behind)
        return {word: self._word(word, value, (*place, word), behind) for word, value in schema.items()}

    def _word(self, word: str, value: Any, place: Place, behind: tuple[str, ...]) -> Any:
        if word in ("definitions", "$defs"):
            return {}
        if word in _MAPS and isinstance(value, dict):
            return {name: self.schema(part, (*place, name), behind) for name, part in value.items()}
        if word in _LISTS and isinstance(value, list):
            return [self.schema(part, (*place, number), behind) for number, part in enumerate(value)]
        return self.schema(value, place, behind) if word in _ONES else value

    def _referred(self, schema: Mapping[str, Any], reference: str, place: Place, behind: tuple[str, ...]) -> Any:
        at = (*place, "$ref")
        if reference in behind:
            raise self._plain.error(at, f"{reference}, which leads to itself", "references without a cycle")
        found, there = self._target(reference, at)
        target = self.schema(found, there, (*behind, reference))
        beside = {
            word: self._word(word, value, (*place, word), behind)
            for word, value in schema.items()
            if word != "$ref" and (word in ANNOTATIONS or not self._ignores_siblings)
        }
        if not isinstance(target, dict) or set(beside) <= ANNOTATIONS:
            return {**target, **beside} if isinstance(target, dict) else target
        return {**beside, "allOf": [*beside.get("allOf", []), target]}

    def _target(self, reference: str, at: Place) -> tuple[Any, Place]:
        root = self._plain.data
        own = str(root.get("$id", root.get("id", ""))).rstrip("#") if isinstance(root, dict) else ""
        before, _, fragment = reference.partition("#")
        if before and before != own:
            raise self._plain.error(at, f"{reference}, which is remote", "a reference within this document: #/…")
        if fragment and not fragment.startswith("/"):
            if fragment not in self._anchors:
                raise self._plain.error(at, f"{reference}, which leads nowhere", "an anchor of this document")
            return self._anchors[fragment]
        found = root
        there: Place = ()
        for part in unquote(fragment).split("/")[1:]:
            key: str | int = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and str(key).isdigit() and int(key) < len(found):
                key = int(key)
            elif not isinstance(found, dict) or key not in found:
                raise self._plain.error(at, f"{reference}, which leads nowhere", "a place of this document")
            found, there = found[key], (*there, key)
        return found, there


def _anchors(schema: Any, place: Place) -> list[tuple[str, tuple[Any, Place]]]:
    """Every schema that has a name of its own: `$anchor`, and `#name` in the identifiers of older drafts."""
    found: list[tuple[str, tuple[Any, Place]]] = []
    if isinstance(schema, dict):
        for word in ("$anchor", "$id", "id"):
            name = schema.get(word)
            if isinstance(name, str) and (word == "$anchor" or name.startswith("#")):
                found.append((name.removeprefix("#"), (schema, place)))
    parts = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, part in parts:
        found += _anchors(part, (*place, key))
    return found
