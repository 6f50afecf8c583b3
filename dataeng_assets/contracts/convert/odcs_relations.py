"""Relationships of an ODCS document: which columns must be found in another table."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from open_data_contract_standard.model import Relationship, SchemaObject

from dataeng_assets.contracts.checks.kinds import References
from dataeng_assets.contracts.convert.odcs_columns import column_name
from dataeng_assets.contracts.convert.odcs_findings import Findings
from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place

_NESTED = "a column inside a column is no key of a table; name the columns of tables"


class NotResolved(Exception):
    """A reference that is not followed; the message says why."""


def read_relations(
    findings: Findings, said: Iterable[Relationship] | None, table: SchemaObject, column: str, at: Place
) -> None:
    """Take up the relationships of a column, or of the table when there is none.

    Raises:
        ContractError: a relationship that is broken, or names a table's column that there is not.
    """
    document = findings.document
    for position, relation in enumerate(said or []):
        place = (*at, "relationships", position)
        if relation.type not in (None, "foreignKey"):
            raise document.error((*place, "type"), relation.type, "foreignKey")
        if column and relation.from_:
            raise document.error((*place, "from"), relation.from_, "nothing: below a property, it is that property")
        if not relation.to or not (column or relation.from_):
            missing = "from" if relation.to else "to"
            raise document.error((*place, missing), None, "table.column, or a list of them")
        try:
            own = (column,) if column else _own(document, relation.from_, table, place)
            other, to = _other(document, relation.to, (*place, "to"))
        except NotResolved as why:
            findings.leave(place, f"relationship to {relation.to}", str(why))
            continue
        if len(own) != len(to):
            raise document.error((*place, "to"), relation.to, f"as many columns as in from: {len(own)}")
        findings.demand(place, References(own, other, to))


def _own(document: Document, said: str | list[str] | None, table: SchemaObject, at: Place) -> tuple[str, ...]:
    found = [_resolved(document, text, (*at, "from")) for text in _listed(said)]
    for name, _ in found:
        if name not in (table.name, ""):
            raise document.error((*at, "from"), name, f"columns of {table.name}, where the relationship stands")
    return tuple(column for _, column in found)


def _other(document: Document, said: str | list[str], at: Place) -> tuple[str, tuple[str, ...]]:
    found = [_resolved(document, text, at) for text in _listed(said)]
    tables = {table for table, _ in found}
    if len(tables) != 1 or "" in tables:
        raise document.error(at, said, "columns of one table, each as table.column")
    return tables.pop(), tuple(column for _, column in found)


def _listed(said: str | list[str] | None) -> list[str]:
    return [said] if isinstance(said, str) else list(said or [])


def _resolved(document: Document, text: str, at: Place) -> tuple[str, str]:
    """Table and column of a reference: `table.column`, `schema.table.column`, or a path of ids."""
    file, _, path = text.strip().rpartition("#")
    if "/" in path:
        if file:
            raise NotResolved(f"it names ids of {file}, which is not read; write it as table.column")
        return _by_ids(document, path.strip("/").split("/"), at)
    *tables, column = re.split(r"\.", path)
    if not all([*tables, column]):
        raise document.error(at, text, "table.column")
    known = {} if file else {table.name or "": table for table in document.odcs.schema_ or []}
    if tables and tables[0] in known:
        if len(tables) > 1:
            raise NotResolved(_NESTED)
        return tables[0], _column(document, known[tables[0]], column, at)
    return ".".join(tables), column


def _column(document: Document, table: SchemaObject, name: str, at: Place) -> str:
    names = {prop.name: column_name(prop) for prop in table.properties or []}
    found = names.get(name) or (name if name in names.values() else None)
    if names and found is None:
        known = [str(one) for one in names]
        raise document.error(at, name, f"a column of {table.name}: {', '.join(known)}{did_you_mean(name, known)}")
    return found or name


def _by_ids(document: Document, parts: list[str], at: Place) -> tuple[str, str]:
    if len(parts) > 4 and parts[0] == "schema":
        raise NotResolved(_NESTED)
    if len(parts) != 4 or parts[0] != "schema" or parts[2] != "properties":
        raise document.error(at, "/".join(parts), "schema/<id>/properties/<id>")
    table = _with_id({one.id or "": one for one in document.odcs.schema_ or []}, parts[1], document, at)
    prop = _with_id({one.id or "": one for one in table.properties or []}, parts[3], document, at)
    return str(table.name), column_name(prop)


def _with_id(known: Mapping[str, Any], name: str, document: Document, at: Place) -> Any:
    if name not in known:
        ids = [one for one in known if one]
        raise document.error(at, name, f"an id that there is: {', '.join(ids) or 'none'}{did_you_mean(name, ids)}")
    return known[name]
