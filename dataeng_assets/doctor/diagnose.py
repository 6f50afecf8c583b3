"""What `dataeng doctor` does: looks at the platform, at one run or at a log, and mends what is safe if asked to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataeng_assets.doctor.finding import Report, reported
from dataeng_assets.doctor.log_files.judge import judge_log

if TYPE_CHECKING:
    from dataeng_assets.doctor.scope import Scope

Notice = Callable[[str], None]
_SHOWN = 5


class NotFound(Exception):
    """What was asked for is not there, or contradicts itself; says what comes near."""


@dataclass(frozen=True)
class Asked:
    """What a person wants to have looked at: an asset, a run, a log, or everything."""

    asset: str = ""
    run: str = ""
    file: Path | None = None
    fix: bool = False

    def __post_init__(self) -> None:
        given = [name for name in ("asset", "run", "file") if getattr(self, name)]
        if len(given) > 1:
            raise NotFound(f"{' and '.join(given)} were given: ask for one of them at a time.")
        if self.fix and self.file:
            raise NotFound("A log can be read and not mended: leave out --fix.")


def diagnose(asked: Asked, notice: Notice) -> tuple[Report, tuple[str, ...]]:
    """Look, and mend what is safe if that is wanted.

    Args:
        asked: at what.
        notice: is told what is being looked at.

    Returns:
        What was found, as it was before anything was mended, and what was done about it.

    Raises:
        NotFound: there is no such asset or run.
    """
    if asked.file:
        notice(str(asked.file))
        return reported(judge_log(asked.file)), ()
    from dataeng_assets.doctor.fixes import fix
    from dataeng_assets.doctor.look import look
    from dataeng_assets.doctor.scope import AssetUnknown, open_scope

    notice("what is declared")
    try:
        scope = open_scope(asked.asset)
    except AssetUnknown as error:
        raise NotFound(str(error)) from error
    report = _of_run(scope, asked.run) if asked.run else look(scope, notice)
    return report, tuple(fix(scope, report.findings)) if asked.fix else ()


def _of_run(scope: "Scope", prefix: str) -> Report:
    from dataeng_assets.doctor.probes.runs import run_story
    from dataeng_assets.orchestration.run_facts import find_runs

    found = find_runs(scope.instance, prefix)
    if not found:
        raise NotFound(f"The instance knows no run whose id begins with {prefix!r}. It may be older than 30 days.")
    if len(found) > 1:
        ids = ", ".join(run.run_id for run in found[:_SHOWN])
        raise NotFound(f"{len(found)} runs begin with {prefix!r}: {ids}. Give more of it.")
    return reported(run_story(scope, found[0]))
