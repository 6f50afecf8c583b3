"""Runs that failed and were not mended, that take too long, or whose process is gone."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dataeng_assets.causes.recognize import causes_in
from dataeng_assets.doctor.finding import Finding, Looked, NotLooked, Said, safe
from dataeng_assets.doctor.scope import LATELY, Scope
from dataeng_assets.orchestration.launcher import Process
from dataeng_assets.orchestration.run_facts import RunFacts, StepFacts, recent_runs, steps

_STEPS_TOLD = 3
_SHORT = 8  # characters that tell one run from another, as Dagster's own pages show them


def troubled_runs(scope: Scope) -> Iterator[Said]:
    """All runs of the last day, and those under way."""
    count = 0
    for run in recent_runs(scope.instance, since=LATELY):
        count += 1
        yield from explained(run, scope.now)
    yield Looked(count, "runs under way or ended in the last day")


def explained(run: RunFacts, now: datetime) -> Iterator[Finding | NotLooked]:
    """What is wrong with one run; nothing is with one that succeeded, was mended, or is under way within its limit."""
    if run.is_under_way:
        yield from _under_way(run, now)
    elif run.has_failed and not run.is_mended:
        yield from _failed(run, now)


def told_steps(run: RunFacts, found: Sequence[StepFacts]) -> tuple[str, ...]:
    """Where the time of a run went."""
    longest = found[:_STEPS_TOLD]
    said = [
        f"step {step.key} {'has not ended' if step.seconds is None else f'took {step.seconds:,.1f} s'}"
        + (f", {step.attempts} attempts" if step.attempts > 1 else "")
        for step in longest
    ]
    return (*said, f"{len(found)} steps of {run.job} began") if found else ("no step began",)


def _under_way(run: RunFacts, now: datetime) -> Iterator[Finding | NotLooked]:
    taken = run.seconds(now)
    if run.process is Process.GONE:
        proof = f"process {run.pid} is gone, and the run stands as {run.status} for {_long(taken)}"
        yield _finding("killed-run", run, (proof,))
    elif run.limit_seconds and taken > run.limit_seconds:
        proof = f"under way for {_long(taken)}, its limit is {_long(run.limit_seconds)}: nobody has ended it"
        yield _finding("run-timed-out", run, (proof,))
    elif run.process is Process.UNKNOWN:
        why = "which process executes it is not known on this machine, so nobody can say whether it lives"
        yield NotLooked(f"the process of run {run.run_id[:_SHORT]} ({run.job})", why)


def _failed(run: RunFacts, now: datetime) -> Iterator[Finding]:
    proven = causes_in(run.said)
    facts = (f"{run.status} after {_long(run.seconds(now))}", *([f"step {run.step}"] if run.step else []))
    for cause, proof in proven.items():
        yield _finding(cause, run, (*proof, *facts))
    if not proven and run.status == "FAILURE":  # one that a person has canceled is no trouble
        yield _finding("failed-run", run, (safe(run.said) or "it says nothing", *facts))


def _finding(cause: str, run: RunFacts, proof: tuple[str, ...]) -> Finding:
    days = f", {run.days[0]} to {run.days[1]}" if run.days[0] else ""
    where = f"run {run.run_id[:_SHORT]} ({run.job}{days})"
    return Finding(cause, where, proof, run.ended or run.began, {"RUN": run.run_id}, run.assets)


def run_story(scope: Scope, run: RunFacts) -> Iterator[Said]:
    """Everything of one run: what is wrong with it, with where its time went."""
    told = told_steps(run, steps(scope.instance, run.run_id))
    for one in explained(run, scope.now):
        if isinstance(one, Finding):
            yield Finding(one.cause, one.where, (*one.proof, *told), one.at, one.names, one.concerns)
        else:
            yield one
    state = f"{run.status}{', mended by a later run' if run.is_mended else ''}"
    yield Looked(1, f"run {run.run_id} ({run.job}): {state}, {_long(run.seconds(scope.now))}; {'; '.join(told)}")


def _long(seconds: float) -> str:
    return f"{timedelta(seconds=round(seconds))}" if seconds >= 60 else f"{seconds:.1f} s"
