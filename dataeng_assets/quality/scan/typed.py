"""Comparing the type that a contract demands with the one that a format declares."""

import re
from typing import NamedTuple

from dataeng_assets.contracts.checks.kinds import OfType
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.quality.inputs.opened import InputColumn
from dataeng_assets.quality.results import RuleResult, Status
from dataeng_assets.quality.scan.question import undecided
from dataeng_assets.quality.scan.texts import known_type

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_FRACTIONS = {"FLOAT", "DOUBLE", "DECIMAL"}
_LOGICAL = {
    "string": {"VARCHAR", "UUID", "ENUM", "BLOB", "INTERVAL"},
    "integer": _INTEGERS,
    "number": _INTEGERS | _FRACTIONS,
    "boolean": {"BOOLEAN"},
    "date": {"DATE"},
    "timestamp": {
        "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S",
    },
    "time": {"TIME", "TIME WITH TIME ZONE", "TIME_NS", "VARCHAR"},
    "object": {"STRUCT", "MAP", "JSON", "VARCHAR", "UNION"},
    "array": {"LIST", "ARRAY", "JSON", "VARCHAR"},
    "map": {"MAP", "STRUCT", "JSON", "VARCHAR"},
}  # fmt: skip


def type_result(rule: Rule, check: OfType, column: InputColumn | None) -> RuleResult:
    """Whether a typed column is what is demanded: widths, scale, unit, zone and whether it may be empty included.

    A physical type that is in no type table, such as the name of an enum, is compared by its logical type alone.
    """
    if column is None:
        return undecided(rule, f"there is no column {check.column!r}")
    demands = (_logical(check, column), _physical(check, column), _nullable(check, column))
    unknown = [said.unknown for said in demands if said.unknown]
    wrong = [said.wrong for said in demands if said.wrong]
    decided = check.logical in _LOGICAL and check.nullable is None
    if unknown and not wrong and not decided:
        return undecided(rule, unknown[0])
    found = str(column.physical.type) if column.physical is not None else column.duckdb_type
    return RuleResult(
        rule,
        Status.VIOLATED if wrong else Status.HOLDS,
        value=found,
        reason="; ".join([*wrong, *unknown]) or f"found {found}",
        next_step="Write the column with the type of the contract, or change the contract." if wrong else "",
    )


class _Said(NamedTuple):
    """What one part of the demand comes to; neither means that it is met."""

    wrong: str = ""
    unknown: str = ""


def _logical(check: OfType, column: InputColumn) -> _Said:
    if not check.logical:
        return _Said()
    if check.logical not in _LOGICAL:
        return _Said(unknown=f"no logical type {check.logical!r} is known")
    if _base(column.duckdb_type) in _LOGICAL[check.logical]:
        return _Said()
    return _Said(f"found {column.duckdb_type}, expected a {check.logical}")


def _base(duckdb_type: str) -> str:
    if duckdb_type.endswith("]"):
        return "LIST"
    return re.sub(r"\(.*", "", duckdb_type, flags=re.DOTALL).strip().upper()


def _physical(check: OfType, column: InputColumn) -> _Said:
    if not check.physical or column.native == check.physical:
        return _Said()
    wanted = known_type(check.physical)
    if wanted is None:
        if check.physical.upper() == column.duckdb_type.upper():
            return _Said()
        return _Said(unknown=f"the physical type {check.physical} is not one that can be compared here")
    if column.physical is None:
        same = wanted.duckdb == column.duckdb_type
        return _Said() if same else _Said(f"found {column.duckdb_type}, expected {wanted.duckdb}")
    found = column.physical.type
    return _Said() if found == wanted.arrow else _Said(f"found {found}, expected {wanted.arrow}")


def _nullable(check: OfType, column: InputColumn) -> _Said:
    if check.nullable is None:
        return _Said()
    if column.physical is None:
        return _Said(unknown="the input does not say whether the column may be empty")
    if column.physical.nullable == check.nullable:
        return _Said()
    return _Said(f"the storage {'lets it' if column.physical.nullable else 'does not let it'} be empty")
