"""What recorded runs say of a job."""

import random

import pytest

from dataeng_assets.analyze.jobs import JobRun, Step, analyze_job, critical_path, slower


def _run(number, seconds=10.0, *, waits=0.0):
    start = number * 1000.0
    steps = (
        Step("read", start, start + seconds * 0.7),
        Step("count", start, start + seconds * 0.1),
        Step("write", start + seconds * 0.7, start + seconds, ("read", "count")),
    )
    return JobRun(str(number), start - waits, start, start + seconds, steps)


def _found(runs, **options):
    return {finding.rule: finding for finding in analyze_job("nightly", runs, **options).findings}


def test_the_slowest_step_the_path_and_the_cost_are_told():
    found = _found([_run(number) for number in range(3)], price_per_hour=3.6)
    assert "slowest step of nightly is read, 7.0 s" in found["job-slowest-steps"].message
    assert found["job-critical-path"].evidence == ("read: 7.0 s", "write: 3.0 s")
    assert "11.0 s of steps. At 3.6 an hour that is 0.0110 a run." in found["job-cost"].message
    assert found.keys() == {"job-slowest-steps", "job-critical-path", "job-cost"}


def test_a_job_that_grows_slower_is_told_with_its_step():
    runs = [_run(number, 10 + number) for number in range(20)]
    trends = [one.message for one in analyze_job("nightly", runs).findings if one.rule == "job-grows-slower"]
    assert any(message.startswith("nightly took 12.5 s") for message in trends)
    assert any(message.startswith("read took") for message in trends)


@pytest.mark.parametrize("seed", range(20))
def test_chance_is_no_trend(seed):
    rng = random.Random(seed)
    times = [10 + rng.gauss(0, 1) for _ in range(30)]
    times[rng.randrange(30)] = 300
    assert slower(times) is None


@pytest.mark.parametrize("seed", range(20))
def test_an_outlier_hides_no_trend(seed):
    rng = random.Random(seed)
    times = [10 + number * 0.5 + rng.gauss(0, 0.5) for number in range(30)]
    times[rng.randrange(10)] = 300
    assert slower(times) is not None


def test_few_runs_make_no_trend():
    assert slower([1, 50, 100, 200]) is None


def test_waiting_is_told():
    assert "job-waits-in-queue" in _found([_run(number, waits=300) for number in range(3)])
    assert "job-waits-in-queue" not in _found([_run(number, waits=2) for number in range(3)])


def test_a_path_goes_back_to_what_was_waited_for():
    steps = [Step("a", 0, 5), Step("b", 0, 2), Step("c", 5, 6, ("a", "b")), Step("d", 2, 3, ("b",))]
    assert [step.key for step in critical_path(steps)] == ["a", "c"]
    assert critical_path([]) == []
    assert analyze_job("nightly", []).findings == ()
