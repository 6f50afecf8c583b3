"""From a suite to an Avro schema of one record. Avro says names, types and whether a value may be missing; no more."""

import json
import re
from typing import Any

from dataeng_assets.contracts.checks.kinds import HasColumns, NotNull, OfType
from dataeng_assets.contracts.checks.rule import NotExecuted, Suite, SuiteColumn
from dataeng_assets.contracts.convert.column_types import Kind, kind_of
from dataeng_assets.contracts.convert.written import Written, about, is_firm, unsaid

_FORM = "Avro"
_TYPES: dict[str, Any] = {
    "tinyint": "int",
    "smallint": "int",
    "integer": "int",
    "bigint": "long",
    "number": "double",
    "real": "float",
    "double": "double",
    "boolean": "boolean",
    "bytes": "bytes",
    "date": {"type": "int", "logicalType": "date"},
    "time": {"type": "long", "logicalType": "time-micros"},
    "timestamp": {"type": "long", "logicalType": "local-timestamp-micros"},
    "timestamptz": {"type": "long", "logicalType": "timestamp-micros"},
    "uuid": {"type": "string", "logicalType": "uuid"},
}
_WIDEST = 38


def avro_text(suite: Suite) -> Written:
    """The schema, and what it could not say."""
    missing: list[NotExecuted] = []
    names: dict[str, str] = {}
    fields = []
    required = {rule.check.column for rule in suite.rules if isinstance(rule.check, NotNull) and is_firm(rule)}
    for column in suite.columns:
        name = _legal(column.name, set(names.values()))
        names[column.name] = name
        fields.append(_field(column, name, missing, is_nullable=column.name not in required))
    for rule in suite.rules:
        is_said = isinstance(rule.check, NotNull | HasColumns | OfType) and is_firm(rule)
        if not is_said:
            missing.append(unsaid(rule, "an Avro schema says names, types and what may be missing"))
    record: dict[str, Any] = {"type": "record", "name": _legal(suite.name, set())}
    if suite.description:
        record["doc"] = suite.description
    record["fields"] = fields
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    return Written(text, (*missing, *about(suite, _FORM)))


def _field(column: SuiteColumn, name: str, missing: list[NotExecuted], *, is_nullable: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"name": name}
    if name != column.name:
        said["aliasOf"] = column.name
        missing.append(NotExecuted(column.name, f"the name {column.name}", f"Avro's names are narrower: {name}"))
    if column.description:
        said["doc"] = column.description
    kind = _type(column, kind_of(column), missing)
    said["type"] = ["null", kind] if is_nullable else kind
    if is_nullable:
        said["default"] = None
    if column.personal:
        said["personal"] = True
    return said


def _type(column: SuiteColumn, kind: Kind | None, missing: list[NotExecuted]) -> Any:
    if kind is None:
        missing.append(NotExecuted(column.name, f"{column.name} has no known type", "it is written as a string"))
        return "string"
    if kind.lists:
        inner = Kind(kind.name, kind.precision, kind.scale, kind.length, kind.lists - 1)
        return {"type": "array", "items": _type(column, inner, missing)}
    if kind.name == "hugeint":
        kind = Kind("decimal", _WIDEST)
    if kind.name == "decimal":
        if not kind.precision:
            missing.append(NotExecuted(column.name, f"{column.name} is a decimal of any length", "written as a string"))
            return "string"
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    return _TYPES.get(kind.name, "string")


def _legal(name: str, taken: set[str]) -> str:
    """A name of Avro's: letters, digits and underscores of ASCII, no digit first, each once."""
    made = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
    made = f"_{made}" if made[0].isdigit() else made
    unique, number = made, 1
    while unique in taken:
        number += 1
        unique = f"{made}_{number}"
    return unique
