"""Remedies that are safe without a person: each looks again before it acts, and says what it did.

Safe is what loses no row, ends nothing that lives and can be done twice. Everything else is a command to copy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from dataeng_assets.doctor.finding import Finding, safe
from dataeng_assets.doctor.probes.tables import streams_by_table
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.upkeep import checkpoint
from dataeng_assets.orchestration.lake_upkeep import merge_closed
from dataeng_assets.orchestration.pools import free_places
from dataeng_assets.orchestration.run_facts import end_lost_run


def fix(scope: Scope, findings: Iterable[Finding]) -> Iterator[str]:
    """Do what is safe about findings; a sentence for each that something was tried for."""
    for finding in findings:
        remedy = FIXES.get(finding.cause)
        if remedy is None:
            continue
        try:
            yield f"{finding.where}: {remedy(scope, finding)}"
        except Exception as error:  # noqa: BLE001  # one remedy that fails is told, and the others are still tried
            yield f"{finding.where}: not mended, {safe(f'{type(error).__name__}: {error}')}"


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
