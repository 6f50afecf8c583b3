"""Statistics that a few wild values do not move, and the line of bars."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.quality.anomalies.robust import left_out, newest_level, slope, spread
from dataeng_assets.quality.anomalies.wording import sparkline

CHANCE = random.Random(7)
NORMAL = [CHANCE.gauss(0, 2) for _ in range(2_000)]


def test_of_a_normal_distribution_the_spread_is_the_standard_deviation():
    assert spread(NORMAL) == pytest.approx(2, rel=0.05)


def test_rare_outliers_do_not_move_the_spread_and_what_happens_every_week_does():
    assert spread([*NORMAL, *[1e6] * 100]) < 2.5
    assert spread([*NORMAL, *[20.0] * 350]) > 10


def test_two_values_in_turn_are_both_within_one_spread():
    assert spread([5.0, -5.0] * 10) == pytest.approx(1.4826 * 5)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.integers(-20, 20))
def test_the_spread_is_in_the_unit_of_the_values(values, power):
    assert spread([value * 2.0**power for value in values]) == pytest.approx(spread(values) * 2.0**power)


def test_the_slope_of_a_line_is_found_through_outliers():
    values = [3.0 + 0.5 * day for day in range(40)]
    values[3] = values[20] = values[31] = 900.0
    assert slope([float(day) for day in range(40)], values) == pytest.approx(0.5)


def test_each_value_is_compared_with_the_others():
    assert left_out([1.0, 1.0, 7.0]) == [-3, -3, 6]


def test_a_level_begins_where_it_has_shifted_and_one_wild_value_shifts_nothing():
    values = NORMAL[:30]
    assert newest_level(values, 7, 0.1) == 0
    assert newest_level([*values, *(value + 40 for value in NORMAL[30:40])], 7, 0.1) == 30
    assert newest_level([*values, *(value + 40 for value in NORMAL[30:33])], 7, 0.1) == 0
    assert newest_level([*values[:15], 900.0, *values[15:]], 7, 0.1) == 0


def test_the_line_of_bars_goes_from_the_smallest_to_the_largest():
    assert sparkline([0, 1, None, 7]) == "▁▂ █"
    assert sparkline([5, 5]) == "▄▄"
    assert sparkline([None, None]) == ""
    assert sparkline([100, *range(20)]) == sparkline(list(range(20)))
