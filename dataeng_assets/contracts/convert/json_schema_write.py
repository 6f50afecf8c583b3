"""From a suite to a JSON Schema, 2020-12, of one row. Read again, it says the same of what it could say."""

import json
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Format,
    HasColumns,
    IsNull,
    JsonSchema,
    Length,
    Matches,
    Measure,
    MultipleOf,
    NotNull,
    OfType,
    OneOf,
)
from dataeng_assets.contracts.checks.rule import NONE, NotExecuted, Rule, Severity, Suite, SuiteColumn
from dataeng_assets.contracts.convert.column_types import logical_of
from dataeng_assets.contracts.convert.json_schema_columns import NESTED
from dataeng_assets.contracts.convert.written import Written, about, is_firm, softness, unsaid

_FORM = "JSON Schema"
_FORMATS = {"uuid", "email", "date", "time", "date-time", "duration", "hostname", "ipv4", "ipv6", "uri"}
_TEMPORAL = {"date": "date", "timestamp": "date-time", "time": "time"}
_PRESENT = re.compile(r'"((?:[^"]|"")+)" is not null')


def json_schema_text(suite: Suite) -> Written:
    """The schema of a row, and what it could not say."""
    writer = _Writer(suite)
    for rule in suite.rules:
        writer.rule(rule)
    return Written(json.dumps(writer.document(), indent=2, ensure_ascii=False) + "\n", tuple(writer.unsaid()))


class _Writer:
    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._columns = {column.name: column for column in suite.columns}
        self._said: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._required: list[str] = []
        self._dependent: dict[str, list[str]] = {}
        self._closed = False
        self._unsaid: list[NotExecuted] = []
        self._never_null = {
            rule.check.column for rule in suite.rules if isinstance(rule.check, NotNull) and is_firm(rule)
        }

    def rule(self, rule: Rule) -> None:
        """Say a rule, or note that it cannot be said."""
        depends = _PRESENT.fullmatch(rule.where)
        if depends and isinstance(rule.check, NotNull) and rule.bounds == NONE and rule.severity is Severity.ERROR:
            self._dependent.setdefault(depends[1].replace('""', '"'), []).append(rule.check.column)
        elif not is_firm(rule):
            reason = (
                "a JSON Schema judges rows one by one" if isinstance(rule.check, Measure) else softness(rule, _FORM)
            )
            self._unsaid.append(unsaid(rule, reason))
        elif not self._whole(rule.check):
            words = _words(rule.check)
            if words is None:
                self._unsaid.append(unsaid(rule, "a JSON Schema has no word for it"))
            else:
                self._said[rule.check.column].append(words)  # type: ignore[union-attr]  # _words is of checks of a column

    def _whole(self, check: Check) -> bool:
        """What is said beside the properties."""
        match check:
            case NotNull(also_missing=()):
                self._required.append(check.column)
            case HasColumns(ordered=False):
                for name in check.columns:
                    self._columns.setdefault(name, SuiteColumn(name))
                if check.exactly:
                    self._closed = True
                else:
                    self._required += check.columns
            case OfType(physical=None, nullable=None) if check.logical:
                column = self._columns.get(check.column, SuiteColumn(check.column))
                self._columns[check.column] = (
                    column
                    if column.logical
                    else SuiteColumn(
                        check.column,
                        check.logical,
                        column.physical,
                        column.nullable,
                        column.personal,
                        column.description,
                    )
                )
            case OfType(physical=str()):
                return self._has_logical(check.column)
            case _:
                return False
        return True

    def _has_logical(self, name: str) -> bool:
        """An exact type is said as the logical type of its column, and that it was exact is noted once."""
        self._unsaid.append(NotExecuted(name, f"{name} has an exact type", "JSON Schema knows no width or precision"))
        return True

    def document(self) -> dict[str, Any]:
        """The schema."""
        suite = self._suite
        for name in (*self._said, *self._required):
            self._columns.setdefault(name, SuiteColumn(name))
        head = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": suite.id if suite.id and suite.id != suite.name else None,
            "title": suite.name,
            "description": suite.description,
            "x-version": suite.version,
            "x-owner": suite.owner,
            "x-key": list(suite.key),
            "type": "object",
            "properties": {name: self._property(column) for name, column in self._columns.items()},
            "required": list(dict.fromkeys(self._required)),
            "dependentRequired": self._dependent,
        }
        said = {word: value for word, value in head.items() if value or word == "properties"}
        return {**said, "additionalProperties": False} if self._closed else said

    def _property(self, column: SuiteColumn) -> dict[str, Any]:
        is_null = {"type": "null"} in self._said[column.name]
        is_nullable = column.name not in self._never_null
        head: dict[str, Any] = {"description": column.description} if column.description else {}
        if column.personal:
            head["x-personal"] = True
        parts = [dict(part) for part in self._said[column.name]]
        nested = [part.pop("nested") for part in parts if "nested" in part]
        kind = {} if is_null or nested else self._type(column, is_nullable=is_nullable)
        whole: dict[str, Any] = {**head, **kind}
        for part in filter(None, parts):
            if is_nullable and "enum" in part:
                part["enum"] = [*part["enum"], None]
            if set(part) & set(whole) - {"type"}:
                whole.setdefault("allOf", []).append(part)
            else:
                whole |= part
        for schema in nested:
            whole |= {"anyOf": [schema, {"type": "null"}]} if is_nullable else schema
        return whole

    def _type(self, column: SuiteColumn, *, is_nullable: bool) -> dict[str, Any]:
        logical = logical_of(column)
        if not logical:
            return {"nullable": True} if is_nullable and column.name in self._required else {}
        name = "string" if logical in _TEMPORAL else logical
        said: dict[str, Any] = {"type": [name, "null"] if is_nullable else name}
        if logical in _TEMPORAL and not any("format" in part for part in self._said[column.name]):
            said["format"] = _TEMPORAL[logical]
        return said

    def unsaid(self) -> list[NotExecuted]:
        """What could not be said."""
        return [*dict.fromkeys(self._unsaid), *about(self._suite, _FORM)]


def _words(check: Check) -> dict[str, Any] | None:
    """The words of a check for its property; None when there are none."""
    match check:
        case IsNull():
            return {"type": "null"}
        case OneOf():
            values = [_plain(value) for value in check.values]
            return {"not": {"enum": values}} if check.negated else {"enum": values}
        case Between():
            return _range(check)
        case MultipleOf():
            return {"multipleOf": _plain(check.divisor)}
        case Length():
            bounds = {"minLength": check.minimum, "maxLength": check.maximum}
            return {word: value for word, value in bounds.items() if value is not None}
        case Matches():
            return _patterns(check)
        case Format() if check.format in _FORMATS:
            return {"format": check.format}
        case JsonSchema():
            schema = json.loads(check.schema)
            return {"nested": schema} if isinstance(schema, dict) and NESTED & set(schema) else None
    return None


def _range(check: Between) -> dict[str, Any] | None:
    if not all(isinstance(bound, int | float | Decimal | None) for bound in (check.minimum, check.maximum)):
        return None
    said = {
        "exclusiveMinimum" if check.minimum_open else "minimum": check.minimum,
        "exclusiveMaximum" if check.maximum_open else "maximum": check.maximum,
    }
    return {word: _plain(value) for word, value in said.items() if value is not None}


def _patterns(check: Matches) -> dict[str, Any]:
    said: list[dict[str, Any]] = [
        {"not": {"pattern": one}} if check.negated else {"pattern": one} for one in check.patterns
    ]
    if len(said) == 1:
        return said[0]
    if check.any_of and not check.negated:
        return {"pattern": "|".join(f"(?:{one})" for one in check.patterns)}
    return {"allOf": said}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value
