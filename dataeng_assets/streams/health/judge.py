"""Whether a stream is well, by what was measured: a pure function of its samples and the limits of its contract.

A single bad minute is no trouble and a single good one no recovery: a finding begins when three samples in a row are
beyond the limit, and ends when three in a row are well within it. Measuring belongs in `samples`, telling in
`exposition` and in Dagster's checks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from statistics import median

from dataeng_assets.contracts.health import HealthLimits
from dataeng_assets.streams.health.samples import Sample

HISTORY = timedelta(days=7)
"""What is usual is learned from so much of the past."""
_IN_A_ROW = 3
_WELL_WITHIN = 0.8  # of the limit, or as much above it where less is worse
_SPIKE = 10  # so many times the limit of errors is no rate but an accident
_FEWEST_RECORDS = 1_000  # a share of less says nothing
_FEWEST_RATES = 5  # before anything is usual
_USUAL = 100  # newest rates that make up what is usual
_SKEWED_FROM = 1_000  # records that the slowest partition must be behind before skew is of interest


class Severity(StrEnum):
    """Who should hear of a finding: somebody now, somebody today, whoever looks."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """What one check says.

    Attributes:
        name: of the check.
        is_well: None when it could not be evaluated.
        value: measured last; None when nothing was.
        limit: the contract's.
        says: the verdict in words, with the next step when it is a bad one.
    """

    name: str
    is_well: bool | None
    severity: Severity
    value: float | None
    limit: float
    says: str


@dataclass(frozen=True)
class _Check:
    """One thing that is watched.

    Attributes:
        measure: the value after each sample, None where it says nothing.
        limit: of the contract.
        less_is_worse: whether the limit is a lower one.
        severity: of a value beyond the limit.
        shown: a value in words.
        what: is measured, in words.
        step: to take when it is bad.
    """

    name: str
    measure: Callable[[Sequence[Sample]], Iterable[float | None]]
    limit: Callable[[HealthLimits], float]
    shown: Callable[[float], str]
    what: str
    step: str
    less_is_worse: bool = False
    severity: Callable[[float, float], Severity] = lambda _value, _limit: Severity.WARNING


def judge(samples: Sequence[Sample], limits: HealthLimits) -> tuple[Finding, ...]:
    """Judge a stream by its samples.

    Args:
        samples: in order of time, of `HISTORY`.
        limits: the contract's.

    Returns:
        One finding per check, in a fixed order.
    """
    return tuple(_finding(check, samples, limits) for check in _CHECKS)


def descriptions(limits: HealthLimits) -> Mapping[str, str]:
    """What each check demands, by its name."""
    bounds = {True: "at least", False: "at most"}
    return {c.name: f"{c.what}: {bounds[c.less_is_worse]} {c.shown(c.limit(limits))}." for c in _CHECKS}


def _finding(check: _Check, samples: Sequence[Sample], limits: HealthLimits) -> Finding:
    limit = check.limit(limits)
    values = [value for value in check.measure(samples) if value is not None]
    if not values:
        return Finding(check.name, None, Severity.INFO, None, limit, f"{check.what}: nothing was measured yet")
    is_well = _is_well(values, limit, less_is_worse=check.less_is_worse)
    found = f"{check.what}: {check.shown(values[-1])}, limit {check.shown(limit)}"
    severity = Severity.INFO if is_well else check.severity(values[-1], limit)
    is_beyond = values[-1] < limit if check.less_is_worse else values[-1] > limit
    if is_well and is_beyond:
        found += f". It counts when {_IN_A_ROW} measurements in a row are beyond the limit"
    return Finding(check.name, is_well, severity, values[-1], limit, found if is_well else f"{found}. {check.step}")


def _is_well(values: Sequence[float], limit: float, *, less_is_worse: bool) -> bool:
    """The state after all values: it changes when so many in a row say so, and otherwise stays."""
    recovered = limit / _WELL_WITHIN if less_is_worse else limit * _WELL_WITHIN
    is_well, beyond, within = True, 0, 0
    for value in values:
        is_beyond = value < limit if less_is_worse else value > limit
        is_within = value >= recovered if less_is_worse else value <= recovered
        beyond = beyond + 1 if is_beyond else 0
        within = within + 1 if is_within else 0
        if is_well and beyond >= _IN_A_ROW:
            is_well = False
        elif not is_well and within >= _IN_A_ROW:
            is_well = True
    return is_well


def _rates(samples: Sequence[Sample]) -> Iterable[float | None]:
    """Records a second of work, as a share of what was usual before; whoever has left nothing is quick enough."""
    usual: list[float] = []
    for sample in samples:
        if sample.lag_records == 0:
            yield 1.0
            continue
        if not sample.batch_seconds or sample.records < _FEWEST_RECORDS:
            yield None
            continue
        rate = sample.records / sample.batch_seconds
        yield rate / median(usual[-_USUAL:]) if len(usual) >= _FEWEST_RATES else None
        usual.append(rate)


def _error_rates(samples: Sequence[Sample]) -> Iterable[float | None]:
    """Share of dead letters; stretches with few records are taken together until they have enough, or none of them."""
    dead = records = 0
    for sample in samples:
        dead, records = dead + sample.dead_letters, records + sample.records
        if records < _FEWEST_RECORDS:
            yield None if dead else 0.0
            continue
        yield dead / records
        dead = records = 0


def _commit_intervals(samples: Sequence[Sample]) -> Iterable[float | None]:
    return (s.commit_seconds / s.batches / s.interval_seconds if s.batches else 0.0 for s in samples)


def _skews(samples: Sequence[Sample]) -> Iterable[float | None]:
    for sample in samples:
        if sample.largest_lag is None or sample.median_lag is None:
            yield None
        elif sample.largest_lag < _SKEWED_FROM:
            yield 1.0
        else:
            yield sample.largest_lag / max(sample.median_lag, 1.0)


def _error_severity(value: float, limit: float) -> Severity:
    return Severity.CRITICAL if value >= limit * _SPIKE else Severity.WARNING


_CHECKS = (
    _Check(
        "lag_in_records",
        lambda samples: (sample.lag_records for sample in samples),
        lambda limits: limits.lag_records,
        lambda value: f"{value:,.0f}",
        "records at the broker that the tables do not have",
        "Give the stream more time (`run_seconds`), a resident worker or a second one: docs/how-to/low-latency.md.",
    ),
    _Check(
        "throughput",
        _rates,
        lambda limits: limits.throughput,
        lambda value: f"{value:.0%} of what is usual",
        "records a second of work",
        "Look at what else the machine does, at the size of the records, and at how long commits take.",
        less_is_worse=True,
    ),
    _Check(
        "error_rate",
        _error_rates,
        lambda limits: limits.error_rate,
        lambda value: f"{value:.2%}",
        "records that become dead letters",
        "The reasons stand in the table of dead letters; `dataeng replay` releases them when they are mended.",
        severity=_error_severity,
    ),
    _Check(
        "commit_time",
        _commit_intervals,
        lambda limits: limits.commit_intervals,
        lambda value: f"{value:.1f} intervals",
        "time of a commit",
        "Ask for commits less often, or look at the store: many small files and a slow disk show here first.",
    ),
    _Check(
        "backpressure",
        lambda samples: (sample.blocked_seconds / sample.seconds if sample.seconds else None for sample in samples),
        lambda limits: limits.backpressure,
        lambda value: f"{value:.0%}",
        "time in which records waited because a commit was under way",
        "Let batches be larger, so that fewer commits carry the same records, or let a second worker take partitions.",
    ),
    _Check(
        "partition_skew",
        _skews,
        lambda limits: limits.skew,
        lambda value: f"{value:.1f} times the median",
        "lag of the slowest partition",
        "A key that most records have leads them all to one partition: look at the keys at the producer.",
    ),
)
