"""What fires, what does not, and what is said of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from statistics import mean, stdev
from zoneinfo import ZoneInfo

import pytest
from anomaly_series import MONDAY, daily, newest, noisy, weekly
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.quality.anomalies.detect import Outcome, Point, judge
from dataeng_assets.quality.anomalies.schemas import schema_text

USUAL, ANOMALY, UNKNOWN = Outcome.USUAL, Outcome.ANOMALY, Outcome.NOT_ENOUGH_HISTORY


def test_it_fires_at_the_eighth_point_where_three_sigma_over_all_points_cannot():
    values = [*noisy(7), 500_000]
    assert (values[-1] - mean(values)) / stdev(values) < 3
    assert newest(values).outcome is ANOMALY


@pytest.mark.parametrize("metric", ["row_count", "mean", "null_share", "hours_old"])
def test_after_a_constant_series_a_jump_fires_and_the_noise_of_measuring_does_not(metric):
    level = 0.5 if metric == "null_share" else 40.0
    assert newest([level] * 20 + [level * 1.6], metric).outcome is ANOMALY
    assert newest([level] * 20 + [level * 1.001], metric).outcome is USUAL
    assert newest([level] * 21, metric).outcome is USUAL


@pytest.mark.parametrize("metric", ["row_count", "mean", "null_share"])
def test_what_was_always_nothing_fires_when_it_is_something(metric):
    assert newest([0] * 20 + [0.02 if metric == "null_share" else 5], metric).outcome is ANOMALY
    assert newest([0] * 21, metric).outcome is USUAL


def test_a_table_that_is_suddenly_empty_fires():
    found = newest([*noisy(20), 0])
    assert found.outcome is ANOMALY
    assert found.score < -found.allowed


@pytest.mark.parametrize("day", range(42, 56))
def test_a_weekly_pattern_does_not_fire(day):
    assert newest(weekly(day + 1)).outcome is USUAL


def test_a_weekend_on_a_wednesday_fires_and_is_compared_with_wednesdays():
    values = weekly(45)
    found = newest([*values[:44], values[41]])
    assert (found.outcome, found.baseline) == (ANOMALY, "Wednesdays")
    assert found.points == 6


def test_a_weekly_pattern_does_not_fire_before_weeks_are_known():
    for day in range(8, 28):
        found = newest(weekly(day))
        assert found.outcome is USUAL
        assert found.baseline == "level"


def test_a_steadily_growing_table_is_no_anomaly():
    grown = [1_000_000 + 5_000 * day for day in range(30)]
    assert newest(grown).outcome is USUAL
    doubling = [round(1000 * 1.03**day) for day in range(40)]
    assert newest(doubling).outcome is USUAL


def test_a_table_that_grows_by_a_row_a_day_may_grow_by_two_or_by_none():
    grown = [5_000 + day for day in range(20)]
    assert [newest([*grown, 5_019 + step]).outcome for step in (0, 1, 2, 3)] == [USUAL] * 4
    assert newest([*grown, 5_100]).outcome is ANOMALY


@pytest.mark.parametrize("step", [0, -300_000, 60_000])
def test_of_a_growing_table_the_step_is_judged(step):
    rows, values = 1_000_000, []
    for added in noisy(30):
        rows += added
        values.append(rows)
    assert newest([*values, rows + 5_000]).outcome is USUAL
    found = newest([*values, rows + step])
    assert found.outcome is ANOMALY
    assert found.baseline.startswith("growth")


def test_past_anomalies_do_not_poison_the_baseline():
    values = noisy(40)
    for day in (10, 20, 30):
        values[day] = 900_000
    assert newest([*values, 900_000]).outcome is ANOMALY
    assert newest([*values, 5_000]).outcome is USUAL


def test_what_a_person_has_called_an_anomaly_is_left_out():
    *history, point = daily([*noisy(9), *[900_000] * 4, 5_000, 900_000])
    called = [replace(past, is_anomaly=past.value == 900_000) for past in history]
    assert judge(called, point, metric="row_count").outcome is ANOMALY
    assert judge(called, point, metric="row_count").points == 10


def test_too_little_history_is_a_result_of_its_own():
    found = newest(noisy(7))
    assert found.outcome is UNKNOWN
    assert (found.points, found.low, found.score) == (6, None, None)
    assert found.sentence.endswith("not enough history: 6 of 7 earlier measurements")
    assert newest(noisy(8)).outcome is USUAL


def test_a_value_that_could_not_be_measured_is_not_usual():
    history = daily(noisy(10))
    found = judge(history, Point(MONDAY + timedelta(days=10)), metric="mean", column="price")
    assert found.outcome is UNKNOWN
    assert found.sentence == "mean of price could not be measured: there was nothing to measure it of"


def test_repeated_runs_within_an_hour_are_no_history():
    repeated = [Point(MONDAY + timedelta(minutes=2 * n), 100.0) for n in range(30)]
    assert judge(repeated, Point(MONDAY + timedelta(hours=1), 100.0), metric="row_count").points == 1


def test_of_many_points_a_day_one_of_each_day_counts_and_their_hours_are_still_known():
    hours = [Point(MONDAY + timedelta(hours=n), 100.0 if n % 24 < 6 else 5000.0 + n % 7) for n in range(24 * 40)]
    at = MONDAY + timedelta(days=40)
    night = judge(hours, Point(at + timedelta(hours=4), 5000.0), metric="row_count")
    assert (night.points, night.outcome) == (41, Outcome.ANOMALY)
    assert judge(hours, Point(at + timedelta(hours=4), 100.0), metric="row_count").outcome is Outcome.USUAL
    few = judge(hours[-24 * 14 :], Point(at, 100.0), metric="row_count")
    assert few.points == 24 * 14


def test_an_acknowledged_change_begins_the_baseline_anew():
    values = [*noisy(20), *noisy(7, level=20_000)]
    *history, point = daily([*values, 20_100])
    changed = history[20].at
    assert judge(history[:20], history[20], metric="row_count").outcome is ANOMALY
    again = judge(history, point, metric="row_count", changed_at=changed)
    assert (again.outcome, again.points) == (USUAL, 7)
    back = replace(point, value=5_000.0)
    assert judge(history, back, metric="row_count", changed_at=changed).outcome is ANOMALY
    early = judge(history[:24], history[24], metric="row_count", changed_at=changed)
    assert (early.outcome, early.points) == (UNKNOWN, 4)


def test_a_new_level_that_has_held_for_a_week_is_usual_by_itself():
    values = [*noisy(30), *noisy(9, level=20_000)]
    assert newest(values[:31]).outcome is ANOMALY
    found = newest([*values, 20_000])
    assert (found.outcome, found.baseline) == (USUAL, "level since 2026-02-04")
    assert newest([*values, 5_000]).outcome is ANOMALY


def test_what_is_often_nothing_is_compared_with_what_there_was_otherwise():
    values = [value if day % 3 == 0 else 0 for day, value in enumerate(noisy(45, level=1000))]
    assert newest([*values, 1_010]).outcome is USUAL
    assert newest([*values, 0]).outcome is USUAL
    found = newest([*values, 90_000])
    low, high = (f"{bound(filter(None, values)):,}" for bound in (min, max))
    assert (found.outcome, found.points) == (ANOMALY, 15)
    assert found.sentence == f"90,000 rows; the 15 measurements before it that were not 0 had {low} to {high}"


def test_something_on_a_day_that_never_had_any_fires():
    values = [0.0 if day % 7 > 4 else value for day, value in enumerate(noisy(47))]
    assert newest([*values, 5_000]).outcome is ANOMALY
    assert newest([*values, 0]).outcome is USUAL


def test_freshness_knows_the_weekday():
    hours = [50.0 if day % 7 == 0 else 3.0 + day % 2 / 10 for day in range(56)]
    assert newest([*hours, 50.5], "hours_old").outcome is USUAL
    assert newest([*hours[:50], 30.0], "hours_old").baseline == "Tuesdays"
    assert newest([*hours[:50], 30.0], "hours_old").outcome is ANOMALY


def test_data_that_is_fresher_than_ever_is_no_anomaly():
    assert newest([24.0, 25.0] * 10 + [0.1], "hours_old").outcome is USUAL
    assert newest([24.0, 25.0] * 10 + [72.0], "hours_old").outcome is ANOMALY
    assert newest([24.0, 25.0] * 10 + [72.0], "hours_old").low is None


def test_the_range_of_a_share_stays_within_nothing_and_all():
    found = newest([0.0, 0.01, 0.02] * 7 + [0.5], "null_share")
    assert found.outcome is ANOMALY
    assert found.low == 0
    assert newest([1.0, 0.99, 0.98] * 7 + [0.5], "distinct_share").high == 1


def test_the_weekday_is_the_one_of_the_zone_that_the_points_carry():
    zone = ZoneInfo("America/New_York")
    midnights = [datetime(2026, 2, 2, tzinfo=zone) + timedelta(days=day) for day in range(56)]  # across 8 March
    *history, point = [Point(at, value) for at, value in zip(midnights, weekly(56), strict=True)]
    found = judge(history, point, metric="row_count")
    assert (found.outcome, found.baseline) == (USUAL, "Sundays")


def test_the_sentence_says_what_the_same_weekday_had():
    values = weekly(40)
    found = newest([*values, 120.0])  # the forty-first day is a Saturday
    low, high = (round(bound(values[5::7])) for bound in (min, max))
    assert found.sentence == f"120 rows; Saturdays had {low:,} to {high:,} in the last 8 weeks"


@pytest.mark.parametrize(
    ("metric", "values", "said"),
    [
        ("row_count", [40] * 9 + [90], "90 rows; the 9 measurements before it had 40"),
        ("null_share", [0] * 9 + [0.123], "12.3 % of email without a value; the 9 measurements before it had 0 %"),
        ("null_share", [1] * 9 + [0.99999], "more than 99.99 % of email without a value; the 9 measurements"),
        ("mean", [5.0] * 9 + [7.5], "7.5 on average in email; the 9 measurements before it had 5"),
        ("hours_old", [2.0] * 9 + [90], "3.8 days old; the 9 measurements before it had 2.0 hours"),
        (
            "row_count",
            [100 + 10 * n for n in range(20)] + [290],
            "290 rows; it changed by 10 a day in the last 8 weeks",
        ),
    ],
)
def test_values_are_told_as_people_write_them(metric, values, said):
    assert newest(values, metric, column="email").sentence.startswith(said)


def columns(*named: str) -> str:
    return schema_text(tuple(name.split(":")) for name in named)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (["a:INT", "b:TEXT", "c:DATE"], "added c (DATE)"),
        (["a:INT"], "removed b"),
        (["a:BIGINT", "b:TEXT"], "a is BIGINT, was INT"),
        (["b:TEXT", "a:INT"], "the columns stand in another order: b, a"),
        (["a:BIGINT", "x:TEXT"], "added x (TEXT); removed b; a is BIGINT, was INT"),
    ],
)
def test_any_change_of_the_columns_is_a_finding_that_names_them(now, said):
    before = [Point(MONDAY, text=columns("a:INT", "b:TEXT"))]
    found = judge(before, Point(MONDAY + timedelta(days=1), text=columns(*now)), metric="schema")
    assert (found.outcome, found.sentence) == (ANOMALY, f"The columns have changed: {said}")


def test_the_first_columns_are_not_a_pass_and_the_same_ones_are():
    here = Point(MONDAY + timedelta(days=1), text=columns("a:INT"))
    assert judge([], here, metric="schema").outcome is UNKNOWN
    assert judge([Point(MONDAY, text=columns("a:INT"))], here, metric="schema").outcome is USUAL


def test_columns_that_change_between_two_runs_of_one_hour_are_found():
    before = [Point(MONDAY + timedelta(minutes=minute), text=columns("a:INT")) for minute in (0, 5)]
    found = judge(before, Point(MONDAY + timedelta(minutes=10), text=columns("a:BIGINT")), metric="schema")
    assert found.sentence == "The columns have changed: a is BIGINT, was INT"


def test_columns_that_were_acknowledged_are_what_the_next_are_compared_with():
    old, new = columns("a:INT"), columns("a:BIGINT")
    history = [Point(MONDAY + timedelta(days=day), text=old if day < 3 else new) for day in range(4)]
    later = Point(MONDAY + timedelta(days=4), text=new)
    assert judge(history[:3], history[3], metric="schema").outcome is ANOMALY
    assert judge(history, later, metric="schema", changed_at=history[3].at).outcome is USUAL


VALUES = st.lists(st.floats(1, 1e6), min_size=8, max_size=40)
METRICS = st.sampled_from(["row_count", "mean", "hours_old", "null_share"])


@given(VALUES, METRICS, st.randoms(use_true_random=False))
def test_the_order_of_the_history_does_not_matter(values, metric, chance):
    *history, point = daily(values)
    mixed = list(history)
    chance.shuffle(mixed)
    assert judge(mixed, point, metric=metric) == judge(history, point, metric=metric)


@given(VALUES, METRICS, st.integers(-200, 200))
def test_the_same_series_weeks_earlier_or_later_gets_the_same_verdict(values, metric, weeks):
    *history, point = daily(values)
    *moved, last = daily(values, MONDAY + timedelta(weeks=weeks))
    here, there = judge(history, point, metric=metric), judge(moved, last, metric=metric)
    assert (here.outcome, here.score) == (there.outcome, pytest.approx(there.score))


@given(VALUES, st.integers(-20, 20), st.booleans())
def test_means_in_another_unit_get_the_same_verdict(values, power, negative):
    factor = 2.0**power * (-1 if negative else 1)
    here, there = newest(values, "mean"), newest([value * factor for value in values], "mean")
    assert here.outcome is there.outcome
    assert here.score == pytest.approx(-there.score if negative else there.score)


@given(st.lists(st.integers(0, 64), min_size=8, max_size=40))
def test_what_is_missing_is_judged_as_what_is_there(parts):
    here = newest([part / 64 for part in parts], "null_share")
    there = newest([1 - part / 64 for part in parts], "null_share")
    assert here.score == pytest.approx(-there.score, abs=1e-6)


@given(VALUES, METRICS)
def test_a_verdict_and_its_numbers_never_contradict_each_other(values, metric):
    values = [value / 1e6 for value in values] if metric == "null_share" else values
    found = newest(values, metric)
    within = (found.low is None or found.low <= found.value) and (found.high is None or found.value <= found.high)
    assert within == (found.outcome is USUAL)


@given(VALUES, METRICS, st.floats(1, 1e9))
def test_what_came_later_and_the_point_itself_change_nothing(values, metric, other):
    *history, point = daily(values)
    later = [Point(point.at, other), Point(point.at + timedelta(days=1), other)]
    assert judge([*history, *later], point, metric=metric) == judge(history, point, metric=metric)
