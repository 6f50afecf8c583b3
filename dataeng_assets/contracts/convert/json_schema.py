"""From a JSON Schema to a suite: an object is a row, its properties are columns. Drafts 4 to 2020-12.

The rules of one column belong in `json_schema_columns`, references in `json_schema_refs`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import SchemaError, validators
from jsonschema.validators import Draft4Validator, Draft7Validator, Draft202012Validator

from dataeng_assets.contracts.checks.kinds import HasColumns, Holds, Measure, Metric, NotNull, Nulls, Unique
from dataeng_assets.contracts.checks.rule import Bounds, Suite
from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.contracts.convert.collect import Collector
from dataeng_assets.contracts.convert.conditions import all_of
from dataeng_assets.contracts.convert.json_schema_columns import OWN, ColumnReader, describe, is_nullable, types_of
from dataeng_assets.contracts.convert.json_schema_conditions import NotSaid, row_condition
from dataeng_assets.contracts.convert.json_schema_refs import ANNOTATIONS, resolved, words
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place, Plain, plain_of, shortened

EXPECTED = "a JSON Schema of an object, or of an array of objects"
_DRAFTS = {
    re.sub(r"^https?:|#$", "", str(draft.META_SCHEMA.get("$id", draft.META_SCHEMA.get("id")))): draft
    for name in ("Draft4", "Draft6", "Draft7", "Draft201909", "Draft202012")
    for draft in [getattr(validators, f"{name}Validator")]
}
_WORDS = sorted(
    ANNOTATIONS
    | {"version", "x-version", "x-owner", "x-key"}
    | words(
        "type properties required additionalProperties patternProperties propertyNames minProperties maxProperties "
        "dependentRequired dependentSchemas dependencies allOf anyOf oneOf not if then else unevaluatedProperties"
    )
)


def read_json_schema(given: Path | Mapping[str, Any] | Plain) -> tuple[Suite, ...]:
    """The suite of a schema, named after its file unless `title` is a name.

    A property that is required and may not be null is never NULL; one that is not required may be. Closed content
    (`additionalProperties: false`) demands exactly the columns it names.

    Raises:
        ContractError: it is no schema of rows, contradicts itself, or has a reference that cannot be followed.
    """
    plain = plain_of(given, EXPECTED, lambda data: isinstance(data, dict))
    _refuse_broken(plain)
    schema = resolved(plain)
    place: Place = ()
    collector = Collector(plain)
    if "array" in types_of(schema) or ("items" in schema and "properties" not in schema):
        schema, place = _items(schema, collector)
    if not isinstance(schema, dict) or not (schema.get("properties") or "object" in types_of(schema)):
        raise plain.error(place, shortened_words(schema), EXPECTED)
    columns = tuple(
        describe(name, part, required=name in schema.get("required", []))
        for name, part in schema.get("properties", {}).items()
    )
    _columns(schema, place, collector)
    RowReader(collector).read(schema, place)
    root = plain.data
    name = root.get("title", "")
    return (
        Suite(
            name=name if re.fullmatch(r"[A-Za-z_]\w*", name) else re.sub(r"\.schema$", "", plain.path.stem),
            id=str(root.get("$id", root.get("id", ""))),
            version=str(root.get("version", root.get("x-version", ""))),
            owner=str(root.get("x-owner", "")),
            key=tuple(root.get("x-key", ())),
            description=str(root.get("description", "") or ("" if re.fullmatch(r"[A-Za-z_]\w*", name) else name)),
            columns=columns,
            rules=tuple(collector.rules),
            not_executed=tuple(collector.left),
        ),
    )


def _refuse_broken(plain: Plain) -> None:
    """The schema by the schema of its draft: the one it names, else the newest that takes it."""
    said = plain.data.get("$schema")
    if said is None:
        drafts = [Draft202012Validator, Draft7Validator, Draft4Validator]
    else:
        name = re.sub(r"^https?:|#$", "", str(said))
        if name not in _DRAFTS:
            known = ", ".join(f"http:{draft}" for draft in _DRAFTS)
            raise plain.error(("$schema",), str(said), f"drafts 4 to 2020-12: {known}")
        drafts = [_DRAFTS[name]]
    problems = []
    for draft in drafts:
        try:
            draft.check_schema(plain.data)
        except SchemaError as broken:
            problems.append(broken)
        else:
            return
    first = problems[0]
    raise plain.error(tuple(first.absolute_path), shortened(first.instance), shortened(first.message, 300))


def _items(schema: Mapping[str, Any], collector: Collector) -> tuple[Any, Place]:
    """The schema of the rows of an array; what it says of the array itself is said of the table."""
    items = schema.get("items")
    low, high = schema.get("minItems"), schema.get("maxItems")
    if low is not None or high is not None:
        word = "minItems" if low is not None else "maxItems"
        collector.add((word,), Measure(Metric.ROW_COUNT), bounds=Bounds(lower=low, upper=high))
    if schema.get("uniqueItems") and isinstance(items, dict):
        names = tuple(items.get("properties", {}))
        collector.add(("uniqueItems",), Unique(names, Nulls.EQUAL), name="rows_unique")
    for word in schema:
        if word in ("contains", "minContains", "maxContains", "prefixItems", "allOf", "anyOf", "oneOf", "not", "if"):
            collector.leave(
                (word,), schema[word], "said of the array of rows, of which size and uniqueness are checked"
            )
    return items, ("items",)


def _columns(schema: Mapping[str, Any], place: Place, collector: Collector) -> None:
    named, required = tuple(schema.get("properties", {})), tuple(schema.get("required", ()))
    closed = schema.get("additionalProperties", schema.get("unevaluatedProperties")) is False
    if closed and not schema.get("patternProperties"):
        word = "additionalProperties" if "additionalProperties" in schema else "unevaluatedProperties"
        collector.add((*place, word), HasColumns(named, exactly=True))
    elif required:
        collector.add((*place, "required"), HasColumns(required))


class RowReader:
    """Reads what schemas of an object demand, under a condition."""

    def __init__(self, collector: Collector, where: str = "") -> None:
        self._collector, self._where = collector, where

    def read(self, schema: Any, place: Place) -> None:
        """The rules of an object."""
        if schema is False:
            self._collector.add(place, Holds("false"), where=self._where)
        if not isinstance(schema, dict):
            return
        reader = ColumnReader(self._collector, self._where)
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if not is_nullable(properties.get(name)):
                self._collector.add((*place, "required"), NotNull(name), where=self._where)
        for name, part in properties.items():
            reader.read(name, part, (*place, "properties", name))
        self._dependent(schema, place)
        self._combined(schema, place)
        self._rest(schema, place)

    def _under(self, condition: str) -> "RowReader":
        return RowReader(self._collector, all_of([self._where, condition]))

    def _dependent(self, schema: Mapping[str, Any], place: Place) -> None:
        for word in ("dependentRequired", "dependentSchemas", "dependencies"):
            for name, wanted in schema.get(word, {}).items():
                part = {"required": wanted} if isinstance(wanted, list) else wanted
                self._under(f"{quoted(name)} is not null").read(part, (*place, word, name))

    def _combined(self, schema: Mapping[str, Any], place: Place) -> None:
        for number, part in enumerate(schema.get("allOf", [])):
            self.read(part, (*place, "allOf", number))
        for word in ("anyOf", "oneOf", "not"):
            if word in schema:
                self._holds({word: schema[word]}, (*place, word))
        if "if" in schema:
            try:
                condition = row_condition(schema["if"]) or "true"
            except NotSaid as word:
                self._collector.leave((*place, "if"), schema["if"], f"SQL cannot say this condition, because of {word}")
                return
            self._under(condition).read(schema.get("then", True), (*place, "then"))
            self._under(f"not ({condition})").read(schema.get("else", True), (*place, "else"))

    def _holds(self, schema: Any, place: Place) -> None:
        try:
            condition = row_condition(schema)
        except NotSaid as word:
            self._collector.leave(place, schema, f"SQL cannot say it of a row, because of {word}")
            return
        if condition:
            self._collector.add(place, Holds(condition), where=self._where, name=f"{place[-1]}_holds")

    def _rest(self, schema: Mapping[str, Any], place: Place) -> None:
        for word, value in schema.items():
            if word == "additionalProperties" and isinstance(value, dict) and value:
                self._collector.leave((*place, word), value, "columns that are not named are not judged; name them")
            elif word in ("patternProperties", "propertyNames", "minProperties", "maxProperties") and value:
                self._collector.leave((*place, word), value, "columns are judged by name; name them in properties")
            elif word not in _WORDS and word not in OWN and not word.startswith("x-"):
                reason = f"a word that JSON Schema does not have for objects{did_you_mean(word, _WORDS)}"
                self._collector.leave((*place, word), {word: value}, reason)


def shortened_words(schema: object) -> str:
    """What a schema that is none of rows says, by its words."""
    return f"a schema with {', '.join(schema) or 'nothing'}" if isinstance(schema, dict) else str(schema)
