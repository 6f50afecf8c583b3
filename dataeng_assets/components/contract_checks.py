"""A contract's rules as checks of its asset: one check per subject, such as completeness or uniqueness.

Judging belongs in `quality.incoming`; the columns and their types are checked where the rows are written.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from dataeng_assets.contracts.checks.rule import Severity, Suite
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.outcomes import not_evaluated
from dataeng_assets.orchestration.quality_summary import summary
from dataeng_assets.quality.incoming import judge_incoming, judged_rules
from dataeng_assets.quality.inputs.opened import InputUnreadable
from dataeng_assets.quality.results import RuleResult, Status, TableResult
from dataeng_assets.quality.results_store import record
from dataeng_assets.quality.selection import SUBJECTS, subject_of
from dataeng_assets.quality.written.markdown import rules_table


def contract_checks(key: dg.AssetKey, suite: Suite) -> list[dg.AssetCheckSpec]:
    """A check for each subject that the contract has rules about."""
    subjects = {subject_of(rule.check) for rule in judged_rules(suite)}
    return [
        dg.AssetCheckSpec(
            subject,
            asset=key,
            description=f"The contract's rules about {subject}: "
            + ", ".join(rule.name for rule in judged_rules(suite) if subject_of(rule.check) == subject),
        )
        for subject in SUBJECTS
        if subject in subjects
    ]


def contract_results(key: dg.AssetKey, suite: Suite, lake: Lake, run_id: str) -> Iterator[dg.AssetCheckResult]:
    """Judge what a run has brought, keep the results for the report, and tell them by subject."""
    checks = [spec.name for spec in contract_checks(key, suite)]
    if not checks:
        return
    try:
        result = judge_incoming(key.path, suite)
    except InputUnreadable as unreadable:
        yield from (not_evaluated(str(unreadable), asset_key=key, check_name=name) for name in checks)
        return
    dotted = ".".join(key.path)
    record(lake, {dotted: result}, run_id=run_id)
    for name in checks:
        of_subject = [one for one in result.results if subject_of(one.rule.check) == name]
        yield _told(key, name, of_subject, _standing(dotted, result))


def _standing(dotted: str, result: TableResult) -> Mapping[str, Any]:
    """What every check tells: which data and which contract were judged, and where the report is."""
    told = summary(dotted, result)
    return {name: told[name] for name in ("contract_version", "data_version", "rows_judged", "report")}


def _told(key: dg.AssetKey, name: str, results: list[RuleResult], standing: Mapping[str, Any]) -> dg.AssetCheckResult:
    metadata = {"rules": dg.MetadataValue.md(rules_table(results)), **standing}
    violated = [one for one in results if one.status is Status.VIOLATED]
    undecided = [one for one in results if one.status is Status.UNDECIDED]
    if not violated and (undecided or all(one.status is Status.NOTHING for one in results)):
        why = (undecided or results)[0].reason
        return not_evaluated(why, asset_key=key, check_name=name, metadata=metadata)
    errors = [one for one in violated if one.rule.severity is Severity.ERROR]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not violated,
        severity=dg.AssetCheckSeverity.ERROR if errors else dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{one.rule.name}: {one.reason}" for one in violated) or None,
        metadata=metadata,
    )
