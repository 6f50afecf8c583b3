"""JSON for programs. Its fields are described by `docs/reference/report.schema.json` and stay as they are."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from dataeng_assets.contracts.checks.kinds import Measure, Metric, Unique
from dataeng_assets.contracts.checks.rule import Bounds, NotExecuted
from dataeng_assets.contracts.checks.words import kind_of
from dataeng_assets.quality.results import RuleResult, Sample, Status, TableResult
from dataeng_assets.quality.written.words import from_root, hours_old, iso, together, told_columns

STANDING = ("row_count", "freshness", "null_rates", "duplicates")
"""Entries of `checks` that every table has."""
NOT_CHECKED = "not_checked"
"""No rule speaks about it."""
_WORST_FIRST = (Status.VIOLATED, Status.UNDECIDED, Status.NOTHING, Status.HOLDS)


def json_report(results: Sequence[TableResult]) -> str:
    """The report of one table as an object; of any other number of tables, a list under `tables`."""
    tables = [table_object(result) for result in results]
    whole = tables[0] if len(tables) == 1 else {"tables": tables, "overall_status": together(results).value}
    return dumped(whole)


def dumped(value: Any) -> str:
    """A value as JSON in UTF-8, which NaN and half a pair of UTF-16 are not."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8") + "\n"


def table_object(result: TableResult) -> dict[str, Any]:
    """The report of one table as values of JSON."""
    return {
        "table": result.suite.name,
        "timestamp": iso(result.judged_at),
        "overall_status": result.overall.value,
        "contract": {
            "id": result.suite.id or result.suite.name,
            "version": result.suite.version,
            "owner": result.suite.owner,
        },
        "input": result.input,
        "data_version": result.data_version,
        "seconds": round(result.seconds, 3),
        "checks": {**_standing(result), **_by_rule(result)},
        "not_executed": [_not_executed(one) for one in result.not_executed],
    }


def rule_object(result: RuleResult) -> dict[str, Any]:
    """What became of one rule as values of JSON."""
    rule = result.rule
    return {
        "rule": rule.name,
        "kind": kind_of(rule.check),
        "columns": list(told_columns(rule.check)),
        "value": plain(result.value),
        "status": result.status.value,
        "severity": rule.severity.value,
        "judged": result.judged,
        "failing": result.failing,
        "share": result.failing / result.judged if result.judged and result.failing is not None else None,
        "numbers": {name: plain(value) for name, value in result.numbers.items()},
        "bounds": _bounds(rule.bounds),
        "where": rule.where,
        "dimension": rule.dimension,
        "description": rule.description,
        "place": from_root(rule.place),
        "reason": result.reason,
        "next_step": result.next_step,
        "samples": [sample_object(sample) for sample in result.samples],
    }


def sample_object(sample: Sample) -> dict[str, Any]:
    """A failing row as values of JSON."""
    return {"identity": dict(sample.identity), "values": dict(sample.values)}


def plain(value: Decimal | float | str | None) -> int | float | str | None:
    """A number as JSON can hold it; what no number of JSON is exactly, as text."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            return str(value)
        nearest = float(value)
        return nearest if Decimal(str(nearest)) == value else str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _standing(result: TableResult) -> dict[str, Any]:
    freshest, old = result.freshest, hours_old(result)
    return {
        "row_count": {"value": result.rows, "status": _status(_measuring(result, Metric.ROW_COUNT))},
        "freshness": {
            "column": freshest[0] if freshest else None,
            "max_timestamp": iso(freshest[1]) if freshest else None,
            "hours_old": None if old is None else round(old, 4),
            "status": _status(_measuring(result, Metric.HOURS_OLD)),
        },
        "null_rates": {column.name: column.nulls / result.rows if result.rows else None for column in result.columns},
        "duplicates": _duplicates(result),
    }


def _duplicates(result: TableResult) -> dict[str, Any]:
    unique = [one for one in result.results if isinstance(one.rule.check, Unique)]
    excess = [one.numbers.get("excess_rows") for one in unique]
    found = [number for number in excess if isinstance(number, int)]
    return {
        "value": max(found) if found else None,
        "status": _status(unique),
        "by_rule": {
            one.rule.name: {
                "columns": list(told_columns(one.rule.check)),
                "status": one.status.value,
                **{name: plain(one.numbers.get(name)) for name in ("groups", "excess_rows", "rows_involved")},
            }
            for one in unique
        },
    }


def _measuring(result: TableResult, metric: Metric) -> list[RuleResult]:
    return [one for one in result.results if isinstance(one.rule.check, Measure) and one.rule.check.metric is metric]


def _status(results: Iterable[RuleResult]) -> str:
    found = {result.status for result in results}
    return next((status.value for status in _WORST_FIRST if status in found), NOT_CHECKED)


def _by_rule(result: TableResult) -> Mapping[str, Any]:
    """An entry by the name of each rule; a rule that is called like a standing entry has `rule:` before its name."""
    return {
        f"rule:{one.rule.name}" if one.rule.name in STANDING else one.rule.name: rule_object(one)
        for one in result.results
    }


def _bounds(bounds: Bounds) -> dict[str, Any]:
    return {
        "lower": plain(bounds.lower),
        "upper": plain(bounds.upper),
        "lower_open": bounds.lower_open,
        "upper_open": bounds.upper_open,
        "unit": bounds.unit.value,
        "excluded": bounds.excluded,
        "said": str(bounds),
    }


def _not_executed(one: NotExecuted) -> dict[str, str]:
    return {"place": from_root(one.place), "said": one.said, "reason": one.reason}
