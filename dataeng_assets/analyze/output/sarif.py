"""Findings as SARIF 2.1.0, which code hosts show beside the line.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.finding import Finding, Severity
from dataeng_assets.analyze.rules import RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(analyses: Sequence[Analysis]) -> str:
    """The findings as one run; what could not be read is told as the run's notifications."""
    found = [finding for one in analyses for finding in one.findings]
    unread = [error for one in analyses for error in one.unread]
    run = {
        "tool": {
            "driver": {
                "name": "dataeng",
                "semanticVersion": version("dataeng-assets"),
                "rules": [_rule(name) for name in sorted({finding.rule for finding in found})],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not unread,
                "toolExecutionNotifications": [{"level": "error", "message": {"text": str(one)}} for one in unread],
            }
        ],
        "results": [_result(finding) for finding in found],
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(name: str) -> dict[str, Any]:
    """A rule's entry; those that are not about SQL have their id alone."""
    rule = next((one for one in RULES if one.id == name), None)
    if rule is None:
        return {"id": name}
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why[None]},
        "help": {"text": f"Right all the same: {rule.when_not}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(finding: Finding) -> dict[str, Any]:
    place = finding.place
    identity = f"{finding.rule}\0{place.file}\0{place.line}\0{place.column}"
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": " ".join([finding.message, finding.why, *finding.evidence])},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(PurePath(place.file).as_posix(), safe="/:")},
                    "region": {
                        "startLine": place.line,
                        "startColumn": place.column,
                        "endLine": place.end_line,
                        "endColumn": place.end_column,
                    },
                }
            }
        ],
        "partialFingerprints": {"ruleAndPlace/v1": hashlib.sha256(identity.encode()).hexdigest()},
    }
