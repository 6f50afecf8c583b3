"""What a JSON Schema demands of one property, as rules of the column with its name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dataeng_assets.contracts.checks.formats import FORMATS
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Format,
    Holds,
    IsNull,
    JsonSchema,
    Length,
    Matches,
    MultipleOf,
    NotNull,
    OfType,
    OneOf,
)
from dataeng_assets.contracts.checks.rule import SuiteColumn
from dataeng_assets.contracts.convert.collect import Collector
from dataeng_assets.contracts.convert.json_schema_conditions import NotSaid, column_condition
from dataeng_assets.contracts.convert.json_schema_refs import ANNOTATIONS, words
from dataeng_assets.contracts.convert.patterns import PatternRefused, re2
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place

_TEMPORAL = {"date": "date", "date-time": "timestamp", "time": "time"}
_SAME_FORMAT = {"idn-email": "email", "idn-hostname": "hostname", "iri": "uri"}
NESTED = words(
    "items minItems maxItems prefixItems additionalItems contains minContains maxContains uniqueItems properties "
    "required patternProperties additionalProperties propertyNames minProperties maxProperties dependentRequired "
    "dependentSchemas dependencies unevaluatedItems unevaluatedProperties"
)
_KNOWN = sorted(
    NESTED
    | ANNOTATIONS
    | words(
        "type enum const minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern "
        "format allOf anyOf oneOf not if then else nullable contentEncoding contentMediaType"
    )
)
OWN = frozenset({"x-personal", "nullable"})


@dataclass(frozen=True)
class ColumnReader:
    """Reads the properties of one table.

    Attributes:
        collector: takes the rules.
        where: the condition under which they hold.
    """

    collector: Collector
    where: str = ""

    def read(self, column: str, schema: Any, place: Place) -> None:
        """The rules of a property."""
        if schema is False:
            self._add(place, IsNull(column))
        if not isinstance(schema, dict):
            return
        branch = only_branch(schema)
        if branch:
            word, number, part = branch
            self.read(column, {k: v for k, v in schema.items() if k != word}, place)
            self.read(column, part, (*place, word, number))
            return
        self._type(column, schema, place)
        self._values(column, schema, place)
        self._bounds(column, schema, place)
        self._texts(column, schema, place)
        self._combined(column, schema, place)
        self._unknown(schema, place)

    def _add(self, place: Place, check: Any) -> None:
        self.collector.add(place, check, where=self.where)

    def _type(self, column: str, schema: Mapping[str, Any], place: Place) -> None:
        types = set(types_of(schema))
        at = (*place, "type")
        if types == {"null"}:
            self._add(at, IsNull(column))
            return
        types -= {"null"}
        if {"integer", "number"} == types:
            types = {"number"}
        if len(types) > 1:
            self.collector.leave(at, schema["type"], "a column has one type; demand one, or cast when reading")
        elif types and not (types == {"string"} and schema.get("format") in _TEMPORAL):
            self._one_type(at, OfType(column, logical=next(iter(types))))
        if NESTED & set(schema) and (not types or types <= {"object", "array"}):
            self._nested(column, schema, place)

    def _one_type(self, place: Place, check: OfType) -> None:
        if not self.where:
            self._add(place, check)
        elif not any(rule.check == check for rule in self.collector.rules):
            self.collector.leave(
                place, check.logical, "a column has one type in all rows; demand it without a condition"
            )

    def _nested(self, column: str, schema: Mapping[str, Any], place: Place) -> None:
        whole = {word: value for word, value in schema.items() if word not in ANNOTATIONS | OWN}
        try:
            said = json.dumps(with_re2(whole), sort_keys=True)
        except PatternRefused as refused:
            self.collector.leave(place, json.dumps(whole, sort_keys=True), str(refused))
        else:
            self._add(place, JsonSchema(column, said))

    def _values(self, column: str, schema: Mapping[str, Any], place: Place) -> None:
        for word in ("const", "enum"):
            if word not in schema:
                continue
            said = [schema[word]] if word == "const" else schema[word]
            values = tuple(value for value in said if value is not None)
            if any(isinstance(value, dict | list) for value in values):
                self._add((*place, word), JsonSchema(column, json.dumps({word: schema[word]}, sort_keys=True)))
            elif values:
                self._add((*place, word), OneOf(column, values))
            else:
                self._add((*place, word), IsNull(column))

    def _bounds(self, column: str, schema: Mapping[str, Any], place: Place) -> None:
        low, low_open = _bound(schema, "minimum", "exclusiveMinimum", max)
        high, high_open = _bound(schema, "maximum", "exclusiveMaximum", min)
        if low is not None and high is not None and (low > high or (low == high and (low_open or high_open))):
            raise self.collector.plain.error(place, f"bounds from {low} to {high}", "bounds between which a value lies")
        if low is not None or high is not None:
            word = next(
                word for word in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") if word in schema
            )
            self._add((*place, word), Between(column, low, high, low_open, high_open))
        if "multipleOf" in schema:
            self._add((*place, "multipleOf"), MultipleOf(column, schema["multipleOf"]))
        few, many = schema.get("minLength"), schema.get("maxLength")
        if few and many is not None and few > many:
            raise self.collector.plain.error((*place, "minLength"), f"{few} to {many}", "at most the maxLength")
        if few or many is not None:
            self._add((*place, "minLength" if few else "maxLength"), Length(column, few or None, many))

    def _texts(self, column: str, schema: Mapping[str, Any], place: Place) -> None:
        if "pattern" in schema:
            try:
                self._add((*place, "pattern"), Matches(column, (re2(schema["pattern"]),)))
            except PatternRefused as refused:
                self.collector.leave((*place, "pattern"), schema["pattern"], str(refused))
        if "format" in schema:
            said = schema["format"]
            name = _SAME_FORMAT.get(said, said)
            if name in FORMATS:
                self._add((*place, "format"), Format(column, name))
            else:
                hint = did_you_mean(said, list(FORMATS))
                self.collector.leave((*place, "format"), said, f"a format that is not checked{hint}; use pattern")

    def _combined(self, column: str, schema: Mapping[str, Any], place: Place) -> None:
        for number, part in enumerate(schema.get("allOf", [])):
            self.read(column, part, (*place, "allOf", number))
        for word in ("anyOf", "oneOf"):
            if word in schema:
                self._holds(column, {word: schema[word]}, (*place, word))
        if "not" in schema:
            self._negated(column, schema["not"], (*place, "not"))
        if "if" in schema:
            self._conditional(column, schema, place)

    def _negated(self, column: str, schema: Any, place: Place) -> None:
        said = {word: value for word, value in schema.items() if word not in ANNOTATIONS} if schema is not True else {}
        values = said.get("enum", [said["const"]] if "const" in said else None)
        if said in ({"type": "null"}, {"const": None}, {"enum": [None]}):
            self._add(place, NotNull(column))
        elif values and len(said) == 1 and not any(value is None or isinstance(value, dict | list) for value in values):
            self._add(place, OneOf(column, tuple(values), negated=True))
        elif set(said) == {"pattern"}:
            try:
                self._add(place, Matches(column, (re2(said["pattern"]),), negated=True))
            except PatternRefused as refused:
                self.collector.leave(place, said["pattern"], str(refused))
        else:
            self._holds(column, {"not": schema}, place)

    def _conditional(self, column: str, schema: Mapping[str, Any], place: Place) -> None:
        """`if`, `then` and `else` of one value: the value is wrong in one of two ways."""
        for word, wanted in (("then", schema["if"]), ("else", {"not": schema["if"]})):
            if word in schema:
                either = {"anyOf": [{"not": wanted}, schema[word]]}
                self._holds(column, either, (*place, word))

    def _holds(self, column: str, schema: Any, place: Place) -> None:
        try:
            condition = column_condition(column, schema)
        except NotSaid as word:
            whole = json.dumps(schema, sort_keys=True)
            self.collector.leave(place, whole, f"SQL cannot say it of a column, because of {word}")
            return
        if condition:
            self.collector.add(place, Holds(condition), where=self.where, name=f"{column}_holds")

    def _unknown(self, schema: Mapping[str, Any], place: Place) -> None:
        for word, value in schema.items():
            if word in ("contentEncoding", "contentMediaType", "contentSchema"):
                self.collector.leave((*place, word), {word: value}, "contents of texts are not looked into")
            elif word not in _KNOWN and word not in OWN and not word.startswith("x-"):
                hint = did_you_mean(word, _KNOWN)
                self.collector.leave((*place, word), {word: value}, f"a word that JSON Schema does not have{hint}")


def describe(column: str, schema: Any, *, required: bool) -> SuiteColumn:
    """What a property says of a column beside its rules."""
    if not isinstance(schema, dict):
        return SuiteColumn(column, nullable=not required)
    branch = only_branch(schema)
    whole = {**branch[2], **schema} if branch else schema
    types = [name for name in types_of(whole) if name != "null"]
    logical = _TEMPORAL.get(whole.get("format", "")) if types == ["string"] else None
    return SuiteColumn(
        name=column,
        logical=logical or ("number" if set(types) == {"integer", "number"} else types[0] if len(types) == 1 else ""),
        nullable=not required or is_nullable(schema),
        personal=whole.get("x-personal") is True,
        description=str(whole.get("description") or whole.get("title") or ""),
    )


def types_of(schema: Mapping[str, Any]) -> list[str]:
    """The types that a schema names, in order."""
    said = schema.get("type", [])
    return [said] if isinstance(said, str) else list(said)


def is_nullable(schema: Any) -> bool:
    """Whether a value may be there and be null, as far as a schema says it directly."""
    if not isinstance(schema, dict):
        return False
    if schema.get("nullable") is True or "null" in types_of(schema):
        return True
    if "enum" in schema or "const" in schema:
        return None in schema.get("enum", [schema.get("const", 0)])
    branches = schema.get("anyOf") or schema.get("oneOf") or []
    return any(is_nullable(branch) for branch in branches)


def only_branch(schema: Mapping[str, Any]) -> tuple[str, int, dict[str, Any]] | None:
    """The one branch of `anyOf` or `oneOf` beside null: the usual way to write that a value may be missing."""
    for word in ("anyOf", "oneOf"):
        branches = schema.get(word, [])
        others = [
            (number, part) for number, part in enumerate(branches) if part not in ({"type": "null"}, {"const": None})
        ]
        if len(others) == 1 and len(branches) == 2 and isinstance(others[0][1], dict):
            return word, *others[0]
    return None


def with_re2(schema: Any) -> Any:
    """A nested schema with its patterns as RE2 takes them; patterns of names would be run by Python."""
    if isinstance(schema, list):
        return [with_re2(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("patternProperties"):
        raise PatternRefused("patterns of names inside a value are not run; name the properties")
    pattern = schema.get("pattern")
    changed = {"pattern": re2(pattern)} if isinstance(pattern, str) else {}
    return {word: with_re2(part) for word, part in schema.items()} | changed


def _bound(
    schema: Mapping[str, Any], closed: str, opened: str, tighter: Callable[[list[Any]], Any]
) -> tuple[Any, bool]:
    """The bound that both words together set, and whether it is open; draft 4 writes openness as a boolean."""
    bound, exclusive = schema.get(closed), schema.get(opened)
    if isinstance(exclusive, bool) or exclusive is None:
        return bound, exclusive is True and bound is not None
    if bound is None:
        return exclusive, True
    return tighter([bound, exclusive]), tighter([bound, exclusive]) == exclusive
