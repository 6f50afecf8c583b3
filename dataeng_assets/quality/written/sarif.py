"""SARIF 2.1.0, which code hosts show beside the line of a contract that was broken.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import hashlib
import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from dataeng_assets.contracts.checks.rule import Severity
from dataeng_assets.contracts.checks.words import demanded, kind_of
from dataeng_assets.quality.results import RuleResult, TableResult
from dataeng_assets.quality.written.json_report import dumped, plain
from dataeng_assets.quality.written.words import (
    Outcome,
    allowed,
    empty_input,
    from_root,
    iso,
    outcome,
    together,
    told_columns,
    visible,
)

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KINDS = {
    Outcome.VIOLATED: ("fail", "error"),
    Outcome.WARNING: ("fail", "warning"),
    Outcome.UNDECIDED: ("open", "none"),
    Outcome.NOTHING: ("notApplicable", "none"),
}
"""Kind and level; a rule that holds has no result."""
_FILE_AND_LINE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]*)", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def sarif(results: Sequence[TableResult]) -> str:
    """The results as one run of SARIF; what could not be decided is told as the run's notifications, too."""
    told = [(table, one) for table in results for one in table.results]
    run = {
        "tool": {
            "driver": {
                "name": "dataeng",
                "semanticVersion": version("dataeng-assets"),
                "rules": [_rule(table, one) for table, one in told],
            }
        },
        "invocations": [_invocation(results)],
        "results": [_result(table, one, index) for index, (table, one) in enumerate(told) if outcome(one) in _KINDS],
        "columnKind": "unicodeCodePoints",
        "properties": {"overallStatus": together(results).value},
    }
    whole = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return dumped(whole)


def _id(table: TableResult, one: RuleResult) -> str:
    return visible(f"{table.suite.name}/{one.rule.name}")


def _rule(table: TableResult, one: RuleResult) -> dict[str, Any]:
    rule = one.rule
    said = visible(rule.description or demanded(rule))
    return {
        "id": _id(table, one),
        "name": visible(rule.name),
        "shortDescription": {"text": said},
        "fullDescription": {"text": f"{said} (allowed: {allowed(rule)})" if allowed(rule) else said},
        "defaultConfiguration": {"level": "warning" if rule.severity is Severity.WARNING else "error"},
        "properties": {"tags": [tag for tag in (kind_of(rule.check), visible(rule.dimension)) if tag]},
    }


def _result(table: TableResult, one: RuleResult, index: int) -> dict[str, Any]:
    kind, level = _KINDS[outcome(one)]
    parts = [one.reason or outcome(one).value, f"Next step: {one.next_step}" if one.next_step else ""]
    identity = hashlib.sha256(f"{table.suite.name}\0{one.rule.name}".encode("utf-8", "replace")).hexdigest()
    return {
        "ruleId": _id(table, one),
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": " ".join(visible(part) for part in parts if part)},
        "analysisTarget": {"uri": _uri(table.input)},
        "locations": [_location(table, one)],
        "partialFingerprints": {"tableAndRule/v1": identity},
        "properties": {
            "status": one.status.value,
            "value": plain(one.value),
            "judged": one.judged,
            "failing": one.failing,
            "numbers": {visible(name): plain(value) for name, value in one.numbers.items()},
            "dataVersion": visible(table.data_version),
            "contractVersion": visible(table.suite.version),
        },
    }


def _location(table: TableResult, one: RuleResult) -> dict[str, Any]:
    """The line of the contract where the rule stands; the input when it was not read from a file."""
    found = _FILE_AND_LINE.fullmatch(from_root(one.rule.place))
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(found["file"] if found else table.input)}}
    if found:
        physical["region"] = {"startLine": int(found["line"])}
    name = visible(table.suite.name)
    columns = [visible(column) for column in told_columns(one.rule.check)]
    logical = [{"fullyQualifiedName": f"{name}.{column}", "name": column, "kind": "member"} for column in columns]
    return {
        "physicalLocation": physical,
        "logicalLocations": logical or [{"fullyQualifiedName": name, "name": name, "kind": "type"}],
    }


def _invocation(results: Sequence[TableResult]) -> dict[str, Any]:
    undecided = [
        _notice("error", f"{table.suite.name}: {one.rule.name}: {one.reason}")
        for table in results
        for one in table.results
        if outcome(one) is Outcome.UNDECIDED
    ]
    undecided += [_notice("error", f"{table.suite.name}: {empty_input(table)}") for table in results
                  if empty_input(table)]  # fmt: skip
    passed_over = [
        _notice("warning", f"{table.suite.name}: {from_root(said.place)}: not executed: {said.said}: {said.reason}")
        for table in results
        for said in table.not_executed
    ]
    ends = [table.judged_at for table in results]
    return {
        "executionSuccessful": not undecided,
        "toolExecutionNotifications": undecided,
        "toolConfigurationNotifications": passed_over,
        **({"endTimeUtc": iso(max(ends))} if ends else {}),
    }


def _notice(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": visible(text)}}


def _uri(place: str) -> str:
    """A path or address as a URI reference; what a URI cannot hold is written with percent signs."""
    text = place.encode("utf-8", "replace").decode("utf-8").replace("\\", "/")
    scheme = _SCHEME.match(text)
    if scheme:
        return scheme.group() + quote(text[scheme.end() :], safe="/!$&'()*+,;=@~:")
    return ("file://" if text.startswith("/") else "") + quote(text, safe="/!$&'()*+,;=@~")
