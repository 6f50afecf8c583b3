from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.orchestration.ledger.entries import Touch, Waiting
from dataeng_assets.orchestration.ledger.plan import MAX_RUNS, NEAR, Plan, merge_days, plan_runs
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


def plan(pending: list[Touch], first: date, last: date, held: tuple[Touch, ...] = ()) -> Plan:
    return plan_runs(TARGETS, Waiting(tuple(pending), held), first, last)


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
    planned = plan(fct(5, 80, 81, 83), FIRST, LAST)
    assert [run.days for run in planned.runs] == [(day(5), day(5)), (day(80), day(83))]


def test_each_run_carries_what_is_undated_and_the_views_below_it() -> None:
    waiting = [*fct(1, 50), Touch("marts.dim", None, "bronze.a", "m", 1)]
    planned = plan(waiting, FIRST, LAST)
    assert [run.assets for run in planned.runs] == [(STG.key, DIM.key, FCT.key)] * 2


def test_undated_changes_alone_are_a_run_without_days() -> None:
    planned = plan([Touch("marts.dim", None, "bronze.a", "m", 1)], FIRST, LAST)
    assert [(run.assets, run.days) for run in planned.runs] == [((STG.key, DIM.key), None)]


def test_days_without_a_partition_are_named_and_not_asked_for() -> None:
    early, late = FIRST - timedelta(days=3), LAST + timedelta(days=2)
    waiting = [Touch("marts.fct", early, "bronze.a", "m", 1), Touch("marts.fct", late, "bronze.a", "m", 1)]
    planned = plan(waiting, FIRST, LAST)
    assert (planned.runs, planned.early, planned.future) == ((), (early,), (late,))


def test_nothing_waiting_is_nothing_to_run() -> None:
    assert plan([], FIRST, LAST).runs == ()


def test_what_waits_for_a_model_that_is_gone_is_ignored() -> None:
    assert plan([Touch("marts.gone", None, "bronze.a", "m", 1)], FIRST, LAST).runs == ()


@given(
    st.sets(st.integers(0, 100)).map(lambda numbers: {day(number) for number in numbers}),
    st.sets(st.integers(0, 100), max_size=4).map(lambda numbers: {day(number) for number in numbers}),
)
def test_a_held_day_stands_alone(days: set[date], held: set[date]) -> None:
    ranges = merge_days(days, held, most=200)
    assert all(any(start <= day <= end for start, end in ranges) for day in days)
    assert all(start == end or not any(start <= day <= end for day in held) for start, end in ranges)


def test_one_bad_day_is_left_out_and_what_does_not_hang_on_it_is_built_on_that_day_too() -> None:
    held = (Touch("marts.fct", day(5), "bronze.a", "m", 1),)
    planned = plan(fct(*range(5), *range(6, 11)), FIRST, LAST, held)
    assert [run.days for run in planned.runs] == [(day(0), day(4)), (day(6), day(10))]
    other = Touch("marts.dim", day(5), "bronze.a", "m", 1)
    planned = plan([*fct(4, 6), other], FIRST, LAST, held)
    assert [(run.days, FCT.key in run.assets) for run in planned.runs] == [
        ((day(4), day(4)), True), ((day(5), day(5)), False), ((day(6), day(6)), True)
    ]  # fmt: skip
