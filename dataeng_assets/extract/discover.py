"""From a source's catalog to a declaration: which tables can be copied, by which contracts, with which watermark.

Pure: what the catalog says belongs in `postgres.tables`, writing files in `declare`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dataeng_assets.contracts.checks.kinds import Check, OneOf, Unique
from dataeng_assets.contracts.checks.naming import derived_name
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.convert.odcs_options import elements_one_of
from dataeng_assets.contracts.errors import TypeRefused
from dataeng_assets.contracts.model import Column, Contract, implied
from dataeng_assets.contracts.personal import is_usual_name
from dataeng_assets.contracts.types import ColumnType, postgres_type
from dataeng_assets.postgres.catalog import TableColumn
from dataeng_assets.postgres.tables import Description

WATERMARK_TYPE = "timestamp with time zone"
FRESHNESS = timedelta(hours=26)
"""Extracted daily; two hours are left for a late or repeated run."""

_MOVES = re.compile(r"updat|modif|(^|_)chang|(^|_)mtime|last_?(write|saved)", re.IGNORECASE)
_TABLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_CAST = "to copy it, cast it to text in a view and write the view's contract by hand, with the table's key"
_JINJA = re.compile(r"([{}])(?=[{%#}])|([%#])(?=\})")


@dataclass(frozen=True)
class LeftOut:
    """A table or column that is not copied, why, and what would change that."""

    name: str
    reason: str


@dataclass(frozen=True)
class Discovered:
    """What a schema can be copied with.

    Attributes:
        contracts: one per table.
        watermark: the column that says in most tables when a row changed; None when no table has one.
        watermarks: the watermark of each table by name; None for a table that is read whole.
        left_out: tables, and columns as `table.column`.
        nearly: columns that would be the watermark of a table that is read whole, and why they are not.
    """

    source: str
    schema: str
    contracts: tuple[Contract, ...]
    watermark: str | None
    watermarks: Mapping[str, str | None]
    left_out: tuple[LeftOut, ...]
    nearly: tuple[LeftOut, ...]

    def options(self, common: str | None) -> dict[str, dict[str, str]]:
        """What differs by table from the source's watermark, as `tables:` of a declaration says it.

        Args:
            common: the source's watermark.
        """
        said = {
            name: {"mode": "full"} if own is None else {"watermark": own} if own != common else {}
            for name, own in self.watermarks.items()
        }
        return {name: options for name, options in said.items() if options}


def discover(tables: Iterable[Description], *, source: str, schema: str, folder: Path, owner: str) -> Discovered:
    """Decide what can be copied of a schema.

    Args:
        tables: as the catalog describes them.
        source: name of the source to be; the contracts' domain.
        schema: where the tables are.
        folder: where the contracts will lie.
        owner: of the contracts.
    """
    contracts, left_out = [], []
    for table in tables:
        columns, refused = _columns(table)
        key = _key(table, columns)
        reason = _unreadable(table) or _keyless(table, key, refused)
        if reason:
            left_out.append(LeftOut(table.facts.name, reason))
            continue
        left_out += refused
        contracts.append(
            Contract(
                path=folder / f"{table.facts.name}.yaml",
                id=f"{source}.{table.facts.name}",
                name=table.facts.name,
                version="1.0.0",
                description=_said(table.comment) or f"Rows of {schema}.{table.facts.name}; not described there yet.",
                owner=owner,
                domain=source,
                tags=(),
                columns=columns,
                key=key,
                freshness=FRESHNESS,
                rules=(*implied(columns, key), *_rules(table, columns, key)),
            )
        )
    watermark, watermarks = _watermarks(contracts)
    nearly = [left for contract in contracts if watermarks[contract.name] is None for left in _nearly(contract)]
    return Discovered(source, schema, tuple(contracts), watermark, watermarks, tuple(left_out), tuple(nearly))


def source_name(schema: str, database: str) -> str:
    """What a source is called unless it is given a name: like its schema, or like its database for `public`."""
    plain = re.sub(r"[^a-z0-9]+", "_", (database if schema == "public" else schema).lower()).strip("_")
    return plain if plain[:1].isalpha() else f"source_{plain}".rstrip("_")


def _unreadable(table: Description) -> str | None:
    name = f"{table.facts.schema}.{table.facts.name}"
    if not table.readable:
        return f"the role may not read it; grant it: GRANT SELECT ON {name} TO …"
    if not _TABLE_NAME.fullmatch(table.facts.name):
        return "its name is more than letters, digits and underscores; make a view with a plain name and copy that"
    return None


def _keyless(table: Description, key: tuple[str, ...], refused: Sequence[LeftOut]) -> str | None:
    reasons = {left.name.removeprefix(f"{table.facts.name}."): left.reason for left in refused}
    for name in table.primary_key:
        if name in reasons:
            return f"{name}, a part of its key, cannot be carried: {reasons[name]}"
    if key:
        return None
    if "view" in table.facts.kind:
        return f"a {table.facts.kind} has no key; write its contract by hand, with primaryKey on what identifies a row"
    return (
        "no primary key, and no unique index over required columns: no row has versions without one; add a key, or "
        "write its contract by hand if columns identify a row all the same"
    )


def _columns(table: Description) -> tuple[tuple[Column, ...], list[LeftOut]]:
    columns: dict[str, Column] = {}
    refused = []
    for found in table.facts.columns:
        name = f"{table.facts.name}.{found.name}"
        try:
            kind = postgres_type(found.type, table.labels.get(found.name, ()))
        except TypeRefused as error:
            refused.append(LeftOut(name, f"{str(error).partition('. ')[0]}; {_CAST}"))
            continue
        if found.name.startswith("_"):
            refused.append(LeftOut(name, "names with an underscore at their start are ours; rename it in a view"))
        elif found.name.lower() in columns:
            refused.append(LeftOut(name, "another column has this name, capital letters aside; rename it in a view"))
        else:
            columns[found.name.lower()] = _column(table, found, kind)
    return tuple(columns.values()), refused


def _column(table: Description, found: TableColumn, kind: ColumnType) -> Column:
    missing = f"Column {found.name} of {table.facts.schema}.{table.facts.name}; not described there yet."
    return Column(
        name=found.name,
        type=kind,
        physical=found.type,
        nullable=found.nullable,
        personal=(kind.element or kind).family in ("text", "bytes", "date") and is_usual_name(found.name),
        description=_said(table.comments.get(found.name, "")) or missing,
    )


def _rules(table: Description, columns: Sequence[Column], key: tuple[str, ...]) -> Iterator[Rule]:
    """What the catalog demands beside types, required values and the key."""
    names = [column.name for column in columns]
    for together in sorted(table.facts.unique, key=lambda one: (len(one), sorted(one))):
        if together != frozenset(key) and together <= set(names):
            yield _rule(Unique(tuple(name for name in names if name in together)))
    for column in columns:
        labels = tuple(table.labels.get(column.name, ()))
        if labels:
            is_list = column.type.element is not None
            yield _rule(elements_one_of(column.name, labels) if is_list else OneOf(column.name, labels), column.name)


def _rule(check: Check, column: str = "") -> Rule:
    return Rule(check, derived_name(check, column))


def _key(table: Description, columns: Sequence[Column]) -> tuple[str, ...]:
    """The primary key, or else the shortest unique index over required columns; empty when there is none."""
    required = [column.name for column in columns if not column.nullable]
    if table.primary_key:
        return table.primary_key if set(table.primary_key) <= set(required) else ()
    candidates = [names for names in table.facts.unique if names <= set(required)]
    shortest = min(candidates, key=lambda names: (len(names), sorted(names)), default=frozenset[str]())
    return tuple(name for name in required if name in shortest)


def _watermarks(contracts: Sequence[Contract]) -> tuple[str | None, dict[str, str | None]]:
    """The watermark that most tables have, and that of each: the common one, else one of its own, else none."""
    candidates = {
        contract.name: [
            column.name
            for column in contract.columns
            if column.type.kind == WATERMARK_TYPE and not column.nullable and _MOVES.search(column.name)
        ]
        for contract in contracts
    }
    counted = Counter(name for names in candidates.values() for name in names)
    # of two that are as frequent, the usual name
    common = max(counted, key=lambda name: (counted[name], name == "updated_at", name), default=None)
    chosen = {table: common if common in names else next(iter(names), None) for table, names in candidates.items()}
    return common, chosen


def _nearly(contract: Contract) -> Iterator[LeftOut]:
    for column in contract.columns:
        if column.type.family == "timestamp" and _MOVES.search(column.name):
            why = "it may be NULL" if column.nullable else f"it is a {column.type.kind} and no {WATERMARK_TYPE}"
            yield LeftOut(f"{contract.name}.{column.name}", f"no watermark: {why}; the whole table is read each time")


def _said(comment: str) -> str:
    """A comment on one line, in which dbt finds nothing to evaluate."""
    return _JINJA.sub(lambda sign: f"{sign.group()} ", " ".join(comment.split()))
