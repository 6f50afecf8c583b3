"""Findings as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.finding import Finding


def json_report(analyses: Sequence[Analysis]) -> str:
    """One document: `findings`, `unread` for what is not SQL of the engine, `skipped` for what is not understood."""
    document = {
        "findings": [as_mapping(finding) for one in analyses for finding in one.findings],
        "unread": [
            {"file": error.file, "line": error.line, "column": error.column, "reason": error.reason}
            for one in analyses
            for error in one.unread
        ],
        "skipped": [
            {"file": place.file, "line": place.line, "column": place.column}
            for one in analyses
            for statement in one.skipped
            for place in [statement.source.place(statement.start, statement.end)]
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_mapping(finding: Finding) -> dict[str, Any]:
    """One finding, flat as far as it is: the keys are stable."""
    place, effect, rewrite = finding.place, finding.effect, finding.rewrite
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "message": finding.message,
        "why": finding.why,
        "evidence": list(finding.evidence),
        "effect": {"text": effect.text, "basis": effect.basis.value} if effect else None,
        "rewrite": {
            "sql": rewrite.sql,
            "proof": rewrite.proof.verdict.value,
            "datasets": rewrite.proof.datasets,
            "counter_example": rewrite.proof.counter_example,
            "reason": rewrite.proof.reason,
            "assumes": rewrite.proof.assumes,
        }
        if rewrite
        else None,
    }
