"""A contract's rules as checks of its asset: one check per subject, such as completeness or uniqueness.

A broken rule whose severity is error blocks by the ledger: it holds back the days that the broken rows touch, and no
others. To Dagster these checks are not `blocking`: all tables of a source are one step, so that would fail the step for
every table of it, try it again, and stop all days; and what is made of bronze is asked for in runs of its own.

Judging belongs in `quality.incoming`, holding back in `orchestration.ledger.doubt`; the columns and their types are
checked where the rows are written.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from dataeng_assets.contracts.checks.rule import Severity, Suite
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.dbt import targets
from dataeng_assets.orchestration.ledger.doubt import Held, settle
from dataeng_assets.orchestration.ledger.entries import doubts
from dataeng_assets.orchestration.ledger.targets import Targets
from dataeng_assets.orchestration.outcomes import not_evaluated
from dataeng_assets.orchestration.quality_summary import summary
from dataeng_assets.quality.incoming import judge_incoming, judged_rules
from dataeng_assets.quality.inputs.opened import InputUnreadable
from dataeng_assets.quality.results import RuleResult, Status, TableResult
from dataeng_assets.quality.results_store import record
from dataeng_assets.quality.selection import SUBJECTS, subject_of
from dataeng_assets.quality.written.markdown import rules_table

_NAMED = 10
_NEXT_STEP = (
    "Correct the rows at their source: the days are built when a run has read them good. Or correct the rule in the "
    "contract (`severity: warning`, or a condition), if the rows are right. Or materialize the days by hand, which "
    "takes the rows as they are."
)


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


def contract_results(
    key: dg.AssetKey, suite: Suite, lake: Lake, run_id: str, targets: Callable[[], Targets] = targets
) -> Iterator[dg.AssetCheckResult]:
    """Judge what a run has brought, hold back what errors touch, keep the results, and tell them by subject.

    Args:
        key: of the bronze table.
        suite: its contract's.
        lake: where it lies.
        run_id: of the run that has brought the rows.
        targets: what is made of bronze; asked for when there is something to hold back, or to let go.
    """
    checks, dotted = [spec.name for spec in contract_checks(key, suite)], ".".join(key.path)
    doubted = {doubt.run_id for doubt in doubts(lake, dotted)}
    if not checks:
        if doubted:
            settle(lake, targets(), dotted, version=lake.open(key.path).version(), broken="", run_id=run_id)
        return
    try:
        incoming = judge_incoming(key.path, suite, doubted=doubted)
    except InputUnreadable as unreadable:
        yield from (not_evaluated(str(unreadable), asset_key=key, check_name=name) for name in checks)
        return
    result = incoming.result
    record(lake, {dotted: result}, run_id=run_id)
    held: Sequence[Held] = ()
    if incoming.broken or (doubted and not _is_undecided(result)):
        version = int(result.data_version)
        held = settle(lake, targets(), dotted, version=version, broken=incoming.broken, run_id=run_id)
    for name in checks:
        of_subject = [one for one in result.results if subject_of(one.rule.check) == name]
        yield _told(key, name, of_subject, _standing(dotted, result), held)


def _is_undecided(result: TableResult) -> bool:
    """Whether nobody knows if the errors of before are gone."""
    return any(one.rule.severity is Severity.ERROR for one in result.by_status(Status.UNDECIDED))


def _standing(dotted: str, result: TableResult) -> Mapping[str, Any]:
    """What every check tells: which data and which contract were judged, and where the report is."""
    told = summary(dotted, result)
    return {name: told[name] for name in ("contract_version", "data_version", "rows_judged", "report")}


def _told(
    key: dg.AssetKey, name: str, results: list[RuleResult], standing: Mapping[str, Any], held: Sequence[Held]
) -> dg.AssetCheckResult:
    metadata = {"rules": dg.MetadataValue.md(rules_table(results)), **standing}
    violated = [one for one in results if one.status is Status.VIOLATED]
    undecided = [one for one in results if one.status is Status.UNDECIDED]
    if not violated and (undecided or all(one.status is Status.NOTHING for one in results)):
        why = (undecided or results)[0].reason
        return not_evaluated(why, asset_key=key, check_name=name, metadata=metadata)
    errors = [one for one in violated if one.rule.severity is Severity.ERROR]
    if errors:
        metadata |= {"held_back": _held_back(held), "next_step": _NEXT_STEP}
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not violated,
        severity=dg.AssetCheckSeverity.ERROR if errors else dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{one.rule.name}: {one.reason}" for one in violated) or None,
        metadata=metadata,
    )


def _held_back(held: Sequence[Held]) -> str:
    """What waits, in words: how many days of which model."""
    if not held:
        return "nothing: no model has days of these rows"
    counted = Counter(target for target, day in held if day)
    days = sorted({day for _, day in held if day})
    named = ", ".join(map(str, days[:_NAMED])) + (f" and {len(days) - _NAMED} more" if len(days) > _NAMED else "")
    parts = [f"{count} {'day' if count == 1 else 'days'} of {target}" for target, count in counted.items()]
    whole = [f"{target} as a whole" for target, day in held if day is None]
    return f"held: {', '.join([*parts, *whole])}" + (f" ({named})" if days else "") + "; and what is made of them"
