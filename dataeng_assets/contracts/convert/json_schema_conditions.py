"""What a JSON Schema demands of a row, as one SQL condition that is never NULL, where SQL can say it.

A column that is NULL stands for a property that is not there, which a schema accepts unless it is required.
"""

from typing import Any

from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.contracts.convert.conditions import all_of, any_of
from dataeng_assets.contracts.convert.json_schema_refs import ANNOTATIONS
from dataeng_assets.contracts.convert.patterns import PatternRefused, re2


class NotSaid(Exception):
    """SQL cannot say it; the message is the word that stands in the way."""


def row_condition(schema: Any) -> str:
    """True for the rows that are valid; empty when all are.

    Raises:
        NotSaid: a word has no meaning for the columns of a row.
    """
    if isinstance(schema, bool):
        return "" if schema else "false"
    parts: list[str] = []
    for word, value in schema.items():
        if word == "properties":
            parts += [column_condition(name, part) for name, part in value.items()]
        elif word == "required":
            parts += [f"{quoted(name)} is not null" for name in value]
        elif word in ("allOf", "anyOf", "oneOf", "not"):
            parts.append(_combined(word, value, row_condition))
        elif word not in ANNOTATIONS and not (word == "type" and value == "object"):
            raise NotSaid(word)
    return all_of(parts)


def column_condition(column: str, schema: Any) -> str:
    """True for the values of a column that are valid; empty when all are.

    Raises:
        NotSaid: a word has no meaning in SQL, or would have to look at the type of a value.
    """
    name = quoted(column)
    if isinstance(schema, bool):
        return "" if schema else f"{name} is null"
    said = {word: value for word, value in schema.items() if word not in ANNOTATIONS}
    if said == {"type": "null"} or said.get("const", 0) is None:
        return f"{name} is null"
    if set(said) - {"type"} or said.get("type") is None:
        said.pop("type", None)
    parts = [_word(column, word, value, said) for word, value in said.items()]
    body = all_of(parts)
    return f"{name} is null or ({body})" if body else ""


def _word(column: str, word: str, value: Any, said: dict[str, Any]) -> str:
    name = quoted(column)
    if word in ("const", "enum"):
        values = [one for one in ([value] if word == "const" else value) if one is not None]
        if any(isinstance(one, dict | list) for one in values):
            raise NotSaid(f"{word} with an object or array")
        return f"{name} in ({listed(map(literal, values))})" if values else f"{name} is null"
    if word in ("allOf", "anyOf", "oneOf", "not"):
        return _combined(word, value, lambda part: column_condition(column, part))
    if word == "pattern":
        try:
            return f"regexp_matches({name}, {literal(re2(value))})"
        except PatternRefused as refused:
            raise NotSaid(str(refused)) from None
    return _measured(name, word, value, said)


def _measured(name: str, word: str, value: Any, said: dict[str, Any]) -> str:
    if word in ("minLength", "maxLength"):
        return f"length({name}) {'>=' if word == 'minLength' else '<='} {literal(value)}"
    if word == "multipleOf":
        return f"{name} % {literal(value)} = 0"
    if isinstance(value, bool) and word in ("exclusiveMinimum", "exclusiveMaximum"):
        return ""  # draft 4: said with the bound itself
    signs = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
    if word not in signs:
        raise NotSaid(word)
    is_open = said.get(f"exclusive{word.capitalize()}") is True
    return f"{name} {signs[word].rstrip('=') if is_open else signs[word]} {literal(value)}"


def _combined(word: str, value: Any, condition: Any) -> str:
    if word == "not":
        return f"not ({condition(value) or 'true'})"
    parts = [condition(part) for part in value]
    if word == "allOf":
        return all_of(parts)
    if word == "anyOf":
        return any_of(parts) if all(parts) else ""
    return " + ".join(f"cast(({part or 'true'}) as integer)" for part in parts) + " = 1"
