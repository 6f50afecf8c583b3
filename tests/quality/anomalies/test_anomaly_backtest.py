"""The rule replayed over a series, and what is counted of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from anomaly_series import MONDAY, daily, noisy, weekly
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.quality.anomalies.backtest import Event, backtest, wilson, with_false_alarms
from dataeng_assets.quality.anomalies.detect import Outcome, judge


def test_a_calm_series_has_no_false_alarm_and_says_how_sure_that_is():
    found = backtest(daily(noisy(60)), metric="row_count")
    assert (found.false_alarms.alarms, found.false_alarms.points) == (0, 53)
    assert found.false_alarms.per_100 == 0
    assert 0 == found.false_alarms.low < found.false_alarms.high < 0.08
    assert (found.precision, found.recall) == (None, None)


def test_alarms_without_an_event_are_false():
    values = noisy(60)
    values[40] = 100_000
    found = backtest(daily(values), metric="row_count")
    assert found.false_alarms.alarms == 1
    assert found.false_alarms.per_100 == pytest.approx(100 / 53)


def test_alarms_in_an_event_are_right_and_the_rest_of_it_is_no_false_alarm():
    values = noisy(60)
    values[40:43] = [5_050, 100_000, 100_000]
    event = Event(MONDAY + timedelta(days=40), MONDAY + timedelta(days=42))
    found = backtest(daily(values), metric="row_count", events=[event])
    assert (found.events, found.detected, found.alarms, found.true_alarms) == (1, 1, 2, 2)
    assert (found.precision, found.recall, found.delays) == (1, 1, (timedelta(days=1),))
    assert (found.false_alarms.alarms, found.false_alarms.points) == (0, 50)


def test_an_event_that_could_not_be_judged_is_not_counted_and_one_that_was_missed_is():
    early, calm = (Event(MONDAY + timedelta(days=day), MONDAY + timedelta(days=day)) for day in (3, 30))
    found = backtest(daily(noisy(60)), metric="row_count", events=[early, calm])
    assert (found.events, found.detected, found.recall) == (1, 0, 0)


def test_what_a_person_has_called_an_anomaly_was_no_false_alarm():
    values = noisy(60)
    values[40] = 100_000
    points = [replace(point, is_anomaly=point.value == 100_000) for point in daily(values)]
    found = backtest(points, metric="row_count")
    assert (found.alarms, found.false_alarms.alarms) == (1, 0)


def test_an_acknowledged_change_was_no_false_alarm_and_is_known_only_afterwards():
    points = daily([*noisy(30), *noisy(30, level=20_000)])
    unknown = backtest(points, metric="row_count")
    found = backtest(points, metric="row_count", changes=[points[30].at])
    assert unknown.false_alarms.alarms > 1
    assert (found.alarms, found.false_alarms.alarms) == (1, 0)
    assert [finding.outcome for finding in found.findings[31:37]] == [Outcome.NOT_ENOUGH_HISTORY] * 6


def test_a_finding_carries_the_false_alarms_of_its_own_past():
    points = daily([*weekly(50), 90_000])
    found = with_false_alarms(judge(points, points[-1], metric="row_count"), points)
    assert found.outcome is Outcome.ANOMALY
    assert (found.false_alarms.alarms, found.false_alarms.points) == (0, 43)


def test_of_a_long_past_the_newest_hundred_points_are_replayed():
    points = daily([*weekly(50), 90_000, *weekly(110), 90_000])
    found = with_false_alarms(judge(points, points[-1], metric="row_count"), points)
    whole = backtest(points[:-1], metric="row_count").false_alarms
    assert (found.false_alarms.points, whole.points) == (100, 154)
    assert found.false_alarms.alarms < whole.alarms, "the alarm of point 50 lies too far back"


@given(st.integers(0, 200), st.integers(0, 200))
def test_wilsons_interval_holds_the_share_and_stays_within_nothing_and_all(one, other):
    hits, tries = min(one, other), max(one, other)
    low, high = wilson(hits, tries)
    assert 0 <= low <= high <= 1
    if tries:
        assert low <= hits / tries <= high


def test_wilsons_interval_is_the_published_one():
    assert wilson(1, 10) == pytest.approx((0.0179, 0.4042), abs=1e-4)
