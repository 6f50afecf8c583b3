"""Remedies that are safe without a person: each looks again before it acts, and says what it did.

Safe is what loses no row, ends nothing that lives and can be done twice. Everything else is a command to copy.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

from dataeng_assets.doctor.finding import Finding, safe
from dataeng_assets.doctor.probes.tables import streams_by_table
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.upkeep import checkpoint
from dataeng_assets.orchestration.ask_again import ask_for_days, made_by
from dataeng_assets.orchestration.asset_facts import last_materialized
from dataeng_assets.orchestration.lake_upkeep import merge_closed
from dataeng_assets.orchestration.pools import free_places
from dataeng_assets.orchestration.run_facts import end_lost_run

STALE = "stale-data"


def fix(scope: Scope, findings: Sequence[Finding]) -> Iterator[str]:
    """Do what is safe about findings; a sentence for each that something was tried for.

    Days are asked for last and together, so that one run reads the tables of a source in one snapshot.
    """
    for finding in findings:
        remedy = FIXES.get(finding.cause)
        if remedy:
            yield f"{finding.where}: {_tried(partial(remedy, scope, finding))}"
    for source in scope.sources:
        tables = {".".join(table.key) for table in source.tables}
        stale = [one for one in findings if one.cause == STALE and one.where in tables]
        if stale:
            yield f"source {source.name}: {_tried(partial(_ask_again, scope, stale))}"


def _tried(remedy: Callable[[], str]) -> str:
    try:
        return remedy()
    except Exception as error:  # noqa: BLE001  # one remedy that fails is told, and the others are still tried
        return f"not mended, {safe(f'{type(error).__name__}: {error}')}"


def _ask_again(scope: Scope, stale: Sequence[Finding]) -> str:
    left = {}
    since = {}
    for one in stale:
        at = last_materialized(scope.instance, one.where)
        if one.at is None or at is None or at > one.at:
            left[one.where] = "it was made meanwhile"
        elif maker := made_by(scope.instance, one.where):
            left[one.where] = f"{maker} is about to make it"
        else:
            since[one.where] = at.date()
    said = [f"left {key} alone: {why}" for key, why in left.items()]
    if since:
        said.append(_asked(scope, since))
    return "; ".join(said)


def _asked(scope: Scope, since: Mapping[str, date]) -> str:
    asked = ask_for_days(scope.definitions, scope.instance, since, min(since.values()), "dataeng doctor --fix")
    if asked is None:
        return f"left {', '.join(since)} alone: no day since then has a partition"
    begins = "" if asked.is_seen else ". It begins when the daemon runs: make dev"
    return f"asked for {asked.first} to {asked.last} of {', '.join(since)}, as backfill {asked.backfill}{begins}"


def _end_run(scope: Scope, finding: Finding) -> str:
    if end_lost_run(scope.instance, finding.names["RUN"]):
        return "recorded that the run has failed, and gave its places in the pools back. Start it again"
    return "left alone: the run has ended, or its process lives"


def _free_places(scope: Scope, finding: Finding) -> str:
    freed = free_places(scope.instance, finding.names["RUN"])
    return (
        f"gave back {freed} places of run {finding.names['RUN']}" if freed else "left alone: nothing is held any more"
    )


def _merge(scope: Scope, finding: Finding) -> str:
    key = tuple(finding.names["TABLE"].split("."))
    stream = streams_by_table(scope).get(key)
    merged = merge_closed(scope.lake, key, stream) if stream else compact(scope.lake.open(key))
    return f"merged {merged:,} files" if merged else "left alone: another process merges it, or has done so"


def _checkpoint(scope: Scope, finding: Finding) -> str:
    if "TABLE" not in finding.names:
        return "left alone: it is a run's, and no table's"
    return f"wrote the checkpoint of version {checkpoint(scope.lake, finding.names['TABLE'].split('.')):,}"


FIXES: Mapping[str, Callable[[Scope, Finding], str]] = {
    "failing-checkpoint": _checkpoint,
    "killed-run": _end_run,
    "small-files": _merge,
    "stuck-pool": _free_places,
}
