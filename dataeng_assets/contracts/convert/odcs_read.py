"""Any ODCS 3 document, also one that others wrote, as suites of rules: one for each table or topic in it.

What it says and what cannot be executed stands in the suite, with the reason; nothing is passed over in silence.
`load` reads the documents of this platform, by these same words, and asks for more.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import CustomProperty, SchemaObject, SchemaProperty, Team

from dataeng_assets.contracts.checks.as_mapping import CheckRefused
from dataeng_assets.contracts.checks.implied import implied_rules
from dataeng_assets.contracts.checks.kinds import HasColumns, NotNull, OfType, Unique
from dataeng_assets.contracts.checks.rule import Consumer, Quarantine, Rule, Suite, SuiteColumn, Unit
from dataeng_assets.contracts.convert.odcs_columns import column_name, is_column, read_columns, read_key
from dataeng_assets.contracts.convert.odcs_engines import ENGINES
from dataeng_assets.contracts.convert.odcs_findings import Aside, Findings
from dataeng_assets.contracts.convert.odcs_options import read_property
from dataeng_assets.contracts.convert.odcs_quality import CustomEngine, read_quality
from dataeng_assets.contracts.convert.odcs_relations import read_relations
from dataeng_assets.contracts.convert.odcs_sla import read_sla
from dataeng_assets.contracts.convert.odcs_words import OPERATORS, OUTSIDE, bounds_of, unit_of
from dataeng_assets.contracts.document import Document, read_document
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place

OURS = ("quarantine", "consumers", "notDemanded", "key")
"""Custom properties of a document or table that are understood; `notDemanded` names implied rules not meant."""


TOPIC = "topic"
"""Physical type of a table whose records may be delivered more than once."""


def read_odcs(path: Path, engines: Mapping[str, CustomEngine] = ENGINES) -> tuple[Suite, ...]:
    """The suites of a document, YAML or JSON.

    Args:
        path: the document.
        engines: who reads `type: custom`, by the engine's name in small letters without signs: `greatexpectations`.

    Raises:
        ContractError: with file, line, place, what was found and what is allowed.
    """
    return suites_of(read_document(path), engines)


def suites_of(document: Document, engines: Mapping[str, CustomEngine] = ENGINES) -> tuple[Suite, ...]:
    """The suites of a document that was read.

    Raises:
        ContractError: it is no ODCS 3, has no table, or says something that is broken or contradicts itself.
    """
    odcs = document.odcs
    if not re.fullmatch(r"v3\.\d+\.\d+", odcs.apiVersion or ""):
        raise document.error(("apiVersion",), odcs.apiVersion, "a version of ODCS 3, such as v3.2.0")
    if odcs.kind != "DataContract":
        raise document.error(("kind",), odcs.kind, "DataContract")
    tables = odcs.schema_ or []
    if not tables:
        raise document.error(("schema",), "no table", "at least one table or topic")
    names = [table.name for table in tables]
    for position, table in enumerate(tables):
        if not table.name or not table.name.strip():
            raise document.error(("schema", position, "name"), table.name, "a name")
        if table.name in names[:position]:
            raise document.error(("schema", position, "name"), table.name, "a name that no other table here has")
    return tuple(_suite(document, table, ("schema", i), engines) for i, table in enumerate(tables))


def _suite(document: Document, table: SchemaObject, at: Place, engines: Mapping[str, CustomEngine]) -> Suite:
    odcs = document.odcs
    said = _custom(document, table, at)
    columns = read_columns(document, table, at)
    key = read_key(document, table, at) or _key(document, said)
    findings = Findings(document, columns)
    _implied(findings, table, tuple(columns.values()), key, said)
    for position, prop in enumerate(table.properties or []):
        _property(findings, prop, (*at, "properties", position), table, engines)
    read_quality(findings, table.quality, None, at, engines)
    read_relations(findings, table.relationships, table, "", at)
    sla = read_sla(findings, table)
    team = odcs.team.name if isinstance(odcs.team, Team) else ""
    name = str(table.name).strip()
    return Suite(
        name=name,
        columns=tuple(columns.values()),
        rules=findings.rules(),
        key=key,
        id=(odcs.id or name).strip(),
        version=(odcs.version or "").strip(),
        description=(table.description or "").strip(),
        owner=(team or "").strip(),
        not_executed=tuple(findings.not_executed),
        consumers=_consumers(document, said, columns),
        quarantine=_quarantine(document, said),
        sla=sla,
    )


def _property(
    findings: Findings, prop: SchemaProperty, at: Place, table: SchemaObject, engines: Mapping[str, CustomEngine]
) -> None:
    if not is_column(prop):
        findings.leave(
            (*at, "semanticType"), f"measure {prop.name}", "it is computed from the table and no column of it"
        )
        return
    column = findings.columns[column_name(prop)]
    if prop.primaryKey and prop.required is False:
        findings.leave((*at, "required"), f"{column.name} is not required", "a part of the key must be there")
    read_property(findings, prop, column, at)
    read_quality(findings, prop.quality, column, at, engines)
    read_relations(findings, prop.relationships, table, column.name, at)


def _implied(
    findings: Findings,
    table: SchemaObject,
    columns: tuple[SuiteColumn, ...],
    key: tuple[str, ...],
    said: Mapping[str, tuple[Place, Any]],
) -> None:
    """Take up that columns are there, have their types and values, and that the key is unique."""
    at = next(place for name, (place, _) in said.items() if not name)
    positions = {column_name(prop): position for position, prop in enumerate(table.properties or [])}
    # a topic may deliver one record more than once: its key tells records apart, and repeats
    unique = () if table.physicalType == TOPIC else key
    rules = {rule.name: rule for rule in implied_rules(columns, unique)}
    for name in _not_demanded(findings.document, said, list(rules)):
        del rules[name]
    for rule in rules.values():
        findings.demand(_place(rule, at, positions), rule.check, Aside())


def _place(rule: Rule, at: Place, positions: Mapping[str, int]) -> Place:
    match rule.check:
        case HasColumns():
            return (*at, "properties")
        case OfType(column, _, physical):
            return (*at, "properties", positions[column], "physicalType" if physical else "logicalType")
        case NotNull(column):
            return (*at, "properties", positions[column], "required")
        case Unique(columns) if columns[0] in positions:
            return (*at, "properties", positions[columns[0]], "primaryKey")
        case _:
            return at


def _custom(document: Document, table: SchemaObject, at: Place) -> dict[str, tuple[Place, Any]]:
    """Our custom properties with their places, those of the table before those of the document; "" is the table."""
    found: dict[str, tuple[Place, Any]] = {"": (at, None)}
    given: tuple[tuple[Place, Iterable[CustomProperty]], ...] = (
        (("customProperties",), document.odcs.customProperties or []),
        ((*at, "customProperties"), table.customProperties or []),
    )
    for place, properties in given:
        for position, said in enumerate(properties):
            name = said.property or ""
            if name in OURS:
                found[name] = ((*place, position, "value"), said.value)
            elif get_close_matches(name, OURS, n=1, cutoff=0.85):
                raise document.error(
                    (*place, position, "property"), name, f"{', '.join(OURS)}{did_you_mean(name, list(OURS))}"
                )
    return found


def _key(document: Document, said: Mapping[str, tuple[Place, Any]]) -> tuple[str, ...]:
    """A key that is known although its columns may be missing, or are not described."""
    at, names = said.get("key", ((), []))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise document.error(at, names, "a list of columns")
    return tuple(names)


def _not_demanded(document: Document, said: Mapping[str, tuple[Place, Any]], known: list[str]) -> list[str]:
    if "notDemanded" not in said:
        return []
    at, names = said["notDemanded"]
    if not isinstance(names, list):
        raise document.error(at, names, f"a list of {', '.join(known)}")
    for name in names:
        if name not in known:
            raise document.error(at, name, f"a list of {', '.join(known)}{did_you_mean(str(name), known)}")
    return list(dict.fromkeys(names))


def _quarantine(document: Document, said: Mapping[str, tuple[Place, Any]]) -> Quarantine | None:
    at, given = said.get("quarantine", ((), None))
    if given is None or given is False:
        return None
    if given is True:
        return Quarantine()
    wanted = "true, or {limit: 5, unit: percent} or {limit: 100, unit: rows}"
    if not isinstance(given, dict):
        raise document.error(at, given, wanted)
    known = ["limit", "unit", *OPERATORS, OUTSIDE]
    for key in given:
        if key not in known:
            raise document.error((*at, key), key, f"limit, unit{did_you_mean(str(key), known)}")
    unit = unit_of(given.get("unit"))
    words = {"mustBeLessOrEqualTo" if key == "limit" else key: value for key, value in given.items()}
    try:
        bounds = bounds_of(words, unit or Unit.ROWS, counts_failures=True)
    except CheckRefused as refused:
        raise document.error(at, refused.found, refused.allowed) from None
    if unit is None or bounds is None:
        raise document.error(at, given, wanted)
    if min(bounds.upper or 0, bounds.lower or 0) < 0 or (unit is Unit.PERCENT and (bounds.upper or 0) > 100):
        raise document.error(at, given, "0 or more" if unit is Unit.ROWS else "0 to 100 percent")
    return Quarantine(bounds)


def _consumers(
    document: Document, said: Mapping[str, tuple[Place, Any]], columns: Mapping[str, SuiteColumn]
) -> tuple[Consumer, ...]:
    at, given = said.get("consumers", ((), []))
    if not isinstance(given, list):
        raise document.error(at, given, "a list of consumers, each with its name")
    return tuple(_consumer(document, one, (*at, i), columns) for i, one in enumerate(given))


def _consumer(document: Document, given: Any, at: Place, columns: Mapping[str, SuiteColumn]) -> Consumer:
    one = {"name": given} if isinstance(given, str) else given
    if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not one["name"].strip():
        raise document.error(at, given, "a consumer with its name, and the columns that it reads")
    for key in one:
        if key not in ("name", "columns", "contact"):
            raise document.error(
                (*at, key), key, f"name, columns, contact{did_you_mean(str(key), ['name', 'columns', 'contact'])}"
            )
    names = one.get("columns") or []
    if not isinstance(names, list):
        raise document.error((*at, "columns"), names, "a list of columns")
    for position, name in enumerate(names):
        if not isinstance(name, str) or (columns and name not in columns):
            known = list(columns)
            raise document.error(
                (*at, "columns", position), name, f"one of {', '.join(known)}{did_you_mean(str(name), known)}"
            )
    return Consumer(one["name"].strip(), tuple(names), str(one.get("contact") or ""))
