"""What recorded runs of a job say: slowest steps, whether it grows slower, its critical path, waiting, cost.

Runs come as values; reading them from an instance belongs in `orchestration.job_history`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.finding import Basis, Effect, Finding, Severity
from dataeng_assets.analyze.guide import Guide, whole_file

_FEW_RUNS = 8  # from which on a trend is told
_NOTABLE = 1.25  # slower by a quarter
_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_SIGMAS = 3
_MIN_SECONDS = 1.0
_MOST_STEPS = 5

SLOW = Guide(
    "job-slowest-steps",
    "Where the time of a job goes",
    Severity.INFO,
    "The steps that take most of the time are those worth looking at.",
    "The job is quick enough.",
)
TREND = Guide(
    "job-grows-slower",
    "Job that grows slower",
    Severity.WARNING,
    "A job that reads all there is takes longer every day, until it does not end in time.",
    "It was given more work on purpose.",
)
PATH = Guide(
    "job-critical-path",
    "The steps that decide how long a job takes",
    Severity.INFO,
    "Only steps on the longest chain shorten the job; to speed up any other changes nothing.",
    "The job is quick enough.",
)
WAIT = Guide(
    "job-waits-in-queue",
    "Runs that wait before they start",
    Severity.WARNING,
    "The queue or a pool is full: the data is late before any work is done.",
    "Runs are started together on purpose, as in a backfill.",
)
COST = Guide(
    "job-cost",
    "What a run takes",
    Severity.INFO,
    "Seconds of steps, added up; priced when a price is given.",
    "The machines are paid for anyway.",
)
GUIDES = (SLOW, TREND, PATH, WAIT, COST)


@dataclass(frozen=True)
class Step:
    """A step of a run that ended well; seconds since 1970.

    Attributes:
        after: keys of the steps whose output it takes.
    """

    key: str
    start: float
    end: float
    after: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


@dataclass(frozen=True)
class JobRun:
    """A run that ended well; seconds since 1970."""

    id: str
    queued: float
    start: float
    end: float
    steps: tuple[Step, ...] = field(default=(), repr=False)

    @property
    def seconds(self) -> float:
        """How long it took, without waiting."""
        return self.end - self.start


def analyze_job(name: str, runs: Sequence[JobRun], *, price_per_hour: float | None = None) -> Analysis:
    """Judge a job by its runs.

    Args:
        name: of the job.
        runs: that ended well, oldest first.
        price_per_hour: what an hour of a step costs, in whatever currency.
    """
    found = [*_slowest(name, runs), *_path(name, runs), *_trend(name, runs), *_waiting(name, runs)]
    return Analysis(name, "", (*found, *_cost(name, runs, price_per_hour)))


def _slowest(name: str, runs: Sequence[JobRun]) -> Iterator[Finding]:
    usual = {key: median(times) for key, times in _times(runs).items()}
    total = sum(usual.values())
    if not total:
        return
    ranked = sorted(usual.items(), key=lambda item: -item[1])[:_MOST_STEPS]
    told = tuple(f"{key}: {seconds:,.1f} s, {seconds / total:.0%} of all steps." for key, seconds in ranked)
    yield SLOW.finding(
        whole_file(name),
        f"The slowest step of {name} is {ranked[0][0]}, {ranked[0][1]:,.1f} s in half of {len(runs)} runs.",
        told,
    )


def _times(runs: Sequence[JobRun]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}
    for run in runs:
        for step in run.steps:
            times.setdefault(step.key, []).append(step.seconds)
    return times


def _trend(name: str, runs: Sequence[JobRun]) -> Iterator[Finding]:
    """The job and each step whose last third of runs is slower than the first by more than runs usually differ."""
    series: Mapping[str, list[float]] = {name: [run.seconds for run in runs], **_times(runs)}
    for key, times in series.items():
        change = slower(times)
        if change is not None:
            first, last = change
            yield TREND.finding(
                whole_file(name),
                f"{key} took {first:,.1f} s in its first runs and takes {last:,.1f} s now.",
                (f"{last / first - 1:.0%} more over {len(times)} runs.",),
                Effect(f"{last - first:,.1f} s a run", Basis.MEASURED),
            )


def slower(times: Sequence[float]) -> tuple[float, float] | None:
    """Medians of the first and the last third, if the last is slower for certain; None if not, or with few runs.

    For certain means: by a quarter, by a second, and by three times the spread within the thirds, taken from the median
    absolute deviation, so that a few outliers neither make a trend nor hide one.
    """
    if len(times) < _FEW_RUNS:
        return None
    third = len(times) // 3
    first, last = times[:third], times[-third:]
    before, after = median(first), median(last)
    spread = _MAD_TO_SIGMA * max(median(abs(one - median(part)) for one in part) for part in (first, last))
    if after < before * _NOTABLE or after - before < max(_MIN_SECONDS, _SIGMAS * spread):
        return None
    return before, after


def critical_path(steps: Sequence[Step]) -> list[Step]:
    """The chain of steps that decided when a run ended: from its last step back to what each waited for longest."""
    by_key = {step.key: step for step in steps}
    if not by_key:
        return []
    path = [max(steps, key=lambda step: step.end)]
    while before := [by_key[key] for key in path[-1].after if key in by_key and by_key[key] not in path]:
        path.append(max(before, key=lambda step: step.end))
    return path[::-1]


def _path(name: str, runs: Sequence[JobRun]) -> Iterator[Finding]:
    if not runs or len(path := critical_path(runs[-1].steps)) < 2:
        return
    told = tuple(f"{step.key}: {step.seconds:,.1f} s" for step in path)
    total = sum(step.seconds for step in path)
    yield PATH.finding(
        whole_file(name),
        f"{total:,.1f} s of the newest run of {name} ({runs[-1].seconds:,.1f} s) are one chain of steps.",
        told,
    )


def _waiting(name: str, runs: Sequence[JobRun]) -> Iterator[Finding]:
    if not runs:
        return
    waited, took = median(run.start - run.queued for run in runs), median(run.seconds for run in runs)
    if waited >= 60 or (waited >= 10 and waited > took / 2):
        message = f"Half of the runs of {name} wait {waited:,.0f} s or more before they start; they take {took:,.0f} s."
        yield WAIT.finding(whole_file(name), message)


def _cost(name: str, runs: Sequence[JobRun], price: float | None) -> Iterator[Finding]:
    if not runs:
        return
    usual = median(sum(step.seconds for step in run.steps) for run in runs)
    message = f"A run of {name} takes {usual:,.1f} s of steps."
    if price is not None:
        message += f" At {price:g} an hour that is {usual / 3600 * price:,.4f} a run."
    yield COST.finding(whole_file(name), message, (f"Median of {len(runs)} runs.",))
