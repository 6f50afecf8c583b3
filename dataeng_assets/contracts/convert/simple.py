"""The simple form of a contract, in YAML or JSON: `contract`, `schema.properties`, `sla` and `consumers`.

A word that is not known is refused: the form is the project's own, so it is a mistake.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from dataeng_assets.contracts.checks.formats import FORMATS
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Format,
    HasColumns,
    Length,
    Literal,
    Matches,
    Measure,
    Metric,
    NotNull,
    Nulls,
    OfType,
    OneOf,
    Unique,
)
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Consumer, Suite, SuiteColumn, Unit
from dataeng_assets.contracts.convert.collect import Collector
from dataeng_assets.contracts.convert.patterns import PatternRefused, re2
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place, Plain, plain_of

EXPECTED = "a simple contract: a mapping with contract, schema.properties, sla, consumers"
TYPES = {
    "string": "string", "text": "string", "varchar": "string", "uuid": "string", "integer": "integer", "int": "integer",
    "bigint": "integer", "smallint": "integer", "number": "number", "decimal": "number", "numeric": "number",
    "float": "number", "double": "number", "boolean": "boolean", "bool": "boolean", "date": "date",
    "timestamp": "timestamp", "datetime": "timestamp", "time": "time", "object": "object", "array": "array",
}  # fmt: skip
"""What may stand as a type, and what it is in the words of ODCS."""
_COLUMN = [
    "type", "not_null", "unique", "precision", "scale", "minimum", "maximum", "enum", "format", "pattern", "min_length",
    "max_length", "description", "personal",
]  # fmt: skip
_LATEST = (
    "updated_at",
    "modified_at",
    "last_updated",
    "loaded_at",
    "ingested_at",
    "event_time",
    "timestamp",
    "created_at",
)


def read_simple(given: Path | Mapping[str, Any] | Plain) -> tuple[Suite, ...]:
    """The suite of a simple contract.

    Raises:
        ContractError: a word is not known, a value is not what its word takes, or the document contradicts itself.
    """
    plain = plain_of(given, EXPECTED, lambda data: isinstance(data, dict) and "contract" in data)
    _known(plain, plain.data, (), ["consumers", "contract", "schema", "sla"])
    head = plain.data["contract"]
    about = {"name": head} if isinstance(head, str) else head
    if not isinstance(about, dict) or not isinstance(about.get("name"), str) or not about["name"]:
        raise plain.error(("contract",), head, "a name, or a mapping with name, version, owner, description")
    _known(plain, about, ("contract",), ["description", "name", "owner", "version"])
    schema = _mapping(plain, plain.data.get("schema"), ("schema",))
    _known(plain, schema, ("schema",), ["description", "properties"])
    reader = _Reader(plain)
    properties = _mapping(plain, schema.get("properties"), ("schema", "properties"))
    if not properties:
        raise plain.error(("schema", "properties"), None, "at least one column")
    reader.columns(properties)
    reader.sla(_mapping(plain, plain.data.get("sla") or {}, ("sla",)))
    return (
        Suite(
            name=about["name"],
            id=about["name"],
            version=str(about.get("version", "")),
            owner=str(about.get("owner", "")),
            description=str(about.get("description", schema.get("description", ""))),
            columns=tuple(reader.known.values()),
            rules=tuple(reader.collector.rules),
            key=next(((name,) for name in reader.unique if not reader.known[name].nullable), ()),
            not_executed=tuple(reader.collector.left),
            consumers=_consumers(plain),
        ),
    )


class _Reader:
    def __init__(self, plain: Plain) -> None:
        self._plain = plain
        self.collector = Collector(plain)
        self.known: dict[str, SuiteColumn] = {}
        self._may_be_empty: set[str] = set()
        self.unique: list[str] = []

    def columns(self, properties: Mapping[str, Any]) -> None:
        """The rules of all columns."""
        at: Place = ("schema", "properties")
        for name in properties:
            if not isinstance(name, str):
                raise self._plain.error(
                    (*at, str(name)), f"a column named {name!r}", "a text; write the name in quotes"
                )
        self.collector.add(at, HasColumns(tuple(properties)))
        for name, said in properties.items():
            self._column(name, _mapping(self._plain, said, (*at, name)), (*at, name))

    def _column(self, name: str, said: Mapping[str, Any], at: Place) -> None:
        _known(self._plain, said, at, _COLUMN)
        for word in ("not_null", "unique", "personal"):
            _of(self._plain, said, word, at, bool, "true or false")
        logical, physical = self._type(name, said, at)
        is_required = said.get("not_null") is True
        self.known[name] = SuiteColumn(
            name, logical, physical, not is_required, said.get("personal") is True, str(said.get("description", ""))
        )
        if is_required:
            self.collector.add((*at, "not_null"), NotNull(name))
        elif "not_null" in said:
            self._may_be_empty.add(name)
        if said.get("unique"):
            self.unique.append(name)
        self._values(name, said, at)

    def _type(self, name: str, said: Mapping[str, Any], at: Place) -> tuple[str, str]:
        word = said.get("type")
        if word is None:
            return "", ""
        if word not in TYPES:
            raise self._plain.error(
                (*at, "type"), word, f"one of {', '.join(TYPES)}{did_you_mean(str(word), list(TYPES))}"
            )
        precision = _of(self._plain, said, "precision", at, int, "a whole number")
        scale = _of(self._plain, said, "scale", at, int, "a whole number")
        if scale is not None and precision is None:
            raise self._plain.error((*at, "scale"), scale, "a precision beside the scale")
        physical = ""
        if precision is not None:
            if TYPES[word] != "number" or not 0 <= (scale or 0) <= precision or not precision:
                found = f"precision {precision}, scale {scale or 0} for {word}"
                raise self._plain.error(
                    (*at, "precision"), found, "a precision from 1 and a scale up to it, for decimal"
                )
            physical = f"numeric({precision},{scale or 0})"
        if word == "uuid":
            self.collector.add((*at, "type"), Format(name, "uuid"))
        else:
            self.collector.add((*at, "type"), OfType(name, logical=TYPES[word], physical=physical or None))
        return TYPES[word], physical

    def _values(self, name: str, said: Mapping[str, Any], at: Place) -> None:
        low, high = said.get("minimum"), said.get("maximum")
        self._ordered(low, high, (*at, "minimum"))
        if low is not None or high is not None:
            self.collector.add((*at, "minimum" if low is not None else "maximum"), Between(name, low, high))
        few = _of(self._plain, said, "min_length", at, int, "a whole number")
        many = _of(self._plain, said, "max_length", at, int, "a whole number")
        self._ordered(few, many, (*at, "min_length"))
        if few is not None or many is not None:
            self.collector.add((*at, "min_length" if few is not None else "max_length"), Length(name, few, many))
        if "enum" in said:
            self.collector.add((*at, "enum"), OneOf(name, _literals(self._plain, said["enum"], (*at, "enum"))))
        if "format" in said:
            form = said["format"]
            if not isinstance(form, str) or (form not in FORMATS and "%" not in form):
                hint = did_you_mean(str(form), list(FORMATS))
                raise self._plain.error(
                    (*at, "format"), form, f"one of {', '.join(FORMATS)}, or a strftime pattern{hint}"
                )
            self.collector.add((*at, "format"), Format(name, form))
        if "pattern" in said:
            self._pattern(name, said, (*at, "pattern"))

    def _pattern(self, name: str, said: Mapping[str, Any], at: Place) -> None:
        _of(self._plain, said, "pattern", at[:-1], str, "a regular expression")
        try:
            self.collector.add(at, Matches(name, (re2(said["pattern"]),)))
        except PatternRefused as refused:
            self.collector.leave(at, said["pattern"], str(refused))

    def _ordered(self, low: Any, high: Any, at: Place) -> None:
        for bound in (low, high):
            if isinstance(bound, dict | list | bool):
                raise self._plain.error(at, bound, "a number, a date or a text")
        try:
            is_wrong = low is not None and high is not None and low > high
        except TypeError:
            raise self._plain.error(at, f"{low!r} to {high!r}", "two bounds of one kind") from None
        if is_wrong:
            raise self._plain.error(at, f"{low} to {high}", "bounds between which a value lies")

    def sla(self, sla: Mapping[str, Any]) -> None:
        """What is promised of the table as a whole; without `sla`, unique columns are still unique."""
        _known(self._plain, sla, ("sla",), ["accuracy", "completeness", "freshness"])
        self._freshness(sla)
        self._completeness(sla)
        self._accuracy(sla)

    def _freshness(self, sla: Mapping[str, Any]) -> None:
        at: Place = ("sla", "freshness")
        said = _mapping(self._plain, sla.get("freshness", {}), at)
        _known(self._plain, said, at, ["column", "max_delay_hours"])
        hours = self._number(said, "max_delay_hours", at)
        if hours is None:
            return
        column = said.get("column") or self._clock()
        if column is None:
            reason = "no column says when a row is from; name one as sla.freshness.column"
            self.collector.leave((*at, "max_delay_hours"), f"at most {hours} hours", reason)
            return
        if column not in self.known:
            hint = did_you_mean(str(column), list(self.known))
            raise self._plain.error((*at, "column"), column, f"a column of the schema{hint}")
        bounds, at = Bounds(upper=hours), (*at, "max_delay_hours")
        self.collector.add(
            at, Measure(Metric.HOURS_OLD, column), bounds=bounds, name="freshness", dimension="timeliness"
        )

    def _clock(self) -> str | None:
        """The only column that holds times, else the one that is usually the latest."""
        times = [name for name, column in self.known.items() if column.logical in ("timestamp", "date")]
        times = [name for name in times if self.known[name].logical == "timestamp"] or times
        return times[0] if len(times) == 1 else next((name for name in _LATEST if name in times), None)

    def _completeness(self, sla: Mapping[str, Any]) -> None:
        at: Place = ("sla", "completeness")
        said = _mapping(self._plain, sla.get("completeness", {}), at)
        _known(self._plain, said, at, ["min_percentage"])
        least = self._number(said, "min_percentage", at, most=100)
        if least is None:
            return
        share = 1 - Decimal(str(least)) / 100
        for name, column in self.known.items():
            if column.nullable and name not in self._may_be_empty:
                measure = Measure(Metric.NULL_SHARE, name)
                bounds = Bounds(upper=share)
                self.collector.add((*at, "min_percentage"), measure, bounds=bounds, dimension="completeness")

    def _accuracy(self, sla: Mapping[str, Any]) -> None:
        at: Place = ("sla", "accuracy")
        said = _mapping(self._plain, sla.get("accuracy", {}), at)
        _known(self._plain, said, at, ["duplicate_tolerance"])
        tolerated = self._number(said, "duplicate_tolerance", at, most=1)
        bounds = Bounds(upper=Decimal(str(tolerated)) * 100, unit=Unit.PERCENT) if tolerated else NONE
        for name in self.unique:
            self.collector.add(("schema", "properties", name, "unique"), Unique((name,)), bounds=bounds)
        if tolerated is not None and not self.unique:
            whole = Unique(tuple(self.known), Nulls.EQUAL)
            self.collector.add((*at, "duplicate_tolerance"), whole, bounds=bounds, name="rows_unique")

    def _number(self, said: Mapping[str, Any], word: str, at: Place, most: float = float("inf")) -> int | float | None:
        """The number under the only word that its mapping must have; None when there is no mapping."""
        if not said:
            return None
        value = said.get(word)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
            return value
        raise self._plain.error((*at, word), value, f"a number from 0{f' to {most}' if most < 1e9 else ''}")


def _consumers(plain: Plain) -> tuple[Consumer, ...]:
    said = plain.data.get("consumers") or []
    if not isinstance(said, list):
        raise plain.error(("consumers",), said, "a list of names, or of mappings with name, columns, contact")
    found = []
    for number, one in enumerate(said):
        at: Place = ("consumers", number)
        about: Mapping[str, Any] = {"name": one} if isinstance(one, str) else _mapping(plain, one, at)
        _known(plain, about, at, ["columns", "contact", "name"])
        if not isinstance(about.get("name"), str):
            raise plain.error((*at, "name"), about.get("name"), "the consumer's name")
        columns: list[str] = about.get("columns", [])
        unknown = [name for name in columns if name not in plain.data["schema"]["properties"]]
        if unknown:
            raise plain.error((*at, "columns"), str(unknown[0]), "columns of the schema")
        found.append(Consumer(about["name"], tuple(columns), str(about.get("contact", ""))))
    return tuple(found)


def _literals(plain: Plain, values: Any, at: Place) -> tuple[Literal, ...]:
    if not isinstance(values, list) or not values or any(isinstance(one, dict | list | None) for one in values):
        raise plain.error(at, values, "a list of texts, numbers, booleans or dates")
    return tuple(values)


def _known(plain: Plain, said: Mapping[str, Any], at: Place, words: list[str]) -> None:
    for word in said:
        if word not in words:
            hint = did_you_mean(str(word), words)
            raise plain.error((*at, str(word)), f"an unknown word {word!r}", f"{', '.join(words)}{hint}")


def _mapping(plain: Plain, said: Any, at: Place) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise plain.error(at, said, "a mapping")
    return said


def _of(plain: Plain, said: Mapping[str, Any], word: str, at: Place, kind: type, allowed: str) -> Any:
    value = said.get(word)
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise plain.error((*at, word), value, allowed)
    return value
