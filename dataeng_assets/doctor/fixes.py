"""Remedies that are safe without a person: each looks again before it acts, and says what it did.

Safe is what loses no row, ends nothing that lives and can be done twice. Everything else is a command to copy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from dataeng_assets.doctor.finding import Finding, safe
from dataeng_assets.doctor.scope import Scope
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


FIXES: Mapping[str, Callable[[Scope, Finding], str]] = {"killed-run": _end_run, "stuck-pool": _free_places}
