"""How a rule is written in ODCS: by a column's own words, as an entry below `quality`, or as a check of our own.

A rule has a word of its own when what would be read from that word is the rule; `convert.odcs_read` reads all of it.
"""

import math
import re
from collections.abc import Container, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from dataeng_assets.contracts.checks.as_mapping import as_mapping
from dataeng_assets.contracts.checks.consistent import named_columns, pattern_problem
from dataeng_assets.contracts.checks.formats import FORMATS
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Format,
    Holds,
    Length,
    Literal,
    Matches,
    Measure,
    Metric,
    MultipleOf,
    NotNull,
    Nulls,
    OneOf,
    Query,
    References,
    Unique,
)
from dataeng_assets.contracts.checks.naming import derived_name, unique_name
from dataeng_assets.contracts.checks.rule import NONE, Rule, Severity, SuiteColumn, Unit
from dataeng_assets.contracts.convert.odcs_options import elements_one_of
from dataeng_assets.contracts.convert.odcs_quality import ENGINE
from dataeng_assets.contracts.convert.odcs_words import OPERATORS, words_of

_REFERENCE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)+")
_PLACEHOLDER = re.compile(r"\$?\{(?!table\})(table|object|model|column|property|field)\}|\$\{table\}")
_TEXT_IN_LIST = re.compile(r"'((?:[^']|'')*)'")


def own_words(rule: Rule, column: SuiteColumn, taken: Container[str]) -> dict[str, Any]:
    """The column's own words for a rule; empty when it has none.

    Args:
        rule: of this column.
        column: whose words are wanted.
        taken: names of the rules that are read before; in its own words a rule is named when it is read.
    """
    name = unique_name(derived_name(rule.check, column.name), rule.check, taken)
    if rule != Rule(rule.check, name) or named_columns(rule.check) != (column.name,):
        return {}
    match rule.check:
        case Unique(nulls=Nulls.IGNORED):
            return {"unique": True}
        case OneOf() if not rule.check.negated and are_values(rule.check.values, column.logical):
            return {"enum": [{"value": in_document(value)} for value in rule.check.values]}
        case Holds() if column.logical == "array" and (texts := _elements(rule.check, column.name)):
            return {"items": {"logicalType": "string", "enum": [{"value": text} for text in texts]}}
        case References(nulls=Nulls.IGNORED, as_of=None) if _REFERENCE.fullmatch(_target(rule.check)):
            return {"relationships": [{"to": _target(rule.check)}]}
    options = _options(rule.check, column.logical)
    return {"logicalTypeOptions": options} if options else {}


def entry(rule: Rule, column: SuiteColumn | None) -> dict[str, Any]:
    """The entry below `quality` of the column, or of the table when there is none."""
    said = _library(rule, column) or _custom(rule, column)
    aside = {
        "severity": "warning" if rule.severity is Severity.WARNING else "",
        "dimension": rule.dimension,
        "description": rule.description,
    }
    return {"name": rule.name, **said, **{name: text for name, text in aside.items() if text}}


def are_values(values: Iterable[Any], logical: str) -> bool:
    """Whether values of a column's logical type stay what they are, written in a document."""
    found = list(values)
    distinct = all(not any(_same(value, other) for other in found[:i]) for i, value in enumerate(found))
    return bool(found) and distinct and all(_is_value(value, logical) for value in found)


def in_document(value: Literal) -> Any:
    """A value as ODCS writes it: dates and times are texts."""
    return value.isoformat() if isinstance(value, date) else value


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


def _is_value(value: Any, logical: str) -> bool:
    is_number = type(value) in (int, float) and math.isfinite(value)
    match logical:
        case "string" | "time":
            return isinstance(value, str)
        case "integer":
            return is_number and float(value).is_integer()
        case "number":
            return is_number
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return type(value) is date
        case "timestamp":
            return isinstance(value, datetime)
        case "":
            return is_number or isinstance(value, str | bool)
    return False


def _elements(check: Holds, column: str) -> list[str]:
    """The texts of a check that the elements of a list are among them."""
    texts = [text.replace("''", "'") for text in _TEXT_IN_LIST.findall(check.condition)]
    return texts if texts and are_values(texts, "string") and elements_one_of(column, texts) == check else []


def _target(check: References) -> str:
    return f"{check.table}.{check.to[0]}"


def _options(check: Check, logical: str) -> dict[str, Any]:
    match check:
        case Between():
            return _range(check, logical)
        case Length():
            words = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}.get(logical)
            sizes = zip(words or (), (check.minimum, check.maximum), strict=False)
            return {word: size for word, size in sizes if size is not None}
        case MultipleOf() if logical in ("integer", "number") and _is_value(check.divisor, "number"):
            return {"multipleOf": check.divisor}
        case Matches() if logical == "string" and _is_pattern(check):
            return {"pattern": check.patterns[0]}
        case Format() if logical == "string" and ("%" in check.format or check.format in FORMATS):
            return {"format": check.format}
    return {}


def _range(check: Between, logical: str) -> dict[str, Any]:
    kind = "number" if logical == "integer" else logical
    ends = (("minimum", check.minimum, check.minimum_open), ("maximum", check.maximum, check.maximum_open))
    said = {}
    for word, value, is_open in ends:
        if value is None and not is_open:
            continue
        if value is None or kind not in ("number", "date", "timestamp", "time") or not _is_value(value, kind):
            return {}
        said[f"exclusive{word.capitalize()}" if is_open else word] = in_document(value)
    return said


def _is_pattern(check: Matches) -> bool:
    return len(check.patterns) == 1 and not (check.any_of or check.negated) and not pattern_problem(check.patterns[0])


def _library(rule: Rule, column: SuiteColumn | None) -> dict[str, Any]:
    """The entry in the standard's own words; empty when they do not say it."""
    counts = not isinstance(rule.check, Measure | Query)
    words = words_of(rule.bounds, counts_failures=counts)
    if rule.where or len(words) != 1 or next(iter(words)) not in OPERATORS or "anything" in words.values():
        return {}
    metric = _metric(rule.check, column)
    if not metric or any(isinstance(value, Mapping) for value in words.values()):
        return {}
    if rule.bounds.unit is Unit.PERCENT:
        if metric.get("metric") == "rowCount":
            return {}
        words["unit"] = "percent"
    return {**metric, **words}


def _metric(check: Check, column: SuiteColumn | None) -> dict[str, Any]:
    match check:
        case Unique(columns, Nulls.IGNORED):
            alone = column is not None and columns == (column.name,)
            return {"metric": "duplicateValues"} | ({} if alone else {"arguments": {"properties": list(columns)}})
        case Measure(metric=Metric.ROW_COUNT):
            return {"metric": "rowCount"}
        case Query(sql) if not _PLACEHOLDER.search(sql) and sql == sql.strip().rstrip(";").strip():
            return {"type": "sql", "query": sql}
    if column is None:
        return {}
    match check:
        case NotNull(also_missing=()):
            return {"metric": "nullValues"}
        case NotNull():
            return {"metric": "missingValues", "arguments": {"missingValues": [None, *check.also_missing]}}
        case OneOf() if not check.negated and are_values(check.values, column.logical):
            values = [in_document(value) for value in check.values]
            return {"metric": "invalidValues", "arguments": {"validValues": values}}
        case Matches() if _is_pattern(check):
            return {"metric": "invalidValues", "arguments": {"pattern": check.patterns[0]}}
    return {}


def _custom(rule: Rule, column: SuiteColumn | None) -> dict[str, Any]:
    said = as_mapping(rule.check)
    if column is not None and said.get("column") == column.name:
        del said["column"]
    if rule.where:
        said["where"] = rule.where
    counts = not isinstance(rule.check, Measure | Query)
    if rule.bounds != NONE or not counts:
        said |= words_of(rule.bounds, counts_failures=counts)
        if rule.bounds.unit is Unit.PERCENT:
            said["unit"] = "percent"
    return {"type": "custom", "engine": ENGINE, "implementation": said}
