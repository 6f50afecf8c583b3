"""Random schemas and random edits of them, over all keywords of all drafts; small values, so that they meet."""

from copy import deepcopy
from random import Random
from typing import Any

URIS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}
NAMES = ["a", "b", "c", "x-1"]
PATTERNS = ["^x-", "a", "^[bc]$", "1$"]
NUMBERS = [-1, 0, 1, 2, 3, 0.5, 1.5, 2.0]
TEXTS = ["", "a", "b", "ab", "x-1", "abc"]
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]


def made_schema(r: Random, draft: int) -> Any:
    """A schema with definitions that it may refer to, and that may refer to themselves."""
    schema = _object(r, draft, 3) if r.random() < 0.5 else part(r, draft, 3)
    if isinstance(schema, bool):
        return schema
    word = "$defs" if draft >= 2019 else "definitions"
    schema[word] = {"one": part(r, draft, 2), "two": part(r, draft, 1)}
    return {"$schema": URIS[draft], **schema}


def part(r: Random, draft: int, depth: int) -> Any:
    """One schema."""
    roll = r.random()
    if roll < 0.07 and draft >= 6:
        return r.random() < 0.7
    if roll < 0.12:
        return {}
    if roll < 0.2 and depth < 3:
        return {"$ref": f"#/{'$defs' if draft >= 2019 else 'definitions'}/{r.choice(['one', 'two'])}"}
    if roll < 0.3:
        return _listed(r, draft)
    if depth > 0 and roll < 0.45:
        schema = _choice(r, draft, depth)
        return {**_plain(r, draft, depth - 1), **schema} if r.random() < 0.4 else schema
    return _plain(r, draft, depth)


def _plain(r: Random, draft: int, depth: int) -> dict[str, Any]:
    kinds = [_string, _number, _number, _small] if depth < 1 else [_string, _number, _object, _object, _array, _small]
    schema = r.choice(kinds)(r, draft, depth)
    if r.random() < 0.15:
        schema.pop("type", None)
    elif r.random() < 0.2 and isinstance(schema.get("type"), str):
        schema["type"] = sorted({schema["type"], r.choice(TYPES)})
    return schema


def _listed(r: Random, draft: int) -> dict[str, Any]:
    pool = [None, True, False, *NUMBERS, *TEXTS, [], [1], {}, {"a": 1}]
    values = r.sample(pool, r.randint(1, 4))
    return {"const": values[0]} if draft >= 6 and r.random() < 0.3 else {"enum": _distinct(values)}


def _distinct(values: list[Any]) -> list[Any]:
    return [one for n, one in enumerate(values) if not any(one == other for other in values[:n])]


def _some(r: Random, chance: float, **words: Any) -> dict[str, Any]:
    return {word: value for word, value in words.items() if r.random() < chance}


def _small(r: Random, draft: int, depth: int) -> dict[str, Any]:
    return {"type": r.choice(["null", "boolean"])}


def _string(r: Random, draft: int, depth: int) -> dict[str, Any]:
    words = {"minLength": r.randint(0, 2), "maxLength": r.randint(1, 3), "pattern": r.choice(PATTERNS)}
    return {"type": "string", **_some(r, 0.35, **words, format="date", title="t")}


def _number(r: Random, draft: int, depth: int) -> dict[str, Any]:
    schema = {"type": r.choice(["integer", "number"]), **_some(r, 0.15, multipleOf=r.choice([1, 2, 0.5, 3]))}
    for word in ("minimum", "maximum"):
        if r.random() < 0.4:
            value, exclusive = r.choice(NUMBERS), r.random() < 0.3
            if not exclusive:
                schema[word] = value
            elif draft == 4:
                schema |= {word: value, "exclusive" + word.capitalize(): True}
            else:
                schema["exclusive" + word.capitalize()] = value
    return schema


def _array(r: Random, draft: int, depth: int) -> dict[str, Any]:
    schema = {"type": "array", **_some(r, 0.25, minItems=r.randint(0, 2), maxItems=r.randint(0, 3), uniqueItems=True)}
    inner = lambda: part(r, draft, depth - 1)  # noqa: E731
    if r.random() < 0.6:
        schema["items"] = inner()
    if r.random() < 0.35:
        prefix = [inner() for _ in range(r.randint(1, 2))]
        if draft == 2020:
            schema["prefixItems"] = prefix
        else:
            schema["items"] = prefix
            schema |= _some(r, 0.6, additionalItems=_additional(r, draft, depth))
    if draft >= 6:
        schema |= _some(r, 0.2, contains=inner())
    if draft >= 2019:
        schema |= _some(r, 0.2, minContains=r.randint(0, 2), maxContains=r.randint(1, 2))
    if draft == 2020:
        # the validator that is asked stumbles over 2019-09's, beside `items: true`
        schema |= _some(r, 0.1, unevaluatedItems=_additional(r, draft, depth))
    return schema


def _additional(r: Random, draft: int, depth: int) -> Any:
    return r.random() < 0.2 if r.random() < 0.6 else part(r, draft, depth - 1) or {}


def _object(r: Random, draft: int, depth: int) -> dict[str, Any]:
    inner = lambda: part(r, draft, depth - 1)  # noqa: E731
    names = r.sample(NAMES, r.randint(0, 3))
    schema: dict[str, Any] = {"type": "object"}
    if names:
        schema["properties"] = {name: inner() for name in names}
    if r.random() < 0.4:
        schema["required"] = r.sample(names or NAMES, 1)
    schema |= _some(r, 0.5, additionalProperties=_additional(r, draft, depth))
    schema |= _some(r, 0.12, minProperties=r.randint(0, 2), maxProperties=r.randint(0, 3))
    schema |= _some(r, 0.2, patternProperties={r.choice(PATTERNS): inner()})
    needs = {r.choice(NAMES): [r.choice(NAMES)]}
    if draft >= 6:
        schema |= _some(r, 0.1, propertyNames=r.choice([_string(r, draft, 0), {"enum": r.sample(NAMES, 2)}]))
    if draft >= 2019:
        schema |= _some(r, 0.1, dependentRequired=needs, dependentSchemas={r.choice(NAMES): inner()})
        # the validator that is asked misreads 2019-09's, beside additionalProperties
        schema |= _some(r, 0.1 * (draft == 2020), unevaluatedProperties=_additional(r, draft, depth))
    else:
        schema |= _some(r, 0.15, dependencies=r.choice([needs, {r.choice(NAMES): inner()}]))
    return schema


def _choice(r: Random, draft: int, depth: int) -> dict[str, Any]:
    inner = lambda: part(r, draft, depth - 1)  # noqa: E731
    words = ["anyOf", "anyOf", "oneOf", "oneOf", "allOf", "not", "tagged"] + ["if"] * (draft >= 7)
    word = r.choice(words)
    if word == "not":
        return {"not": inner()}
    if word == "if":
        return {"if": inner(), **_some(r, 0.5, **{"else": inner()}), "then": inner()}
    if word == "tagged":
        return {"oneOf": [_tagged(r, draft, tag) for tag in r.sample(TEXTS, r.randint(1, 3))]}
    return {word: [inner() for _ in range(r.randint(1, 3))]}


def _tagged(r: Random, draft: int, tag: str) -> dict[str, Any]:
    schema = _object(r, draft, 1)
    schema.setdefault("properties", {})["a"] = {"enum": [tag]}
    return schema | {"required": ["a"]}


def edited(r: Random, schema: Any, draft: int) -> Any:
    """The schema after one to three edits; the way each goes (wider, narrower, other) is open."""
    schema = deepcopy(schema)
    if isinstance(schema, bool):
        return r.choice([not schema, {"$schema": URIS[draft], **_number(r, draft, 0)}])
    for _ in range(r.randint(1, 3)):
        places = list(_places(schema))
        _edit(r, r.choice(places), draft)
    return schema


def _places(schema: Any) -> list[dict[str, Any]]:
    """All schemas in a schema that are objects."""
    found: list[dict[str, Any]] = []
    queue = [schema]
    while queue:
        one = queue.pop()
        if isinstance(one, dict):
            found.append(one)
            for word, value in one.items():
                if word in MAPS:
                    queue += [inner for inner in value.values() if isinstance(inner, dict)]
                elif word in SCHEMAS:
                    queue += value if isinstance(value, list) else [value]
    return found


MAPS = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
SCHEMAS = {
    "items", "prefixItems", "additionalItems", "contains", "additionalProperties", "propertyNames", "allOf", "anyOf",
    "oneOf", "not", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties",
}  # fmt: skip
KEPT = {"$schema", "$defs", "definitions", "$ref"}


def _edit(r: Random, schema: dict[str, Any], draft: int) -> None:
    words = [word for word in schema if word not in KEPT]
    move = r.choice(["drop", "shift", "shift", "shift", "shift", "more", "merge", "properties", "properties", "wrap"])
    if move == "drop" and words:
        del schema[r.choice(words)]
    elif move == "shift" and words:
        word = r.choice(words)
        schema[word] = _shifted(r, word, schema[word], draft)
    elif move == "more" and not schema.get("$ref"):
        schema.update({w: v for w, v in _plain(r, draft, 1).items() if w not in KEPT | {"type"}})
    elif move == "merge" and words:
        word = r.choice(["allOf", "anyOf"])
        if word not in schema:
            schema[word] = [part(r, draft, 0), {}] if word == "anyOf" else [part(r, draft, 0)]
    elif move == "properties" and "properties" in schema:
        _edit_properties(r, schema, draft)
    elif move == "wrap" and words and draft >= 6:
        inner = {word: schema.pop(word) for word in words}
        schema[r.choice(["anyOf", "oneOf", "allOf"])] = [inner]


def _edit_properties(r: Random, schema: dict[str, Any], draft: int) -> None:
    named = schema["properties"]
    if named and r.random() < 0.4:
        del named[r.choice(list(named))]
    else:
        named[r.choice(NAMES)] = part(r, draft, 1)


def _shifted(r: Random, word: str, value: Any, draft: int) -> Any:
    """A keyword's value made a little more or less."""
    if word == "type":
        types = [value] if isinstance(value, str) else value
        if len(types) > 1 and r.random() < 0.5:
            return types[:-1]
        wider = "number" if types == ["integer"] else "integer" if types == ["number"] else None
        return wider if wider and r.random() < 0.5 else sorted({*types, r.choice(TYPES)})
    if word == "enum":
        return value[:-1] if len(value) > 1 and r.random() < 0.5 else _distinct([*value, r.choice(TEXTS + NUMBERS)])
    if isinstance(value, bool):
        return value if word.startswith("exclusive") or word == "uniqueItems" else not value
    if isinstance(value, int | float):
        return value * r.choice([2, 3]) if word == "multipleOf" else max(0, value + r.choice([-1, 1]))
    if word in ("allOf", "anyOf", "oneOf") and r.random() < 0.7:
        more = [*value, part(r, draft, 1)] if r.random() < 0.5 else value[:-1] or value
        return r.sample(more, len(more))
    if word == "required":
        return r.sample(NAMES, r.randint(1, 2))
    if word in ("pattern", "title", "format"):
        return r.choice(PATTERNS)
    if word in SCHEMAS and isinstance(value, dict):
        return part(r, draft, 1) or {}
    return value
