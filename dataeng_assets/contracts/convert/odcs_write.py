"""From suites to one ODCS 3.2 document: the reverse of `odcs_read`, the order of rules aside, which means nothing.

How one rule is written belongs in `odcs_write_rules`; what this platform adds to its own contracts in `write`.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataeng_assets.contracts.checks.consistent import named_columns
from dataeng_assets.contracts.checks.implied import implied_rules
from dataeng_assets.contracts.checks.kinds import Measure, Metric, References
from dataeng_assets.contracts.checks.naming import derived_name
from dataeng_assets.contracts.checks.rule import Bounds, Consumer, Quarantine, Rule, Suite, SuiteColumn
from dataeng_assets.contracts.convert.odcs_quality import REASON
from dataeng_assets.contracts.convert.odcs_read import TOPIC
from dataeng_assets.contracts.convert.odcs_sla import PROMISE, hours_of
from dataeng_assets.contracts.convert.odcs_words import words_of
from dataeng_assets.contracts.convert.odcs_write_rules import entry, own_words
from dataeng_assets.contracts.yaml_text import yaml_text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNITS = (("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Written:
    """One table as a document says it.

    Attributes:
        table: the object below `schema`.
        sla: what stands below `slaProperties` about it.
    """

    table: dict[str, Any]
    sla: list[dict[str, Any]]


def odcs_text(suites: Sequence[Suite], *, status: str = "active") -> str:
    """The document of suites; what `read_odcs` makes of it are the suites.

    Args:
        suites: of one contract.
        status: in ODCS' words, such as draft or active.

    Raises:
        ValueError: there is none, or they are not of one contract.
    """
    if not suites:
        raise ValueError("a document needs at least one table")
    heads = {(suite.id or suite.name, suite.version, suite.owner) for suite in suites}
    if len(heads) > 1:
        raise ValueError("one document is one contract: its tables share id, version and owner")
    ((name, version, owner),) = heads
    tables = [suite.name for suite in suites]
    written = [written_table(suite, tables) for suite in suites]
    document: dict[str, Any] = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": name,
        "version": version or "0.0.0",
        "status": status,
        "team": {"name": owner} if owner else None,
        "slaProperties": [sla for one in written for sla in one.sla],
        "schema": [one.table for one in written],
    }
    return yaml_text({key: value for key, value in document.items() if value})


def written_table(
    suite: Suite, tables: Sequence[str] = (), *, latency: float | None = None, physical: str = ""
) -> Written:
    """One table of a document.

    Args:
        suite: what is demanded of it.
        tables: all tables of the document.
        latency: seconds; when given, only a freshness of this length is written as a promise.
        physical: what kind of table it is, such as topic, whose key may repeat; empty when nothing is known.
    """
    implied = {rule.name: rule for rule in implied_rules(suite.columns, () if physical == TOPIC else suite.key)}
    rules = [rule for rule in suite.rules if implied.get(rule.name) != rule]
    properties = {column.name: _property(suite, column) for column in suite.columns}
    table: dict[str, Any] = {
        "name": suite.name,
        "physicalType": physical,
        "logicalType": "object",
        "description": suite.description,
    }
    sla, entries, relations = _promises(suite, tables), list[dict[str, Any]](), list[dict[str, Any]]()
    for rule in rules:
        found = named_columns(rule.check)
        column = _column(suite, found[0]) if len(set(found)) == 1 else None
        promise = _promise(rule, suite.name, latency)
        if promise:
            sla.append(promise)
            latency = -1 if latency is not None else None  # once
        elif column and _take(properties[column.name], own_words(rule, column, _read_before(suite, column, implied))):
            continue
        elif relation := _relation(rule, suite.name):
            relations.append(relation)
        elif column:
            properties[column.name].setdefault("quality", []).append(entry(rule, column))
        else:
            entries.append(entry(rule, None))
    entries += [_text(left.said, left.reason) for left in suite.not_executed if left.reason != PROMISE]
    table["customProperties"] = _custom(suite, [name for name, rule in implied.items() if rule not in suite.rules])
    table["properties"] = [_sorted(said) for said in properties.values()]
    table |= {"relationships": relations, "quality": entries}
    return Written({key: value for key, value in table.items() if value}, sla)


def _read_before(suite: Suite, column: SuiteColumn, implied: Container[str]) -> set[str]:
    """Names of the rules that are read before those of a column: what is implied, and the columns before it."""
    earlier = {one.name for one in suite.columns[: suite.columns.index(column)]}
    found = ((rule.name, set(named_columns(rule.check))) for rule in suite.rules)
    return {name for name, columns in found if name in implied or (columns and columns <= earlier)}


def latency_of(seconds: float) -> dict[str, Any]:
    """Value and unit of an age."""
    for unit, length in _UNITS:
        if seconds % length == 0:
            return {"property": "latency", "value": int(seconds // length), "unit": unit}
    return {"property": "latency", "value": seconds, "unit": "s"}


def is_declared_key(suite: Suite) -> bool:
    """Whether `primaryKey` says the key: its columns are known, and hold a value in every row."""
    known = {column.name: column for column in suite.columns}
    return all(name in known and not known[name].nullable for name in suite.key)


def _column(suite: Suite, name: str) -> SuiteColumn | None:
    return next((column for column in suite.columns if column.name == name), None)


def _property(suite: Suite, column: SuiteColumn) -> dict[str, Any]:
    in_key = column.name in suite.key and is_declared_key(suite)
    said = {
        "name": column.name,
        "logicalType": column.logical,
        "physicalType": column.physical,
        "required": not column.nullable,
        "primaryKey": in_key,
        "primaryKeyPosition": suite.key.index(column.name) + 1 if in_key and len(suite.key) > 1 else None,
        "classification": "personal" if column.personal else None,
        "description": column.description,
    }
    return {key: value for key, value in said.items() if value}


_ORDER = (
    "name", "logicalType", "physicalType", "required", "unique", "primaryKey", "primaryKeyPosition", "classification",
    "tags", "description", "enum", "items", "logicalTypeOptions", "relationships", "quality",
)  # fmt: skip


def _sorted(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: said[key] for key in _ORDER if key in said}


def _take(said: dict[str, Any], words: Mapping[str, Any]) -> bool:
    """Add a column's own words where they are still free."""
    if not words:
        return False
    ((word, value),) = words.items()
    if word == "relationships":
        said.setdefault(word, []).extend(value)
        return True
    if word == "logicalTypeOptions":
        options = said.setdefault(word, {})
        if set(options) & set(value):
            return False
        options |= value
        return True
    return said.setdefault(word, value) is value


def _relation(rule: Rule, table: str) -> dict[str, Any] | None:
    check = rule.check
    if not isinstance(check, References) or len(check.columns) < 2:
        return None
    relation = {
        "from": [f"{table}.{name}" for name in check.columns],
        "to": [f"{check.table}.{name}" for name in check.to],
    }
    simple = all(all(map(_NAME.fullmatch, text.split("."))) for texts in relation.values() for text in texts)
    is_plain = rule == Rule(References(check.columns, check.table, check.to), derived_name(check))
    return relation if simple and is_plain and "." not in table else None


def _promise(rule: Rule, table: str, latency: float | None) -> dict[str, Any] | None:
    """A freshness as the standard says it, when that says all of it."""
    check, hours = rule.check, rule.bounds.upper
    if not isinstance(check, Measure) or check.metric is not Metric.HOURS_OLD or not isinstance(hours, int | float):
        return None
    plain = Rule(Measure(Metric.HOURS_OLD, check.column), derived_name(check), Bounds(upper=hours))
    said = latency_of(round(hours * 3600, 6))
    seconds = said["value"] * dict(_UNITS)[said["unit"]]
    same = hours > 0 and repr(hours_of(seconds)) == repr(hours) and (latency is None or latency == seconds)
    names = _NAME.fullmatch(check.column) and _NAME.fullmatch(table)
    told = {"description": rule.description} if rule.description else {}
    if not names or not same or Rule(**{**vars(rule), "description": ""}) != plain:
        return None
    return {**said, "element": f"{table}.{check.column}", **told}


def _promises(suite: Suite, tables: Sequence[str]) -> list[dict[str, Any]]:
    said = []
    for name, words in suite.sla.items():
        number = re.fullmatch(r"(\d{1,9}) ([A-Za-z%]+)", words)
        value = {"value": int(number[1]), "unit": number[2]} if number else {"value": words}
        said.append({"property": name, **value, **({"element": suite.name} if len(tables) > 1 else {})})
    return said


def _text(said: str, reason: str) -> dict[str, Any]:
    return {"type": "text", "description": said, "customProperties": [{"property": REASON, "value": reason}]}


def _custom(suite: Suite, not_demanded: list[str]) -> list[dict[str, Any]]:
    said = {
        "key": [] if is_declared_key(suite) else list(suite.key),
        "quarantine": suite.quarantine and _quarantine(suite.quarantine),
        "consumers": [_consumer(consumer) for consumer in suite.consumers],
        "notDemanded": not_demanded,
    }
    return [{"property": name, "value": value} for name, value in said.items() if value]


def _quarantine(quarantine: Quarantine) -> Any:
    limit = quarantine.limit
    if quarantine == Quarantine():
        return True
    unit = {"unit": limit.unit.value}
    if limit == Bounds(upper=limit.upper, unit=limit.unit) and isinstance(limit.upper, int | float):
        return {"limit": limit.upper, **unit}
    return {**words_of(limit, counts_failures=True), **unit}


def _consumer(consumer: Consumer) -> dict[str, Any]:
    said = {"name": consumer.name, "columns": list(consumer.columns), "contact": consumer.contact}
    return {key: value for key, value in said.items() if value}
