"""From ODCS 3 documents to contracts; what is broken is refused here, before anything is read or written.

The shape of a document belongs in `document`, its rules in `convert.odcs_read`, how values travel in `types`.
"""

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path

from open_data_contract_standard.model import SchemaObject, SchemaProperty, Team

from dataeng_assets.contracts.convert.odcs_columns import column_name, is_column
from dataeng_assets.contracts.convert.odcs_read import suites_of
from dataeng_assets.contracts.convert.odcs_sla import NO_ELEMENT, age_of, is_freshness
from dataeng_assets.contracts.document import Document, read_document
from dataeng_assets.contracts.durations import duration
from dataeng_assets.contracts.errors import TypeRefused, did_you_mean
from dataeng_assets.contracts.health import read_health
from dataeng_assets.contracts.load_format import records_of
from dataeng_assets.contracts.model import Column, Contract, EventTime
from dataeng_assets.contracts.plain import Place
from dataeng_assets.contracts.topic import read_topic
from dataeng_assets.contracts.types import ColumnType, event_type, logical_type, postgres_type

_CLASSIFICATIONS = ["internal", "personal", "public"]
_KINDS = ["table", "topic", "view"]
_JSON = frozenset(("json", "jsonb"))
_TIMES = ("eventTime", "lateAfter", "maxAhead")
_ALLOWED = "allowedLateness"


def load_contracts(folder: Path) -> dict[str, Contract]:
    """The contracts of all `*.yaml` documents in a folder, by name.

    Raises:
        ContractError: one of them is broken, or two have the same name.
    """
    contracts: dict[str, Contract] = {}
    for path in sorted(folder.glob("*.yaml")):
        contract = load_contract(path)
        if contract.name in contracts:
            raise read_document(path).error(
                ("schema", 0, "name"), contract.name, f"a name of its own; {contracts[contract.name].path} has this one"
            )
        contracts[contract.name] = contract
    return contracts


def load_contract(path: Path) -> Contract:
    """The contract of one document.

    Raises:
        ContractError: with file, line, place, what was found and what is allowed.
    """
    document = read_document(path)
    odcs = document.odcs
    suites = suites_of(document)
    if len(suites) != 1:
        raise document.error(("schema",), f"{len(suites)} objects", "one table or topic in each document")
    (suite,) = suites
    (table,), at = odcs.schema_ or [], ("schema", 0)
    columns = _columns(document, table)
    team = odcs.team if isinstance(odcs.team, Team) else None
    return Contract(
        path=path,
        id=_text(document, ("id",), odcs.id),
        name=_text(document, (*at, "name"), table.name),
        version=_text(document, ("version",), odcs.version),
        description=_text(document, (*at, "description"), table.description),
        owner=_text(document, ("team", "name"), team.name if team else None),
        domain=_text(document, ("domain",), odcs.domain),
        tags=tuple(odcs.tags or ()),
        columns=columns,
        key=_key(document, table),
        freshness=_freshness(document),
        event_time=_event_time(document, table, columns),
        health=read_health(document, table),
        topic=read_topic(document, table),
        rules=suite.rules,
        quarantine=suite.quarantine,
        consumers=suite.consumers,
        # the platform measures freshness by the time at which it read
        not_executed=tuple(left for left in suite.not_executed if left.reason != NO_ELEMENT),
        sla=suite.sla,
        records=records_of(document, table, {column.name: column.type for column in columns}),
    )


def _columns(document: Document, table: SchemaObject) -> tuple[Column, ...]:
    at = ("schema", 0, "properties")
    if table.physicalType not in _KINDS:
        raise document.error(("schema", 0, "physicalType"), table.physicalType, f"one of {', '.join(_KINDS)}")
    if not table.properties:
        raise document.error(at, "no columns", "at least one column")
    columns: dict[str, Column] = {}
    for position, prop in enumerate(table.properties):
        if not is_column(prop):
            continue
        column = _column(document, prop, (*at, position), is_event=table.physicalType == "topic")
        columns[column.name] = column
    return tuple(columns.values())


def _column(document: Document, prop: SchemaProperty, at: Place, *, is_event: bool) -> Column:
    name = _text(document, (*at, "name"), column_name(prop))
    if name.startswith("_"):
        raise document.error((*at, "name"), name, "a name without an underscore at its start; those columns are ours")
    if prop.classification is not None and prop.classification not in _CLASSIFICATIONS:
        raise document.error(
            (*at, "classification"),
            prop.classification,
            f"{', '.join(_CLASSIFICATIONS)} or none{did_you_mean(prop.classification, _CLASSIFICATIONS)}",
        )
    physical = _text(document, (*at, "physicalType"), prop.physicalType)
    kind = _type(document, prop, physical, at, is_event=is_event)
    usual = logical_type(kind)
    logical = {usual, *(("string",) if kind.family == "text" else ()), *(("array",) if kind.kind in _JSON else ())}
    if prop.logicalType not in logical:
        raise document.error(
            (*at, "logicalType"), prop.logicalType, f"{' or '.join(sorted(logical))} for the physical type {physical}"
        )
    return Column(
        name=name,
        type=kind,
        physical=physical,
        nullable=not prop.required,
        personal=prop.classification == "personal",
        description=_text(document, (*at, "description"), prop.description),
        tags=tuple(prop.tags or ()),
        said_logical="" if prop.logicalType == usual else str(prop.logicalType),
    )


def _type(document: Document, prop: SchemaProperty, physical: str, at: Place, *, is_event: bool) -> ColumnType:
    try:
        if is_event:
            return event_type(physical)
        try:
            return postgres_type(physical)
        except TypeRefused:
            labels = [str(value.value) for value in prop.enum or (prop.items.enum if prop.items else None) or []]
            if not labels:
                raise
            return postgres_type(physical, labels)
    except TypeRefused as refused:
        raise document.error((*at, "physicalType"), f"{physical} (column {prop.name})", refused.reason) from None


def _key(document: Document, table: SchemaObject) -> tuple[str, ...]:
    parts = [(i, p) for i, p in enumerate(table.properties or []) if p.primaryKey]
    for position, prop in parts:
        if not prop.required:
            raise document.error(
                ("schema", 0, "properties", position, "required"),
                f"a part of the key ({prop.name}) that may be missing",
                "required: true for every column with primaryKey: true",
            )
    positions = [p.primaryKeyPosition for _, p in parts]
    if len(parts) > 1 and sorted(n or 0 for n in positions) != list(range(1, len(parts) + 1)):
        raise document.error(
            ("schema", 0, "properties", parts[0][0], "primaryKeyPosition"),
            f"positions {positions}",
            f"each of 1 to {len(parts)} once, as the key has {len(parts)} columns",
        )
    return tuple(str(p.name) for _, p in sorted(parts, key=lambda part: part[1].primaryKeyPosition or 0))


def _freshness(document: Document) -> timedelta | None:
    """The standard's word is `latency`; `freshness` is what most people write. Either is understood, both are not."""
    found: timedelta | None = None
    for position, sla in enumerate(document.odcs.slaProperties or []):
        at = ("slaProperties", position)
        if not is_freshness(sla):
            continue
        if found is not None:
            raise document.error((*at, "property"), "freshness a second time", "freshness or latency, once")
        found = timedelta(seconds=age_of(document, sla, at))
    return found


def _event_time(document: Document, table: SchemaObject, columns: tuple[Column, ...]) -> EventTime | None:
    at = ("schema", 0, "customProperties")
    given = {c.property: (i, c.value) for i, c in enumerate(table.customProperties or [])}
    _refuse_slips(document, at, {str(name): position for name, (position, _) in given.items()})
    missing = [name for name in _TIMES if name not in given]
    if len(missing) == len(_TIMES) and table.physicalType != "topic":
        return None
    if missing:
        raise document.error(at, f"no {' and no '.join(missing)}", f"the properties {', '.join(_TIMES)} together")
    position, column = given["eventTime"]
    times = [c.name for c in columns if c.type.family == "timestamp" and not c.nullable]
    if column not in times:
        raise document.error(
            (*at, position, "value"),
            column,
            f"a required column of type timestamp: {', '.join(times) or 'there is none'}",
        )
    late, ahead = (duration(document, (*at, given[name][0], "value"), given[name][1]) for name in _TIMES[1:])
    allowed = given.get(_ALLOWED)
    allowance = duration(document, (*at, allowed[0], "value"), allowed[1]) if allowed else timedelta(0)
    return EventTime(str(column), late, ahead, allowance)


def _refuse_slips(document: Document, at: Place, given: Mapping[str, int]) -> None:
    """A property that may be left out is missed by nobody when its name is misspelt."""
    for name, position in given.items():
        if name != _ALLOWED and get_close_matches(name, [_ALLOWED], cutoff=0.8):
            raise document.error((*at, position, "property"), name, f"{_ALLOWED}{did_you_mean(name, [_ALLOWED])}")


def _text(document: Document, place: Place, value: str | None) -> str:
    if not value or not value.strip():
        raise document.error(place, value, "a text that is not empty")
    return value.strip()
