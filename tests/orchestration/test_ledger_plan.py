from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.orchestration.ledger.entries import Touch
from dataeng_assets.orchestration.ledger.plan import MAX_RUNS, NEAR, merge_days, plan_runs
from dataeng_assets.orchestration.ledger.targets import Target, Targets

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
STG = Target(("staging", "stg"), daily=False, view=True, touched={"bronze.a": None})
DIM = Target(("marts", "dim"), daily=False, view=False, touched={"bronze.a": None}, ancestors=frozenset({STG.key}))
FCT = Target(
    ("marts", "fct"),
    daily=True,
    view=False,
    touched={"bronze.a": "select day"},
    ancestors=frozenset({STG.key, DIM.key}),
)
TARGETS = Targets((STG, DIM, FCT))


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def fct(*numbers: int) -> list[Touch]:
    return [Touch("marts.fct", day(number), "bronze.a", "m", 1) for number in numbers]


@given(st.sets(st.integers(0, 400)).map(lambda numbers: {day(number) for number in numbers}))
def test_merged_ranges_are_few_ordered_disjoint_and_hold_every_day(days: set[date]) -> None:
    ranges = merge_days(days)
    assert len(ranges) <= MAX_RUNS
    assert all(start <= end for start, end in ranges)
    assert all(ranges[i][1] + timedelta(days=1) < ranges[i + 1][0] for i in range(len(ranges) - 1))
    assert all(any(start <= day <= end for start, end in ranges) for day in days)
    assert all(start in days and end in days for start, end in ranges)


@given(st.sets(st.integers(0, 400), min_size=1, max_size=8).map(lambda numbers: {day(number) for number in numbers}))
def test_the_widest_gaps_are_left_out_and_near_days_stay_together(days: set[date]) -> None:
    gaps = sorted((right - left for left, right in pairwise(sorted(days))), reverse=True)
    left_out = [gap for gap in gaps[: MAX_RUNS - 1] if gap > NEAR]
    held = sum(((end - start) for start, end in merge_days(days)), timedelta())
    assert held == sum(gaps, timedelta()) - sum(left_out, timedelta())


def test_near_days_become_one_run_and_an_old_day_another() -> None:
    plan = plan_runs(TARGETS, fct(5, 80, 81, 83), FIRST, LAST)
    assert [run.days for run in plan.runs] == [(day(5), day(5)), (day(80), day(83))]


def test_each_run_carries_what_is_undated_and_the_views_below_it() -> None:
    waiting = [*fct(1, 50), Touch("marts.dim", None, "bronze.a", "m", 1)]
    plan = plan_runs(TARGETS, waiting, FIRST, LAST)
    assert [run.assets for run in plan.runs] == [(STG.key, DIM.key, FCT.key)] * 2


def test_undated_changes_alone_are_a_run_without_days() -> None:
    plan = plan_runs(TARGETS, [Touch("marts.dim", None, "bronze.a", "m", 1)], FIRST, LAST)
    assert [(run.assets, run.days) for run in plan.runs] == [((STG.key, DIM.key), None)]


def test_days_without_a_partition_are_named_and_not_asked_for() -> None:
    early, late = FIRST - timedelta(days=3), LAST + timedelta(days=2)
    waiting = [Touch("marts.fct", early, "bronze.a", "m", 1), Touch("marts.fct", late, "bronze.a", "m", 1)]
    plan = plan_runs(TARGETS, waiting, FIRST, LAST)
    assert (plan.runs, plan.early, plan.future) == ((), (early,), (late,))


def test_nothing_waiting_is_nothing_to_run() -> None:
    assert plan_runs(TARGETS, [], FIRST, LAST).runs == ()


def test_what_waits_for_a_model_that_is_gone_is_ignored() -> None:
    assert plan_runs(TARGETS, [Touch("marts.gone", None, "bronze.a", "m", 1)], FIRST, LAST).runs == ()
