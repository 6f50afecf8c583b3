"""From a properties file of dbt to suites: one for each model, seed, snapshot and table of a source.

The tests by name belong in `dbt_tests` and `dbt_expectations`. dbt renders Jinja; nobody does here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataeng_assets.contracts.checks.kinds import (
    HasColumns,
    Holds,
    Measure,
    Metric,
    NotNull,
    OfType,
    References,
    Unique,
)
from dataeng_assets.contracts.checks.rule import Bounds, Severity, Suite, SuiteColumn
from dataeng_assets.contracts.convert.collect import Collector
from dataeng_assets.contracts.convert.conditions import all_of
from dataeng_assets.contracts.convert.dbt_arguments import NotSaid, TestArguments, outcomes, plain_column
from dataeng_assets.contracts.convert.dbt_expectations import EXPECTATIONS
from dataeng_assets.contracts.convert.dbt_queries import HOURS
from dataeng_assets.contracts.convert.dbt_tests import TESTS, Reader
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place, Plain, plain_of, shortened

EXPECTED = "a properties file of dbt: a mapping with models, sources, seeds or snapshots"
KINDS = ("models", "seeds", "snapshots", "sources")
_OTHERS = ("analyses", "exposures", "groups", "macros", "metrics", "saved_queries", "semantic_models", "unit_tests")
"""What a properties file may hold that is no table."""
READERS: Mapping[str, Reader] = {**TESTS, **{f"dbt_expectations.{name}": read for name, read in EXPECTATIONS.items()}}
_SETTINGS = {
    "name", "config", "description", "severity", "tags", "enabled", "where", "limit", "warn_if", "error_if",
    "fail_calc", "store_failures", "store_failures_as", "meta", "database", "schema", "alias",
}  # fmt: skip


def read_dbt(given: Path | Mapping[str, Any] | Plain) -> tuple[Suite, ...]:
    """The suites of a properties file; none of one that speaks about no table, such as one of exposures.

    Raises:
        ContractError: it is none, or a test lacks what it needs.
    """
    plain = plain_of(given, EXPECTED, is_properties)
    suites = []
    for kind in KINDS:
        for number, one in enumerate(plain.data.get(kind) or []):
            if kind != "sources":
                suites.append(_suite(plain, one, (kind, number)))
                continue
            for position, table in enumerate(_list(plain, one, "tables", (kind, number))):
                suites.append(_suite(plain, _inherited(one, table), (kind, number, "tables", position)))
    if not suites and not any(plain.data.get(kind) for kind in _OTHERS):
        raise plain.error((), shortened(plain.data), EXPECTED)
    return tuple(suites)


def is_properties(data: Any) -> bool:
    """Whether a document has the form of a properties file."""
    return isinstance(data, dict) and any(isinstance(data.get(kind), list) for kind in (*KINDS, *_OTHERS))


def _inherited(source: Mapping[str, Any], table: Any) -> Any:
    """A table of a source, with the freshness that the source says for all of its tables."""
    if not isinstance(table, dict):
        return table
    ours, theirs = _mapping(table.get("config")), _mapping(source.get("config"))
    said = {}
    for word in ("freshness", "loaded_at_field"):
        places = (ours, table, theirs, source)
        said[word] = next((place[word] for place in places if word in place), None)
    return {**table, **said}


def _suite(plain: Plain, said: Any, place: Place) -> Suite:
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        raise plain.error(place, shortened(said), "a mapping with name and columns")
    reader = _TableReader(plain, said["name"])
    reader.read(said, place)
    for number, test in enumerate(plain.data.get("unit_tests") or []):
        if isinstance(test, dict) and test.get("model") == said["name"]:
            reader.collector.leave(
                ("unit_tests", number),
                test.get("name"),
                "a test of the model's SQL with rows of its own: `dbt test` runs it",
            )
    config = _mapping(said.get("config"))
    meta = {**_mapping(said.get("meta")), **_mapping(config.get("meta"))}
    return Suite(
        name=said["name"],
        id=str(_mapping(meta.get("dataeng")).get("contract", said["name"])),
        version=str(_mapping(meta.get("dataeng")).get("contract_version", "")),
        description=str(said.get("description", "")).strip(),
        owner=str(_mapping(meta.get("dataeng")).get("owner") or meta.get("owner") or said.get("group") or ""),
        columns=reader.columns(),
        rules=tuple(reader.collector.rules),
        key=reader.key(),
        not_executed=tuple(reader.collector.left),
    )


class _TableReader:
    def __init__(self, plain: Plain, name: str) -> None:
        self._plain, self._name = plain, name
        self.collector = Collector(plain)
        self._known: dict[str, SuiteColumn] = {}
        self._primary: tuple[str, ...] = ()

    def read(self, said: Mapping[str, Any], place: Place) -> None:
        """The rules of a table."""
        columns = _list(self._plain, said, "columns", place)
        for number, column in enumerate(columns):
            if not isinstance(column, dict) or not isinstance(column.get("name"), str):
                raise self._plain.error((*place, "columns", number), shortened(column), "a mapping with name")
        names = tuple(plain_column(column["name"]) for column in columns)
        config = _mapping(said.get("config"))
        enforced = _mapping(config.get("contract", said.get("contract"))).get("enforced") is True
        if names:
            self.collector.add((*place, "columns"), HasColumns(names, exactly=enforced))
        for number, column in enumerate(columns):
            self._column(column, (*place, "columns", number))
        self._constraints(said, place, "")
        self._freshness(said, place)
        self._tests(said, place, "")

    def columns(self) -> tuple[SuiteColumn, ...]:
        """What is known of the columns, in order."""
        required = {
            rule.check.column
            for rule in self.collector.rules
            if isinstance(rule.check, NotNull) and not rule.where and rule.severity is Severity.ERROR
        }
        return tuple(
            SuiteColumn(one.name, one.logical, one.physical, one.name not in required, one.personal, one.description)
            for one in self._known.values()
        )

    def key(self) -> tuple[str, ...]:
        """The columns that tell rows apart: the primary key, else what is unique and always there."""
        if self._primary:
            return self._primary
        always = {column.name for column in self.columns() if not column.nullable}
        unique = [
            rule.check.columns for rule in self.collector.rules if isinstance(rule.check, Unique) and not rule.where
        ]
        return next((one for one in unique if set(one) <= always), next(iter(unique), ()))

    def _column(self, said: Mapping[str, Any], place: Place) -> None:
        name = plain_column(said["name"])
        config = _mapping(said.get("config"))
        meta = {**_mapping(said.get("meta")), **_mapping(config.get("meta"))}
        personal = any(
            about.get(word) is True
            for about in (meta, _mapping(meta.get("dataeng")))
            for word in ("personal", "pii", "contains_pii")
        )
        physical = str(said.get("data_type") or "")
        self._known[name] = SuiteColumn(name, "", physical, True, personal, str(said.get("description", "")).strip())
        if physical:
            self.collector.add((*place, "data_type"), OfType(name, physical=physical))
        self._constraints(said, place, name)
        self._tests(said, place, name)

    def _constraints(self, said: Mapping[str, Any], place: Place, column: str) -> None:
        for number, one in enumerate(_list(self._plain, said, "constraints", place)):
            at: Place = (*place, "constraints", number)
            kind = one.get("type") if isinstance(one, dict) else one
            columns = (column,) if column else tuple(map(plain_column, _list(self._plain, one, "columns", at)))
            severity = {"description": str(one.get("name", ""))}
            if kind == "not_null" or kind == "primary_key":
                for name in columns:
                    self.collector.add(at, NotNull(name))
            if kind in ("unique", "primary_key"):
                self.collector.add(at, Unique(columns), **severity)
                self._primary = columns if kind == "primary_key" else self._primary
            elif kind == "check":
                self.collector.add(at, Holds(str(one.get("expression", "true"))), name=str(one.get("name", "")))
            elif kind == "foreign_key" and "to" in one:
                arguments = TestArguments(
                    self._plain, at, {"to": one["to"], "field": one.get("to_columns", [])}, column
                )
                self.collector.add(at, References(columns, arguments.table("to"), arguments.texts("field")))
            elif kind not in ("not_null", "primary_key", "unique"):
                self.collector.leave(at, one, f"a constraint of type {kind!r} has a meaning to its database alone")

    def _freshness(self, said: Mapping[str, Any], place: Place) -> None:
        freshness, field = _mapping(said.get("freshness")), said.get("loaded_at_field")
        for word, severity in (("error_after", Severity.ERROR), ("warn_after", Severity.WARNING)):
            limit = _mapping(freshness.get(word))
            if not limit.get("count"):
                continue
            at: Place = (*place, "freshness", word)
            hours = limit["count"] * HOURS.get(str(limit.get("period")), 0)
            if not hours or not isinstance(field, str) or not field.isidentifier():
                self.collector.leave(
                    at, {word: limit, "loaded_at_field": field}, "no column says when a row was loaded"
                )
                continue
            measure, bounds = Measure(Metric.HOURS_OLD, field), Bounds(upper=hours)
            where = str(freshness.get("filter") or "")
            self.collector.add(at, measure, name="freshness", bounds=bounds, severity=severity, where=where)

    def _tests(self, said: Mapping[str, Any], place: Place, column: str) -> None:
        for word in ("data_tests", "tests"):
            for number, test in enumerate(_list(self._plain, said, word, place)):
                self._test(test, (*place, word, number), column)

    def _test(self, test: Any, place: Place, column: str) -> None:
        name, said, config, own_name = _parts(self._plain, test, place)
        reader = READERS.get(name.removeprefix("dbt."))
        if config.get("enabled") is False:
            self.collector.leave(place, test, "it is switched off by enabled: false")
            return
        if reader is None:
            hint = did_you_mean(name, list(READERS))
            self.collector.leave(place, test, f"no test of dbt, dbt_utils, dbt_expectations or this project{hint}")
            return
        arguments = TestArguments(self._plain, place, said, column)
        try:
            demanded = reader(arguments)
            arguments.finish()
            where = _where(config)
            results = list(outcomes(config))
        except NotSaid as reason:
            self.collector.leave(place, test, str(reason))
            return
        for severity, bounds in results if demanded.bounds is None else [(results[0][0], demanded.bounds)]:
            self.collector.add(
                place, demanded.check, name=own_name, bounds=bounds, severity=severity,
                where=all_of([demanded.where, where]), description=str(config.get("description", "")),
            )  # fmt: skip


def _parts(plain: Plain, test: Any, place: Place) -> tuple[str, dict[str, Any], dict[str, Any], str]:
    """A test's name, its arguments, its settings and the name it was given."""
    if isinstance(test, str):
        return test, {}, {}, ""
    if isinstance(test, dict) and "test_name" in test:
        test = {test["test_name"]: {name: value for name, value in test.items() if name != "test_name"}}
    if not isinstance(test, dict) or len(test) != 1 or not isinstance(next(iter(test)), str):
        raise plain.error(place, shortened(test), "the name of a test, or a mapping with its name and arguments")
    ((name, said),) = test.items()
    said = said or {}
    if not isinstance(said, dict):
        raise plain.error((*place, name), shortened(said), "a mapping of arguments")
    config = {word: value for word, value in said.items() if word in _SETTINGS - {"name", "config"}}
    arguments = {word: value for word, value in said.items() if word not in _SETTINGS | {"arguments"}}
    arguments |= _mapping(said.get("arguments"))
    return name, arguments, {**config, **_mapping(said.get("config"))}, str(said.get("name", ""))


def _where(config: Mapping[str, Any]) -> str:
    where = str(config.get("where") or "")
    if "{{" in where or "{%" in where:
        raise NotSaid("its where holds Jinja, which dbt alone renders; write the condition down")
    return where


def _list(plain: Plain, said: Any, word: str, place: Place) -> list[Any]:
    value = said.get(word) if isinstance(said, dict) else None
    if value is not None and not isinstance(value, list):
        raise plain.error((*place, word), shortened(value), "a list")
    return value or []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
