"""What data looks like, measured: what each column holds, how full, how varied, and what could identify a row.

What that suggests belongs in `propose`; showing it to people in `written.profile_table`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import duckdb

from dataeng_assets.contracts.checks.formats import format_sql
from dataeng_assets.contracts.checks.kinds import OfType
from dataeng_assets.contracts.checks.predicates import is_float, is_integer, is_nested
from dataeng_assets.contracts.checks.rule import Rule, Suite
from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.contracts.personal import is_doubtful_name, written_as_sql
from dataeng_assets.quality.inputs.opened import Input
from dataeng_assets.quality.narrowest import SAMPLED_ROWS, narrowest_types
from dataeng_assets.quality.profile_keys import key_candidates
from dataeng_assets.quality.scan.judge import no_other_table
from dataeng_assets.quality.scan.subject import Subject, subject

LISTED = 50
"""Of a column with at most so many different values, all are counted."""
_LONGEST_LISTED = 100
_LAST_SECOND = 253_402_300_800
"""Since 1970, of the year 9999: a mean outside of what calendars show is told by nobody."""
_MAIL = "e-mail addresses"
"""One is enough for a column to be in doubt; of the other forms, all values must have it."""
_FORMATS = ("uuid", "email", "date", "time", "date-time", "ipv4", "ipv6", "uri")
_STRFTIME = (
    "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M:%S.%f", "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S",
)  # fmt: skip


@dataclass(frozen=True)
class ColumnShape:
    """One column as it was found. Of a personal column no value is kept.

    Attributes:
        type: the narrowest that reads every value; None when there is no value, or no one type.
        values: rows that have one.
        nulls: rows that have none.
        distinct: different values, approximately.
        minimum: smallest number or earliest time, as text; None for anything else.
        maximum: largest or latest of the same.
        mean: of the same.
        shortest: characters of the shortest text; None for anything else.
        longest: of the same.
        frequent: all values with how often they occur, most frequent first, where there are few; else empty.
        formats: forms that all texts have, of `contracts.checks.formats` or as a strftime pattern.
        is_negative_somewhere: whether a number is below 0 or is none (NaN).
        has_blanks: whether a text has a space or line end in it.
        unique: whether no two values are equal, exactly.
        personal: why it probably tells who a person is; empty when nothing says so.
    """

    name: str
    type: OfType | None
    values: int
    nulls: int
    distinct: int
    minimum: str | None = None
    maximum: str | None = None
    mean: str | None = None
    shortest: int | None = None
    longest: int | None = None
    frequent: tuple[tuple[str, int], ...] = ()
    formats: tuple[str, ...] = ()
    is_negative_somewhere: bool = False
    has_blanks: bool = False
    unique: bool = False
    personal: str = ""

    @property
    def logical(self) -> str:
        """Its type in the words of ODCS; empty when nothing is known."""
        return (self.type and self.type.logical) or ""


@dataclass(frozen=True)
class Profile:
    """A table as it was found.

    Attributes:
        input: where it was read from, without secrets.
        keys: columns that tell any two rows apart and always have a value, likely ones first; exactly so.
    """

    table: str
    input: str
    rows: int
    columns: tuple[ColumnShape, ...]
    keys: tuple[tuple[str, ...], ...]
    taken_at: datetime

    @property
    def size(self) -> str:
        """How many rows and columns, in words."""
        columns = len(self.columns)
        return f"{self.rows:,} row{'s' * (self.rows != 1)}, {columns:,} column{'s' * (columns != 1)}"


def profile(connection: duckdb.DuckDBPyConnection, opened: Input, table: str) -> Profile:
    """Profile an input: one pass for types of text, one for numbers, one for frequent values, one per key candidate.

    Args:
        connection: the one that the input was opened on.
        opened: what is looked at.
        table: its name.
    """
    types = narrowest_types(connection, opened)
    now = datetime.now(UTC)
    suite = Suite(table, rules=tuple(Rule(demand, f"type__{place}") for place, demand in enumerate(types.values())))
    looked_at = subject(connection, opened, suite, other=no_other_table, now=now)
    rows, shapes = _measured(looked_at, types, table)
    shapes = _listed(looked_at, shapes)
    keys, unique = key_candidates(looked_at, shapes, rows)
    found = tuple(replace(shape, unique=shape.name in unique) for shape in shapes.values())
    return Profile(table, opened.name, rows, found, keys, now)


def _measured(subject: Subject, types: Mapping[str, OfType], table: str) -> tuple[int, dict[str, ColumnShape]]:
    forms = _forms(subject)
    asked = {c.name: {**dict(_numbers(subject, c.name)), **forms.get(c.name, {})} for c in subject.input.columns}
    wanted = ["count(*)", *(sql for numbers in asked.values() for sql in numbers.values())]
    rows, *values = subject.ask(f"select {listed(wanted)} from {subject.relation}")[0]
    left = iter(values)
    shapes = {}
    for name, numbers in asked.items():
        told = MappingProxyType({what: next(left) for what in numbers})
        shapes[name] = _shape(name, types.get(name), rows, told, _personal(name, table, subject, told))
    return rows, shapes


def _shape(name: str, kind: OfType | None, rows: int, told: Mapping[str, Any], personal: str) -> ColumnShape:
    is_time = kind is not None and kind.logical in ("date", "timestamp", "time")
    shown = told if not personal else {}
    matching = [form.removeprefix("as ") for form, holds in told.items() if form.startswith("as ") and holds]
    dated = [form for form in matching if "%" in form]
    formats = [form for form in matching if "%" not in form]
    return ColumnShape(
        name=name,
        type=kind,
        values=told["values"],
        nulls=rows - told["values"],
        distinct=min(told["distinct"], told["values"]),
        minimum=shown.get("minimum"),
        maximum=shown.get("maximum"),
        mean=shown.get("mean"),
        shortest=told.get("shortest"),
        longest=told.get("longest"),
        # of day and month it is not known which comes first when both readings fit
        formats=tuple(formats if formats or len(dated) != 1 else dated),
        is_negative_somewhere=not is_time and not told.get("from zero", True),
        has_blanks=bool(told.get("blanks")),
        personal=personal,
    )


def _numbers(subject: Subject, column: str) -> Iterator[tuple[str, str]]:
    """What is asked of a column, as SQL aggregates."""
    name, kind = quoted(column), subject.types[column]
    written = subject.written.get(column, name)
    yield "values", f"count({written})"
    yield "distinct", f"approx_count_distinct({written if column in subject.written else name})"
    if is_integer(kind) or is_float(kind) or kind.startswith("DECIMAL"):
        there = f" filter (not isnan({name}))" if is_float(kind) else ""
        yield "minimum", f"min({name}){there}::varchar"
        yield "maximum", f"max({name}){there}::varchar"
        yield "mean", f"(avg({name}){there})::double::varchar"
        yield "from zero", f"coalesce(bool_and({name} >= 0{f' and not isnan({name})' if there else ''}), true)"
    elif kind.startswith(("DATE", "TIME")) and not is_nested(kind):
        yield "minimum", f"min({name})::varchar"
        yield "maximum", f"max({name})::varchar"
        if kind.startswith(("DATE", "TIMESTAMP")):
            moment = f"try_cast({name} as timestamp)"
            seconds = f"(avg(epoch({moment})) filter (isfinite({moment})))"
            moment = f"make_timestamp(({seconds} * 1000000)::bigint)"
            yield "mean", f"case when abs({seconds}) < {_LAST_SECOND} then left({moment}::varchar, 19) end"
    elif kind == "VARCHAR":
        yield from _of_text(name)


def _of_text(name: str) -> Iterator[tuple[str, str]]:
    yield "shortest", f"min(length({name}))"
    yield "longest", f"max(length({name}))"
    yield "blanks", rf"bool_or(regexp_matches({name}, '\s'))"
    yield f"like {_MAIL}", f"bool_or(case when contains({name}, '@') then {written_as_sql(name)[_MAIL]} end)"


def _forms(subject: Subject) -> dict[str, dict[str, str]]:
    """Forms that all texts of a column may have, as SQL aggregates: those that the first rows do not refute."""
    texts = [column.name for column in subject.input.columns if subject.types[column.name] == "VARCHAR"]
    asked = {name: dict(_form_conditions(quoted(name))) for name in texts}
    wanted = [f"coalesce({sql}, true)" for forms in asked.values() for sql in forms.values()]
    if not wanted:
        return {}
    sample = f"(select {listed(map(quoted, texts))} from {subject.relation} limit {SAMPLED_ROWS})"
    answers = iter(subject.ask(f"select {listed(wanted)} from {sample}")[0])
    return {name: {form: sql for form, sql in forms.items() if next(answers)} for name, forms in asked.items()}


def _form_conditions(name: str) -> Iterator[tuple[str, str]]:
    for form in _FORMATS:
        more = f" and contains({name}, '://')" if form == "uri" else ""
        yield f"as {form}", f"bool_and({format_sql(form, name)}{more})"
    for form in _STRFTIME:
        yield f"as {form}", f"bool_and(length({name}) <= 30 and {format_sql(form, name)})"
    for what, condition in written_as_sql(name).items():
        if what != _MAIL:
            yield f"like {what}", f"bool_and({condition})"


def _personal(name: str, table: str, subject: Subject, told: Mapping[str, Any]) -> str:
    """Why a column probably tells who a person is."""
    looks = [what.removeprefix("like ") for what, holds in told.items() if what.startswith("like ") and holds]
    if looks:
        return f"its values are written as {looks[0]}"
    kind = subject.types[name]
    if is_doubtful_name(name, table) and kind != "BOOLEAN" and not kind.startswith("TIME"):
        return "its name says so"
    return ""


def _listed(subject: Subject, shapes: Mapping[str, ColumnShape]) -> dict[str, ColumnShape]:
    """Count each value of the columns that have few."""
    few = [
        name
        for name, shape in shapes.items()
        if 0 < shape.distinct <= LISTED
        and not shape.personal
        and (shape.longest or 0) <= _LONGEST_LISTED
        and shape.logical not in ("object", "array")
        and not is_nested(subject.types[name])
        and subject.types[name] != "BLOB"
    ]
    if not few:
        return dict(shapes)
    asked = (f"map_entries(histogram({quoted(name)}::varchar))" for name in few)
    found = subject.ask(f"select {listed(asked)} from {subject.relation}")[0]
    counted = {
        name: tuple(sorted(((one["key"], one["value"]) for one in entries or ()), key=lambda one: (-one[1], one[0])))
        for name, entries in zip(few, found, strict=True)
    }
    return {name: replace(shape, frequent=counted.get(name, ())) for name, shape in shapes.items()}
