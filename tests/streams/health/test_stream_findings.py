"""When a stream is not well: three bad samples in a row begin a finding, three good ones end it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.contracts.health import HealthLimits
from dataeng_assets.streams.health.judge import Finding, Severity, descriptions, judge
from dataeng_assets.streams.health.samples import DURATION_BUCKETS, Sample, counted

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = HealthLimits()
FINE = Sample(
    "user_events",
    START,
    "run",
    seconds=60,
    interval_seconds=15,
    main=10_000,
    lag_records=0,
    largest_lag=0,
    median_lag=0.0,
)


def series(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    return tuple(replace(sample, at=START + timedelta(minutes=minute)) for minute, sample in enumerate(samples))


def found(name: str, samples: Sequence[Sample], limits: HealthLimits = LIMITS) -> Finding:
    (finding,) = [finding for finding in judge(series(samples), limits) if finding.name == name]
    return finding


BEYOND = {
    "lag_in_records": replace(FINE, lag_records=1_000_001),
    "error_rate": replace(FINE, main=9_980, dead_letters=20),
    "commit_time": replace(FINE, interval_seconds=0.5, durations=counted([2.0] * 10), commit_seconds=11.0),
    "backpressure": replace(FINE, blocked_seconds=6.1),
    "partition_skew": replace(FINE, largest_lag=3_001, median_lag=1_000.0),
}
WITHIN = {
    **dict.fromkeys(BEYOND, FINE),
    "commit_time": replace(FINE, interval_seconds=0.5, durations=counted([1.0] * 10), commit_seconds=5.0),
}


@pytest.mark.parametrize("name", BEYOND)
def test_a_finding_begins_with_the_third_sample_beyond_the_limit_and_ends_with_the_third_well_within(name: str) -> None:
    bad, good = BEYOND[name], WITHIN[name]
    states = [(2, 0, True), (3, 0, False), (3, 2, False), (3, 3, True)]
    for bads, goods, is_well in states:
        samples = [good, *[bad] * bads, *[good] * goods]
        assert found(name, samples).is_well is is_well, (bads, goods)
    assert found(name, [bad, bad, good, bad, bad]).is_well, "two bad ones, twice, are no trouble"


@pytest.mark.parametrize("name", BEYOND)
def test_a_finding_says_what_was_measured_the_limit_and_what_to_do(name: str) -> None:
    says = found(name, [BEYOND[name]] * 3).says
    assert "limit" in says
    assert says.endswith(".")
    assert len(says.split(". ")) >= 2


@pytest.mark.parametrize("name", BEYOND)
def test_a_value_that_is_beyond_the_limit_and_does_not_count_yet_says_when_it_will(name: str) -> None:
    assert "in a row" in found(name, [BEYOND[name]] * 2).says
    assert "in a row" not in found(name, [WITHIN[name]] * 3).says


def test_a_value_on_the_limit_is_not_beyond_it_and_not_well_within_it() -> None:
    edge, bad = replace(FINE, lag_records=1_000_000), BEYOND["lag_in_records"]
    assert found("lag_in_records", [edge] * 10).is_well
    assert not found("lag_in_records", [bad] * 3 + [edge] * 10).is_well


def test_what_was_never_measured_is_neither_well_nor_ill() -> None:
    for finding in judge((), LIMITS):
        assert (finding.is_well, finding.value) == (None, None), finding.name


def busy(records: int, seconds: float) -> Sample:
    return replace(FINE, main=records, batch_seconds=seconds, lag_records=10_000)


def test_throughput_is_compared_with_what_is_usual_where_as_much_was_done_as_could_be() -> None:
    usual = [busy(100_000, 1.0)] * 6
    assert found("throughput", [*usual, *[busy(100_000, 1.9)] * 3]).is_well
    assert found("throughput", [*usual, *[busy(100_000, 2.1)] * 3]).is_well is False
    idle = replace(FINE, main=1_500, batch_seconds=9.0)
    assert found("throughput", [*usual, *[idle] * 9]).is_well, "who has left nothing is quick enough"
    assert found("throughput", usual[:5]).is_well is None, "nothing is usual yet"


def test_few_records_are_taken_together_before_their_errors_are_a_share() -> None:
    few, clean = replace(FINE, main=99, dead_letters=1), replace(FINE, main=100)
    assert found("error_rate", [few] * 9).is_well is None
    assert found("error_rate", [clean] * 9).value == 0
    assert found("error_rate", [few] * 30).is_well is False
    assert found("error_rate", [few] * 30).value == pytest.approx(0.01)


def test_a_spike_of_errors_is_critical_and_a_high_rate_a_warning() -> None:
    assert found("error_rate", [BEYOND["error_rate"]] * 3).severity is Severity.WARNING
    assert found("error_rate", [replace(FINE, main=9_900, dead_letters=100)] * 3).severity is Severity.CRITICAL
    assert found("error_rate", [FINE] * 3).severity is Severity.INFO


def test_the_limits_are_those_of_the_contract() -> None:
    assert found("error_rate", [BEYOND["error_rate"]] * 3, HealthLimits(error_rate=0.01)).is_well
    assert "1.00%" in descriptions(HealthLimits(error_rate=0.01))["error_rate"]


@given(st.lists(st.sampled_from([BEYOND["backpressure"], FINE, replace(FINE, blocked_seconds=5.5)]), max_size=40))
def test_the_state_follows_from_the_samples_alone_and_changes_only_after_three_in_a_row(samples: list[Sample]) -> None:
    states = [found("backpressure", samples[: end + 1]).is_well for end in range(len(samples))]
    for index in range(1, len(states)):
        if states[index] is not states[index - 1]:
            assert len({sample.blocked_seconds for sample in samples[index - 2 : index + 1]}) == 1


@given(st.lists(st.floats(0, 1000)))
def test_every_duration_is_counted_in_one_class(durations: list[float]) -> None:
    classes = counted(durations)
    assert sum(classes) == len(durations)
    for index, bound in enumerate(DURATION_BUCKETS):
        assert sum(classes[: index + 1]) == sum(duration <= bound for duration in durations)
