"""From a contract to its ODCS 3 document: the reverse of `load`."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from dataeng_assets.contracts.model import AcceptedValues, Column, Contract, EventTime, NotNull, Range, Rule, Unique
from dataeng_assets.contracts.types import ColumnType
from dataeng_assets.contracts.yaml_text import yaml_text

_LOGICAL = {
    "integer": "integer",
    "float": "number",
    "decimal": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "list": "array",
}
_LOGICAL_TEXT = {
    "json": "object",
    "jsonb": "object",
    "time without time zone": "time",
    "time with time zone": "time",
}
# In this order `load` reads them; a rule that comes after its turn is written as `quality`.
_TURNS: tuple[type[Rule], ...] = (NotNull, Unique, AcceptedValues, Range)


def contract_yaml(contract: Contract, *, status: str = "active", limitations: str = "") -> str:
    """The document of a contract. What `load_contract` makes of it equals the contract, its path aside.

    Args:
        contract: what to write.
        status: in ODCS' words, such as draft or active.
        limitations: what a reader should beware of.
    """
    document: dict[str, Any] = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": contract.id,
        "name": contract.name.replace("_", " ").strip().capitalize() or contract.name,
        "version": contract.version,
        "status": status,
        "domain": contract.domain,
        "tags": list(contract.tags),
        "team": {"name": contract.owner},
        "description": {"limitations": limitations},
        "slaProperties": list(_sla(contract.freshness)),
        "schema": [_table(contract)],
    }
    if not limitations:
        del document["description"]
    return yaml_text({name: value for name, value in document.items() if value != []})


def _table(contract: Contract) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": contract.name,
        "physicalType": "topic" if contract.event_time else "table",
        "logicalType": "object",
        "description": contract.description,
    }
    if contract.event_time:
        table["customProperties"] = _event_time(contract.event_time)
    table["properties"] = [_column(column, contract.key) for column in contract.columns]
    return table


def _column(column: Column, key: Sequence[str]) -> dict[str, Any]:
    direct, late = _rules(column)
    said: dict[str, Any] = {
        "name": column.name,
        "logicalType": _logical(column.type),
        "physicalType": column.physical,
        "required": NotNull() in direct,
        "unique": Unique() in direct,
        "primaryKey": column.name in key,
        "primaryKeyPosition": key.index(column.name) + 1 if len(key) > 1 and column.name in key else None,
        "classification": "personal" if column.personal else None,
        "tags": list(column.tags),
        "description": column.description,
        "enum": [{"value": value} for rule in direct if isinstance(rule, AcceptedValues) for value in rule.values],
        "logicalTypeOptions": next((_bounds(rule) for rule in direct if isinstance(rule, Range)), None),
        "quality": [_quality(rule) for rule in late],
    }
    return {name: value for name, value in said.items() if value}


def _rules(column: Column) -> tuple[list[Rule], list[Rule]]:
    """The rules that have a word of their own in ODCS, and those after their turn."""
    direct: list[Rule] = []
    rules = list(column.rules)
    for kind in _TURNS:
        is_required = kind is not NotNull or not column.nullable
        if rules and isinstance(rules[0], kind) and is_required:
            direct.append(rules.pop(0))
    return direct, rules


def _quality(rule: Rule) -> dict[str, Any]:
    match rule:
        case NotNull():
            return {"metric": "nullValues", "mustBe": 0}
        case Unique():
            return {"metric": "duplicateValues", "mustBe": 0}
        case AcceptedValues(values):
            arguments: dict[str, Any] = {"validValues": list(values)}
        case Range():
            arguments = _bounds(rule)
    return {"metric": "invalidValues", "arguments": arguments, "mustBe": 0}


def _bounds(rule: Range) -> dict[str, Any]:
    bounds = {"minimum": rule.minimum, "maximum": rule.maximum}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _logical(kind: ColumnType) -> str:
    return _LOGICAL_TEXT.get(kind.kind) or _LOGICAL.get(kind.family, "string")


def _sla(freshness: timedelta | None) -> Iterator[dict[str, Any]]:
    if freshness is None:
        return
    seconds = freshness.total_seconds()
    for unit, length in (("h", 3600), ("min", 60), ("s", 1)):
        if seconds % length == 0 or unit == "s":
            value = seconds / length
            yield {"property": "latency", "value": int(value) if value.is_integer() else value, "unit": unit}
            return


def _event_time(time: EventTime) -> list[dict[str, str]]:
    said = {"eventTime": time.column, "lateAfter": _duration(time.late_after), "maxAhead": _duration(time.max_ahead)}
    return [{"property": name, "value": value} for name, value in said.items()]


def _duration(length: timedelta) -> str:
    """ISO 8601, such as P1D, PT10M or PT0S."""
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{length.microseconds:06}".rstrip("0") if length.microseconds else ""
    parts = ((hours, f"{hours}H"), (minutes, f"{minutes}M"), (seconds or fraction, f"{seconds}{fraction}S"))
    days, time = f"{length.days}D" if length.days else "", "".join(text for value, text in parts if value)
    return f"P{days}{'T' if time else ''}{time}" if days or time else "PT0S"
