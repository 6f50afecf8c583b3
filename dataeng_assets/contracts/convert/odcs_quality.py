"""The entries below `quality` of an ODCS document: library metrics, SQL, custom checks and texts."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from open_data_contract_standard.model import DataQuality

from dataeng_assets.contracts.checks.as_mapping import KINDS, CheckRefused, from_mapping
from dataeng_assets.contracts.checks.conditions import SqlRefused, refuse_no_query
from dataeng_assets.contracts.checks.kinds import Check, Holds, Measure, Metric, NotNull, OneOf, Query, Unique
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Rule, Severity, SuiteColumn, Unit
from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.contracts.convert.odcs_findings import Aside, Findings
from dataeng_assets.contracts.convert.odcs_options import read_options
from dataeng_assets.contracts.convert.odcs_values import values_of
from dataeng_assets.contracts.convert.odcs_words import (
    DIMENSIONS,
    OPERATORS,
    OUTSIDE,
    bounds_of,
    severity_of,
    unit_of,
)
from dataeng_assets.contracts.errors import ContractError, did_you_mean
from dataeng_assets.contracts.plain import Place, read_plain

ENGINE = "dataeng"
CustomEngine = Callable[[Any, str], Iterable[Rule]]
"""Rules of one engine's `implementation` (a text is parsed first) for a column, or for the table when that is empty.

It raises ValueError, with the reason, for what is not executed.
"""

TEXT = "it is a text for people; say it as a metric, as SQL, or as `engine: dataeng`"
REASON = "reason"
"""The custom property of a text that says why it is not executed."""

_METRICS = ["nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"]
_OLD_RULES = {
    "nullCheck": "nullValues", "nullCount": "nullValues", "duplicateCount": "duplicateValues",
    "uniqueCheck": "duplicateValues", "unique": "duplicateValues", "countCheck": "rowCount", "validValues":
    "invalidValues",
}  # fmt: skip
"""What the standard called the metrics before 3.1."""
_TYPES = ["library", "text", "sql", "custom"]
_ARGUMENTS = (
    "validValues", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
)  # fmt: skip
_TABLE = re.compile(r"\$?\{(?:table|object|model)\}")
_COLUMN = re.compile(r"\$?\{(?:column|property|field)\}")


def read_quality(
    findings: Findings,
    entries: Iterable[DataQuality] | None,
    column: SuiteColumn | None,
    at: Place,
    engines: Mapping[str, CustomEngine],
) -> None:
    """Take up the entries below `quality` of a column, or of the table when there is none.

    Raises:
        ContractError: an entry that is broken or contradicts itself.
    """
    for position, entry in enumerate(entries or []):
        Entry(findings, entry, column, (*at, "quality", position), engines).read()


class Entry:
    """One entry below `quality`."""

    def __init__(
        self,
        findings: Findings,
        entry: DataQuality,
        column: SuiteColumn | None,
        at: Place,
        engines: Mapping[str, CustomEngine],
    ) -> None:
        self.findings, self.entry, self.column, self.at, self.engines = findings, entry, column, at, engines

    def read(self) -> None:
        """Take it up, or say why not."""
        entry = self.entry
        kind = entry.type or ("sql" if entry.query and not entry.metric else "library")
        if kind not in _TYPES:
            raise self._error(("type",), kind, f"one of {', '.join(_TYPES)}{did_you_mean(kind, _TYPES)}")
        if entry.schedule:
            self.findings.leave(
                (*self.at, "schedule"), f"schedule {entry.schedule}", "checks run with the data that they judge"
            )
        {"text": self._text, "library": self._library, "sql": self._sql, "custom": self._custom}[kind]()

    def _text(self) -> None:
        reasons = [one.value for one in self.entry.customProperties or [] if one.property == REASON]
        said = self.entry.description or self.entry.name or self.entry.id or "a text"
        self.findings.leave(self.at, said, str(reasons[0]) if reasons else TEXT)

    def _library(self) -> None:
        metric = self.entry.metric or _OLD_RULES.get(self.entry.rule or "", self.entry.rule)
        if metric not in _METRICS:
            hint = did_you_mean(metric or "", _METRICS)
            raise self._error(("metric",), metric, f"one of {', '.join(_METRICS)}{hint}")
        if self.entry.unit is not None and unit_of(self.entry.unit) is None:
            self.findings.leave(
                (*self.at, "unit"), f"{metric} in {self.entry.unit}", "it is counted in rows or percent"
            )
            return
        words = self.entry.model_dump(exclude_none=True)
        if metric == "rowCount":
            if unit_of(self.entry.unit) is Unit.PERCENT:
                self.findings.leave(self.at, "rowCount in percent", "of what, is not said")
                return
            self._demand(Measure(Metric.ROW_COUNT), words)
        elif metric == "duplicateValues":
            self._demand(Unique(self._columns()), words)
        else:
            self._metric_of_column(metric, words)

    def _columns(self) -> tuple[str, ...]:
        given = (self.entry.arguments or {}).get("properties")
        if given is None and self.column:
            return (self.column.name,)
        if not isinstance(given, list) or not given or not all(isinstance(name, str) for name in given):
            raise self._error(("arguments", "properties"), given, "a list of columns")
        return tuple(given)

    def _metric_of_column(self, metric: str, words: Mapping[str, Any]) -> None:
        if self.column is None:
            raise self._error(("metric",), f"{metric} of the table", "the same below a property")
        arguments = dict(self.entry.arguments or {})
        if metric == "invalidValues":
            self._invalid(self.column, arguments, words)
            return
        allowed = ["missingValues"] if metric == "missingValues" else []
        for name in arguments:
            if name not in allowed:
                hint = ", ".join(allowed) or f"none for {metric}"
                raise self._error(("arguments", name), name, f"{hint}{did_you_mean(name, allowed)}")
        if metric == "missingValues" and not arguments:
            self.findings.leave((*self.at, "arguments"), "missingValues", "without a list, only NULL is missing")
        self._demand(self._missing(self.column, arguments.get("missingValues")), words)

    def _missing(self, column: SuiteColumn, given: Any) -> Check:
        """Texts beside NULL are a word of `NotNull`; anything else is a condition."""
        if given is None:
            return NotNull(column.name)
        if not isinstance(given, list) or not given:
            raise self._error(("arguments", "missingValues"), given, "a list of values")
        values = [value for value in given if value is not None]
        if len(values) == len(given):
            at = (*self.at, "arguments", "missingValues")
            return OneOf(column.name, values_of(self.findings.document, given, "", at), negated=True)
        if all(isinstance(value, str) for value in values):
            return NotNull(column.name, tuple(values))
        name = quoted(column.name)
        return Holds(f"{name} is not null and {name} not in ({listed(map(literal, values))})")

    def _invalid(self, column: SuiteColumn, arguments: dict[str, Any], words: Mapping[str, Any]) -> None:
        allowed = list(_ARGUMENTS)
        for name in arguments:
            if name not in allowed:
                raise self._error(
                    ("arguments", name), f"an argument {name!r}", f"{', '.join(allowed)}{did_you_mean(name, allowed)}"
                )
        if not arguments:
            raise self._error(("arguments",), None, f"what is valid: {', '.join(allowed)}")
        aside = self._aside(words, counts_failures=True)
        families = {"minLength": "length", "maxLength": "length", "minItems": "items", "maxItems": "items"}
        conditions = {families.get(name, "range" if "imum" in name else name) for name in arguments}
        if len(conditions) > 1 and aside.bounds != NONE:
            self.findings.leave(
                self.at, f"invalidValues of {', '.join(arguments)}", "with a tolerance, each needs an entry of its own"
            )
            return
        at = (*self.at, "arguments")
        if "validValues" in arguments:
            given = arguments.pop("validValues")
            values = values_of(self.findings.document, given, column.logical, (*at, "validValues"))
            self.findings.demand(self.at, OneOf(column.name, values), aside)
        if len(conditions) > 1:
            aside = replace(aside, name="")
        read_options(self.findings, arguments, column, at, aside)

    def _sql(self) -> None:
        query = (self.entry.query or "").strip().rstrip(";").strip()
        if not query:
            raise self._error(("query",), self.entry.query, "a query that returns one number")
        words = self.entry.model_dump(exclude_none=True)
        for operator in ("mustBe", "mustNotBe"):
            if isinstance(words.get(operator), str):
                self.findings.leave(self.at, f"{operator} {words[operator]}", "a query is compared with a number")
                return
        query = _TABLE.sub("{table}", query)
        if _COLUMN.search(query):
            if self.column is None:
                raise self._error(("query",), query, "no {column}, as this speaks of the table")
            name = quoted(self.column.name)
            query = _COLUMN.sub(lambda _: name, query)
        try:
            refuse_no_query(query.replace("{table}", "table_judged"))
        except SqlRefused as refused:
            self.findings.leave((*self.at, "query"), query, f"queries are run by DuckDB; {refused}")
            return
        self._demand(Query(query), words)

    def _custom(self) -> None:
        engine = re.sub(r"[^a-z0-9]", "", (self.entry.engine or "").lower())
        if not engine:
            raise self._error(("engine",), self.entry.engine, f"the name of an engine, such as {ENGINE}")
        implementation = self._implementation()
        if engine == ENGINE:
            self._ours(implementation)
            return
        made = self.engines.get(engine)
        if made is None:
            reason = f"{self.entry.engine} is not run here; say it as a metric, as SQL, or as `engine: {ENGINE}`"
            self.findings.leave(self.at, f"{self.entry.engine}: {self.entry.implementation}", reason)
            return
        column = self.column.name if self.column else ""
        try:
            rules = tuple(made(implementation, column))
        except ValueError as refused:
            self.findings.leave(self.at, f"{self.entry.engine}: {self.entry.implementation}", str(refused))
            return
        for number, rule in enumerate(rules, 1):
            aside = self._overriding(rule, column)
            name = f"{aside.name}_{number}" if aside.name and number > 1 else aside.name
            self.findings.demand(self.at, rule.check, replace(aside, name=name))

    def _implementation(self) -> Any:
        given = self.entry.implementation
        if not isinstance(given, str):
            return given
        try:
            return read_plain(self.findings.document.path, "an implementation", given).data
        except ContractError:
            return given

    def _overriding(self, rule: Rule, column: str) -> Aside:
        """What the entry itself says goes before what its implementation does."""
        given = self._aside({}, counts_failures=True)
        return Aside(
            given.name or rule.name,
            rule.bounds,
            given.severity if self.entry.severity else rule.severity,
            rule.where,
            given.dimension or rule.dimension,
            given.description or rule.description,
            column,
        )

    def _ours(self, said: Any) -> None:
        if not isinstance(said, Mapping):
            raise self._error(("implementation",), said, "a mapping: a check, its columns and what is demanded")
        own = {key: said[key] for key in ("where", "unit", *OPERATORS, OUTSIDE) if key in said}
        check = {str(key): value for key, value in said.items() if key not in own}
        kind = KINDS.get(str(check.get("check")))
        fields = kind.__dataclass_fields__ if kind else {}
        if self.column and "column" in fields:
            check.setdefault("column", self.column.name)
        if self.column and "columns" in fields and "column" not in fields:
            check.setdefault("columns", [self.column.name])
        where = own.get("where", "")
        if not isinstance(where, str):
            raise self._error(("implementation", "where"), where, "a condition, as a text")
        try:
            made = from_mapping(check)
        except CheckRefused as refused:
            place = ("implementation", *filter(None, re.split(r"[.\[]", refused.key.replace("]", ""))))
            raise self._error(place, refused.found, refused.allowed) from None
        self._demand(made, {**self.entry.model_dump(exclude_none=True), **own}, where)

    def _demand(self, check: Check, words: Mapping[str, Any], where: str = "") -> None:
        counts = not isinstance(check, Measure | Query)
        self.findings.demand(self.at, check, self._aside(words, counts_failures=counts, where=where))

    def _aside(self, words: Mapping[str, Any], *, counts_failures: bool, where: str = "") -> Aside:
        entry = self.entry
        severity = severity_of(entry.severity)
        if severity is None:
            self.findings.leave(
                (*self.at, "severity"), f"severity {entry.severity}", "it is none of error, warning, info …: an error"
            )
        said = (entry.dimension or "").strip()
        dimension = DIMENSIONS.get(said, said)
        if dimension and dimension not in DIMENSIONS.values():
            names = list(DIMENSIONS.values())
            raise self._error(("dimension",), said, f"one of {', '.join(names)}{did_you_mean(said, names)}")
        return Aside(
            name=(entry.name or entry.id or "").strip(),
            bounds=self._bounds(words, counts_failures) if words else NONE,
            severity=severity or Severity.ERROR,
            where=where,
            dimension=dimension,
            description=(entry.description or "").strip(),
            column=self.column.name if self.column else "",
        )

    def _bounds(self, words: Mapping[str, Any], counts_failures: bool) -> Bounds:
        unit = unit_of(words.get("unit")) or Unit.ROWS
        try:
            bounds = bounds_of(words, unit, counts_failures=counts_failures)
        except CheckRefused as refused:
            raise self._error((refused.key,), refused.found, refused.allowed) from None
        if bounds is None and (self.entry.type != "custom" or not counts_failures):
            if self.entry.rule in ("nullCheck", "uniqueCheck", "unique"):
                return NONE
            raise self._error((), "no operator", f"one of {', '.join(OPERATORS)}")
        return NONE if bounds is None else bounds

    def _error(self, place: tuple[str, ...], found: object, allowed: str) -> Exception:
        return self.findings.document.error((*self.at, *place), found, allowed)
