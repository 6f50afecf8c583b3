"""What ODCS says of one column in its own words: `unique`, `enum`, `logicalTypeOptions`, and what lies inside of it."""

import json
import re
from collections.abc import Sequence
from typing import Any

from open_data_contract_standard.model import SchemaProperty

from dataeng_assets.contracts.checks.consistent import pattern_problem
from dataeng_assets.contracts.checks.formats import FORMATS
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Format,
    Holds,
    JsonSchema,
    Length,
    Literal,
    Matches,
    MultipleOf,
    OneOf,
    Unique,
)
from dataeng_assets.contracts.checks.rule import SuiteColumn
from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.contracts.convert.odcs_findings import Aside, Findings
from dataeng_assets.contracts.convert.odcs_values import value_of, values_of
from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place

_RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_NUMBER = (*_RANGE, "multipleOf", "format", "precision", "scale")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": _NUMBER,
    "number": _NUMBER,
    "date": (*_RANGE, "format"),
    "timestamp": (*_RANGE, "format", "timezone", "defaultTimezone"),
    "time": (*_RANGE, "format", "timezone", "defaultTimezone"),
    "object": ("minProperties", "maxProperties", "required"),
    "array": ("minItems", "maxItems", "uniqueItems"),
    "vector": ("dimensions", "elementType", "distanceMetric", "embeddingModel", "embeddingModelVersion", "normalized"),
    "boolean": (),
    "map": (),
}
_ANY = tuple(dict.fromkeys(option for options in _OPTIONS.values() for option in options))
_SIZES = {"minLength", "maxLength", "minItems", "maxItems", "dimensions", "minProperties", "maxProperties"}
_INTEGERS = {f"{sign}{bits}": (sign == "i", bits) for sign in "iu" for bits in (8, 16, 32, 64, 128)}
_JDK = re.compile(r"yyyy|YYYY|uuuu|MM|dd|HH|mm|ss|SSSSSS|SSS|'[^']*'|[A-Za-z]+|[^A-Za-z']+")
_STRFTIME = {
    "yyyy": "%Y", "YYYY": "%Y", "uuuu": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S",
    "SSS": "%g", "SSSSSS": "%f", "T": "T", "Z": "%z", "XXX": "%z", "X": "%z",
}  # fmt: skip
_TEXTUAL = re.compile(r"text|(var|n|nvar)?char.*|string.*|character.*|clob|csv", re.IGNORECASE)
_JSON = re.compile(r"json[b]?|variant|super", re.IGNORECASE)
_WITHIN = "what lies inside a column is judged only where the column holds JSON (physicalType json, jsonb or variant)"


def read_property(findings: Findings, prop: SchemaProperty, column: SuiteColumn, at: Place) -> None:
    """Take up everything that a column's own words demand, `required` and its type aside.

    Raises:
        ContractError: an unknown option, or a value that the column's type cannot have.
    """
    if prop.unique:
        findings.demand((*at, "unique"), Unique((column.name,)))
    if prop.enum:
        _enum(findings, prop, column, at)
    options = prop.logicalTypeOptions or {}
    _refuse_unknown(findings.document, options, column.logical, (*at, "logicalTypeOptions"))
    read_options(findings, options, column, (*at, "logicalTypeOptions"))
    _inside(findings, prop, column, at)


def read_options(
    findings: Findings,
    options: dict[str, Any],
    column: SuiteColumn,
    at: Place,
    aside: Aside = Aside(),  # noqa: B008  # it is frozen
) -> None:
    """Take up options, as they stand in `logicalTypeOptions` or as arguments of `invalidValues`.

    Raises:
        ContractError: a value of another type.
    """
    document, name = findings.document, column.name
    for option, value in options.items():
        if option in _SIZES and (not isinstance(value, int) or isinstance(value, bool)):
            raise document.error((*at, option), value, "a whole number of 0 or more")
    if any(option in options for option in _RANGE):
        first = next(option for option in _RANGE if option in options)
        findings.demand((*at, first), _range(document, options, column, at), aside)
    for low, high in (("minLength", "maxLength"), ("minItems", "maxItems"), ("dimensions", "dimensions")):
        if low in options or high in options:
            place = (*at, low if low in options else high)
            findings.demand(place, Length(name, options.get(low), options.get(high)), aside)
    if "multipleOf" in options:
        divisor = value_of(document, options["multipleOf"], "number", (*at, "multipleOf"))
        findings.demand((*at, "multipleOf"), MultipleOf(name, divisor), aside)  # type: ignore[arg-type]  # read as a number
    if "pattern" in options:
        _pattern(findings, options["pattern"], name, (*at, "pattern"), aside)
    if "format" in options:
        _format(findings, options["format"], column, (*at, "format"), aside)
    if options.get("uniqueItems"):
        present = f"list_filter({quoted(name)}, lambda item: item is not null)"
        findings.demand(
            (*at, "uniqueItems"), Holds(f"list_unique({quoted(name)}) = len({present})"), Aside(column=name)
        )
    _told(findings, options, at)


def elements_one_of(column: str, values: Sequence[Literal]) -> Holds:
    """The check that every element of a list is one of these values."""
    return Holds(f"list_has_all([{listed(map(literal, values))}], {quoted(column)})")


def _enum(findings: Findings, prop: SchemaProperty, column: SuiteColumn, at: Place) -> None:
    values = [value.value for value in prop.enum or []]
    if column.logical == "array":
        found = values_of(findings.document, values, _logical_of_items(prop), (*at, "enum"))
        findings.demand((*at, "enum"), elements_one_of(column.name, found), Aside(column=column.name))
        return
    found = values_of(findings.document, values, column.logical, (*at, "enum"))
    if found:
        findings.demand((*at, "enum"), OneOf(column.name, found))


def _logical_of_items(prop: SchemaProperty) -> str:
    if prop.items and prop.items.logicalType:
        return prop.items.logicalType
    return "string" if all(isinstance(value.value, str | bool) for value in prop.enum or []) else ""


def _refuse_unknown(document: Document, options: dict[str, Any], logical: str, at: Place) -> None:
    allowed = list(_OPTIONS.get(logical, _ANY) if logical else _ANY)
    for option in options:
        if option not in allowed:
            kind = f" for {logical}" if logical else ""
            raise document.error(
                (*at, option),
                f"an option {option!r} that there is not{kind}",
                f"{', '.join(allowed) or 'no options'}{did_you_mean(option, allowed)}",
            )


def _range(document: Document, options: dict[str, Any], column: SuiteColumn, at: Place) -> Between:
    logical = "number" if column.logical == "integer" else column.logical
    given = {
        option: value_of(document, options[option], logical, (*at, option)) for option in _RANGE if option in options
    }
    for plain, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if plain in given and exclusive in given:
            raise document.error((*at, exclusive), f"{exclusive} beside {plain}", "one of them")
    return Between(
        column.name,
        given.get("minimum", given.get("exclusiveMinimum")),
        given.get("maximum", given.get("exclusiveMaximum")),
        "exclusiveMinimum" in given,
        "exclusiveMaximum" in given,
    )


def _pattern(findings: Findings, pattern: Any, name: str, at: Place, aside: Aside) -> None:
    if not isinstance(pattern, str):
        raise findings.document.error(at, pattern, "a regular expression, as a text")
    problem = pattern_problem(pattern)
    if problem:
        findings.leave(at, f"pattern {pattern}", f"{problem}; say it with the patterns that RE2 has, or as a query")
    else:
        findings.demand(at, Matches(name, (pattern,)), aside)


def _format(findings: Findings, said: Any, column: SuiteColumn, at: Place, aside: Aside) -> None:
    if not isinstance(said, str):
        raise findings.document.error(at, said, "the name of a format")
    found: Between | Format | str
    if column.logical in ("integer", "number"):
        found = _whole_numbers(column.name, said)
    elif column.logical in ("date", "timestamp", "time"):
        found = _dated(column, said)
    else:
        found = _named(column.name, said)
    if isinstance(found, str):
        findings.leave(at, f"format {said}", found)
    else:
        findings.demand(at, found, aside)


def _whole_numbers(name: str, form: str) -> Between | str:
    """The range of Rust's integer types: `i32` is what fits into 32 bits."""
    if form not in _INTEGERS:
        return "how a number is stored is said by physicalType"
    signed, bits = _INTEGERS[form]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return Between(name, low, high)


def _named(name: str, form: str) -> Format | str:
    known = {word.replace("-", "").lower(): word for word in FORMATS}
    found = known.get(form.replace("-", "").replace("_", "").lower())
    if "%" in form:
        return Format(name, form)
    return Format(name, found) if found else f"no such format is checked; there are {', '.join(FORMATS)}, or a pattern"


def _dated(column: SuiteColumn, form: str) -> Format | str:
    """A form of Java's date patterns, for texts; a stored date has no form."""
    if not _TEXTUAL.fullmatch(column.physical.split("(")[0].strip()):
        return f"a stored {column.logical} has no written form; it is judged for columns of text (physicalType)"
    parts = _JDK.findall(form)
    if all(part in _STRFTIME or not part[0].isalpha() for part in parts):
        return Format(column.name, "".join(_STRFTIME.get(part, part.strip("'")) for part in parts))
    return "only the letters y, M, d, H, m, s, S and X of Java's date patterns are known"


def _told(findings: Findings, options: dict[str, Any], at: Place) -> None:
    """Options that say how values are meant, and demand nothing of them."""
    zone = options.get("defaultTimezone")
    if zone not in (None, "UTC", "Etc/UTC", "Z"):
        findings.leave(
            (*at, "defaultTimezone"), f"defaultTimezone {zone}", "times without a zone are read as UTC; store the zone"
        )
    for option in ("elementType", "distanceMetric", "embeddingModel", "embeddingModelVersion", "normalized"):
        if option in options:
            findings.leave((*at, option), f"{option} {options[option]}", "only the number of dimensions is checked")


def _inside(findings: Findings, prop: SchemaProperty, column: SuiteColumn, at: Place) -> None:
    """What is said of the parts of an object, the items of a list, or the entries of a map."""
    options = prop.logicalTypeOptions or {}
    counted = {name: options[name] for name in ("minProperties", "maxProperties", "required") if name in options}
    if counted or prop.properties:
        if _JSON.fullmatch(column.physical):
            schema = {**_json_schema(prop), **counted}
            check = JsonSchema(column.name, json.dumps(schema, sort_keys=True, ensure_ascii=False))
            findings.demand((*at, "properties" if prop.properties else "logicalTypeOptions"), check)
        else:
            findings.leave((*at, "properties"), f"the parts of {column.name}", _WITHIN)
    if prop.items:
        _items(findings, prop.items, column, (*at, "items"))
    if prop.map:
        findings.leave((*at, "map"), f"keys and values of {column.name}", _WITHIN)


def _items(findings: Findings, items: SchemaProperty, column: SuiteColumn, at: Place) -> None:
    if items.enum and column.logical == "array":
        values = [value.value for value in items.enum]
        found = values_of(findings.document, values, items.logicalType or "", (*at, "enum"))
        findings.demand((*at, "enum"), elements_one_of(column.name, found), Aside(column=column.name))
    said = [
        word for word in ("required", "unique", "logicalTypeOptions", "quality", "properties") if getattr(items, word)
    ]
    if said:
        findings.leave((*at, said[0]), f"{', '.join(said)} of the items of {column.name}", "of items, enum is checked")


def _json_schema(prop: SchemaProperty) -> dict[str, Any]:
    """What ODCS says of a nested value, as JSON Schema; words that it shares with JSON Schema keep their meaning."""
    types = {"date": "string", "timestamp": "string", "time": "string", "map": "object", "vector": "array"}
    schema: dict[str, Any] = {}
    if prop.logicalType:
        kind = types.get(prop.logicalType, prop.logicalType)
        schema["type"] = kind if prop.required or not prop.name else [kind, "null"]
    if prop.enum:
        schema["enum"] = [value.value for value in prop.enum]
    shared = (*_RANGE, "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems")
    schema |= {name: value for name, value in (prop.logicalTypeOptions or {}).items() if name in shared}
    if prop.properties:
        schema["properties"] = {str(part.name): _json_schema(part) for part in prop.properties}
        required = [str(part.name) for part in prop.properties if part.required]
        schema |= {"required": required} if required else {}
    if prop.items:
        schema["items"] = _json_schema(prop.items)
    return schema
