"""The narrowest type that reads every value of a column, and none of them as something else.

A column that is held as text or JSON is read by `scan.texts`, as it is when it is judged; and it is no number when the
number would not be written again as it stands: the code 007 and the number +49 stay texts. What a format declares is
said in the words of a contract.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from dataeng_assets.contracts.checks.kinds import OfType
from dataeng_assets.contracts.checks.predicates import is_integer, is_nested
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.contracts.errors import TypeRefused
from dataeng_assets.contracts.types import postgres_type, postgres_type_names
from dataeng_assets.quality.inputs.opened import Held, Input, InputColumn
from dataeng_assets.quality.results import Status
from dataeng_assets.quality.scan.texts import known_type, read_as
from dataeng_assets.quality.scan.typed import type_result

SAMPLED_ROWS = 5_000
"""What is refuted by the first rows need not be asked of all."""
_DIGITS = 17
"""Digits that a double is written with at most: so many come back as they were."""


@dataclass(frozen=True)
class _Candidate:
    """A type, and what its texts must look like beside being readable; `{}` stands for the text as it is written."""

    logical: str
    physical: str = ""
    written: str = "true"

    def demand(self, column: str) -> OfType:
        return OfType(column, self.logical, self.physical or None)


def _like(pattern: str) -> str:
    return f"regexp_full_match({{}}, {literal(pattern)})"


_WHOLE = r"(0|[1-9][0-9]*)"
_ZONE = r".*:[0-9.]+([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)"
_PLAIN_NUMBER = rf"-?{_WHOLE}?(\.[0-9]+)?([eE][+-]?[0-9]{{1,2}})?|-?{_WHOLE}\."
_CANDIDATES = (
    _Candidate("boolean"),
    _Candidate("integer", "", _like(r"0|-?[1-9][0-9]*")),
    _Candidate("number", "numeric(18,2)", _like(r"-?(0|[1-9][0-9]*)\.[0-9]{2}")),
    _Candidate(
        "number",
        "",
        f"({_like(_PLAIN_NUMBER)} and length(regexp_replace({{}}, '[eE].*|[^0-9]', '', 'g')) <= {_DIGITS})",
    ),
    _Candidate("number", "numeric(38,10)", _like(rf"-?{_WHOLE}(\.[0-9]+)?")),
    _Candidate("date"),
    _Candidate("timestamp", "timestamp without time zone"),
    _Candidate("timestamp", "timestamp with time zone", _like(_ZONE)),
    _Candidate("timestamp"),
    _Candidate("time"),
)
_JSON_CANDIDATES = (
    *(one for one in _CANDIDATES if one.physical != "numeric(18,2)"),
    _Candidate("object"),
    _Candidate("array"),
    _Candidate("string"),
)
_OTHERS = {"DATE": "date", "BOOLEAN": "boolean", "JSON": "object"}


def narrowest_types(connection: duckdb.DuckDBPyConnection, opened: Input) -> dict[str, OfType]:
    """The type of each column; a column is left out when it has no value, or values of several kinds.

    Args:
        connection: the one that the input was opened on.
        opened: read once from begin to end where it has columns of text, and a part of it before.
    """
    possible = {
        column.name: _JSON_CANDIDATES if column.held is Held.JSON else _CANDIDATES
        for column in opened.columns
        if column.held is not Held.TYPED
    }
    if opened.rows is None or opened.rows > SAMPLED_ROWS:
        sample = f"(select * from {opened.relation} limit {SAMPLED_ROWS})"
        possible, _ = _unrefuted(connection, opened, sample, possible)
    possible, empty = _unrefuted(connection, opened, opened.relation, possible)
    found: dict[str, OfType] = {}
    for column in opened.columns:
        if column.held is Held.TYPED:
            found[column.name] = declared_type(column)
        elif column.name in empty:
            continue
        elif possible[column.name]:
            found[column.name] = possible[column.name][0].demand(column.name)
        elif column.held is Held.TEXT:
            found[column.name] = OfType(column.name, "string")
    return {name: demand for name, demand in found.items() if demand.logical or demand.physical}


def declared_type(column: InputColumn) -> OfType:
    """The type that a format declares, as a contract says it so that the column has it; empty where it cannot."""
    logical = _logical(column)
    for physical in (_physical(column), None):
        for said in dict.fromkeys((logical, None)):
            demand = OfType(column.name, said, physical)
            if type_result(Rule(demand, "type"), demand, column).status is Status.HOLDS:
                return demand
    return OfType(column.name)


def _unrefuted(
    connection: duckdb.DuckDBPyConnection,
    opened: Input,
    relation: str,
    possible: Mapping[str, Sequence[_Candidate]],
) -> tuple[dict[str, tuple[_Candidate, ...]], set[str]]:
    """The candidates that read all values of a relation, and the columns that have no value."""
    columns = [column for column in opened.columns if column.name in possible]
    if not columns:
        return {}, set()
    asked = []
    for column in columns:
        asked.append(f"count({quoted(column.name)}) = 0")
        asked += [_reads_all(column, one) for one in possible[column.name]]
    answers = iter(connection.execute(f"select {listed(asked)} from {relation}").fetchall()[0])
    reading, empty = dict[str, tuple[_Candidate, ...]](), set[str]()
    for column in columns:
        if next(answers):
            empty.add(column.name)
        holds = [(one, next(answers)) for one in possible[column.name]]
        reading[column.name] = tuple(one for one, found in holds if found)
    return reading, empty


def _reads_all(column: InputColumn, candidate: _Candidate) -> str:
    name = quoted(column.name)
    misread = read_as(candidate.demand(column.name), name, is_json=column.held is Held.JSON).misread
    written = candidate.written.replace("{}", f"{name}::varchar")
    if column.held is Held.JSON and candidate.logical == "timestamp":
        written = candidate.written.replace("{}", f"json_extract_string({name}, '$')")
    return f"coalesce(bool_and(not {misread} and coalesce({written}, true)), true)"


def _logical(column: InputColumn) -> str | None:
    kind = column.duckdb_type.upper()
    if is_nested(column.duckdb_type):
        return "array" if kind.endswith("]") else "object"
    if is_integer(kind):
        return "integer"
    if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        return "number"
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    if kind.startswith("TIME"):
        return "time"
    return _OTHERS.get(kind, "string")


def _physical(column: InputColumn) -> str | None:
    """As the source writes it where that is known, else in the words of the type table, where it is in there."""
    if column.native and known_type(column.native):
        return column.native
    return None if column.physical is None else _in_words(column.physical.type)


def _in_words(kind: pa.DataType) -> str | None:
    if pa.types.is_list(kind):
        element = _in_words(kind.value_type)
        return f"{element}[]" if element and not element.endswith("[]") else None
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})" if 0 <= kind.scale <= kind.precision <= 38 else None
    if pa.types.is_string(kind):
        return "text"
    for name in postgres_type_names():
        try:
            found = postgres_type(name)
        except TypeRefused:
            continue
        if found.arrow == kind and name != "oid":
            return name
    return None
