"""The ledger over a real lake: each version is covered once, and nothing is handled that was not rebuilt."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.ledger.cover import cover, newest_versions
from dataeng_assets.orchestration.ledger.entries import mark_handled
from dataeng_assets.orchestration.ledger.entries import waiting as waiting_in
from dataeng_assets.orchestration.ledger.hold import hold
from dataeng_assets.orchestration.ledger.targets import Target, Targets

ORDERS = ("bronze", "shop", "orders")
SCHEMA = pa.schema({"order_id": pa.int64(), "day": pa.date32(), "_extracted_at": pa.timestamp("us", tz="UTC")})
DAYS_OF_CHANGED_ORDERS = "select o.day from bronze_shop.orders as o semi join changes using (order_id)"
SOURCE = "bronze.shop.orders"

STG = Target(("staging", "stg"), daily=False, view=True, touched={SOURCE: None}, checksum="1")
DIM = Target(
    ("marts", "dim"), daily=False, view=False, touched={SOURCE: None}, ancestors=frozenset({STG.key}), checksum="1"
)
FCT = Target(
    ("marts", "fct"),
    daily=True,
    view=False,
    touched={SOURCE: DAYS_OF_CHANGED_ORDERS},
    ancestors=frozenset({STG.key, DIM.key}),
    checksum="1",
)
GOLD = Target(
    ("gold", "fct"),
    daily=True,
    view=False,
    touched=FCT.touched,
    ancestors=frozenset({STG.key, DIM.key, FCT.key}),
    checksum="1",
)
TARGETS = Targets((STG, DIM, FCT, GOLD))
ALL = [target.name for target in TARGETS.all]


@pytest.fixture(autouse=True)
def calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first partition, whatever shop the machine has been filled with."""
    monkeypatch.setenv("DATAENG_FIRST_DAY", "2026-01-01")


def day(number: int) -> date:
    return date(2026, 1, number)


def write_orders(lake: Lake, *orders: tuple[int, int]) -> None:
    table = lake.create(ORDERS, SCHEMA, change_feed=True)
    rows = [{"order_id": order, "day": day(number), "_extracted_at": None} for order, number in orders]
    append(table, pa.Table.from_pylist(rows, schema=SCHEMA), transactions={})


def waiting(lake: Lake, target: Target) -> set[date | None]:
    return {touch.day for touch in waiting_in(lake).pending if touch.target == target.name}


def handle(lake: Lake, names: Sequence[str] = ALL, days: tuple[int, int] = (1, 31), pin: int | None = None) -> int:
    pins = newest_versions(lake, [SOURCE]) if pin is None else {SOURCE: pin}
    return mark_handled(lake, TARGETS, names, (day(days[0]), day(days[1])), pins, "run")


def test_the_first_covering_touches_everything_and_the_next_nothing(lake: Lake) -> None:
    write_orders(lake, (1, 3), (2, 5))
    assert cover(lake, TARGETS, run_id="a") == 6
    assert cover(lake, TARGETS, run_id="b") == 0
    assert waiting(lake, FCT) == {day(3), day(5)}
    assert waiting(lake, DIM) == {None}
    assert waiting(lake, STG) == {None}


def test_nothing_is_asked_for_before_all_of_its_sources_are_there(lake: Lake) -> None:
    other = replace(STG, key=("staging", "other"), touched={"bronze.shop.customers": None})
    joined = replace(FCT, touched={**FCT.touched, "bronze.shop.customers": "select day from changes"})
    targets = Targets((STG, DIM, other, joined))
    assert cover(lake, targets, run_id="a") == 0
    write_orders(lake, (1, 3))
    cover(lake, targets, run_id="b")
    assert {touch.target for touch in waiting_in(lake).pending} == {STG.name, DIM.name}
    customers = lake.create(("bronze", "shop", "customers"), SCHEMA, change_feed=True)
    append(customers, SCHEMA.empty_table(), transactions={})
    cover(lake, targets, run_id="c")
    assert {touch.target for touch in waiting_in(lake).pending} == {STG.name, DIM.name, other.name, joined.name}


def test_a_change_touches_the_days_of_the_new_and_of_the_previous_version(lake: Lake) -> None:
    write_orders(lake, (1, 3), (2, 5))
    cover(lake, TARGETS, run_id="a")
    handle(lake)
    write_orders(lake, (1, 9))
    cover(lake, TARGETS, run_id="b")
    assert waiting(lake, FCT) == {day(3), day(9)}
    assert waiting(lake, STG) == set()


def test_a_row_that_a_person_removes_touches_its_day(lake: Lake) -> None:
    by_day = Targets((STG, DIM, replace(FCT, touched={SOURCE: "select day from changes"}), GOLD))
    write_orders(lake, (1, 3), (2, 5))
    cover(lake, by_day, run_id="a")
    mark_handled(lake, by_day, ALL, (day(1), day(31)), newest_versions(lake, [SOURCE]), "run")
    lake.open(ORDERS).delete("order_id = 1")
    cover(lake, by_day, run_id="b")
    assert waiting(lake, FCT) == {day(3)}
    assert waiting(lake, DIM) == {None}


def test_an_empty_commit_touches_nothing(lake: Lake) -> None:
    write_orders(lake, (1, 3))
    cover(lake, TARGETS, run_id="a")
    handle(lake)
    write_orders(lake)
    assert cover(lake, TARGETS, run_id="b") == 0
    assert waiting_in(lake).pending == ()


def test_what_came_after_the_pin_keeps_waiting(lake: Lake) -> None:
    write_orders(lake, (1, 3))
    cover(lake, TARGETS, run_id="a")
    pinned = newest_versions(lake, [SOURCE])[SOURCE]
    write_orders(lake, (1, 4))
    cover(lake, TARGETS, run_id="b")
    handle(lake, pin=pinned)
    assert waiting(lake, FCT) == {day(3), day(4)}
    handle(lake)
    assert waiting_in(lake).pending == ()


def test_days_outside_of_the_run_keep_waiting(lake: Lake) -> None:
    write_orders(lake, (1, 3), (2, 20))
    cover(lake, TARGETS, run_id="a")
    handle(lake, days=(1, 10))
    assert waiting(lake, FCT) == {day(20)}


def test_a_fact_built_from_a_dimension_that_still_waits_is_not_handled(lake: Lake) -> None:
    write_orders(lake, (1, 3))
    cover(lake, TARGETS, run_id="a")
    assert handle(lake, [FCT.name, GOLD.name]) == 0
    assert handle(lake, [STG.name, DIM.name]) == 2
    assert handle(lake, [GOLD.name]) == 0
    assert handle(lake, [FCT.name, GOLD.name]) == 2


def test_a_changed_mapping_covers_everything_anew(lake: Lake) -> None:
    write_orders(lake, (1, 3))
    cover(lake, TARGETS, run_id="a")
    handle(lake)
    changed = Targets((STG, DIM, replace(FCT, touched={SOURCE: "select day from changes"}), GOLD))
    assert cover(lake, changed, run_id="b") == 1
    assert waiting(lake, FCT) == {day(3)}


def test_a_changed_view_is_touched(lake: Lake) -> None:
    write_orders(lake, (1, 3))
    cover(lake, TARGETS, run_id="a")
    handle(lake)
    cover(lake, Targets((replace(STG, checksum="2"), DIM, FCT, GOLD)), run_id="b")
    assert [touch.target for touch in waiting_in(lake).pending] == [STG.name]


def test_several_who_cover_at_once_write_each_entry_once(lake: Lake) -> None:
    write_orders(lake, (1, 3), (2, 5))
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda number: cover(lake, TARGETS, run_id=str(number)), range(4)))
    assert sorted(counts) == [0, 0, 0, 6]


def test_a_held_day_waits_no_longer_until_its_source_touches_it_again(lake: Lake) -> None:
    write_orders(lake, (1, 3), (2, 5))
    cover(lake, TARGETS, run_id="a")
    assert hold(lake, TARGETS, {FCT.name: [day(3)]}, "failed") == 2
    assert waiting(lake, FCT) == waiting(lake, GOLD) == {day(5)}
    assert {touch.day for touch in waiting_in(lake).held} == {day(3)}
    handle(lake, days=(4, 31))
    assert waiting(lake, FCT) == waiting(lake, GOLD) == set()
    write_orders(lake, (1, 3))
    cover(lake, TARGETS, run_id="b")
    assert waiting(lake, FCT) == waiting(lake, GOLD) == {day(3)}
    assert waiting_in(lake).held == ()


def test_a_held_day_that_somebody_materializes_is_handled(lake: Lake) -> None:
    write_orders(lake, (1, 3))
    cover(lake, TARGETS, run_id="a")
    hold(lake, TARGETS, {FCT.name: [day(3)]}, "failed")
    handle(lake)
    assert waiting_in(lake).held == waiting_in(lake).pending == ()


def test_each_day_touches_a_periodic_snapshot_when_it_begins_and_only_once(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = replace(FCT, key=("marts", "snapshot"), every_day=True)
    targets = Targets((STG, DIM, snapshot))
    write_orders(lake, (1, 3))
    monkeypatch.setattr("dataeng_assets.orchestration.ledger.cover.newest_day", lambda: day(10))
    cover(lake, targets, run_id="a")
    assert waiting(lake, snapshot) == {day(3), day(10)}
    assert cover(lake, targets, run_id="b") == 0
    monkeypatch.setattr("dataeng_assets.orchestration.ledger.cover.newest_day", lambda: day(13))
    assert cover(lake, targets, run_id="c") == 3
    assert waiting(lake, snapshot) == {day(number) for number in (3, 10, 11, 12, 13)}


def test_a_summary_waits_until_no_day_below_it_waits(lake: Lake) -> None:
    summary = Target(
        ("marts", "sum"), daily=False, view=False, touched={SOURCE: None}, ancestors=frozenset({FCT.key}), checksum="1"
    )
    targets = Targets((FCT, summary))
    write_orders(lake, (1, 3), (2, 20))
    cover(lake, targets, run_id="a")
    pins = newest_versions(lake, [SOURCE])
    names = [FCT.name, summary.name]
    mark_handled(lake, targets, names[1:], None, pins, "run")
    assert waiting(lake, summary) == {None}
    mark_handled(lake, targets, names[:1], (day(1), day(10)), pins, "run")
    mark_handled(lake, targets, names[1:], None, pins, "run")
    assert waiting(lake, summary) == {None}
    mark_handled(lake, targets, names[:1], (day(20), day(20)), pins, "run")
    mark_handled(lake, targets, names[1:], None, pins, "run")
    assert waiting(lake, summary) == set()


def test_a_table_made_from_nothing_is_asked_for_once(lake: Lake) -> None:
    dates = Target(("marts", "dates"), daily=False, view=False, checksum="1")
    assert cover(lake, Targets((dates,)), run_id="a") == 1
    mark_handled(lake, Targets((dates,)), [dates.name], None, {}, "run")
    assert cover(lake, Targets((dates,)), run_id="b") == 0
    assert cover(lake, Targets((replace(dates, checksum="2"),)), run_id="c") == 1


def test_a_daily_model_that_says_nothing_of_its_days_is_refused() -> None:
    from dataeng_assets.orchestration.ledger.targets import read_targets

    node = {
        "resource_type": "model", "name": "fct", "fqn": ["p", "marts", "fct"], "tags": ["daily"], "config": {
            "materialized": "incremental"}, "depends_on": {"nodes": []}, "checksum": {"checksum": "1"},
    }  # fmt: skip
    with pytest.raises(ValueError, match="fct does not say which days a change touches"):
        read_targets({"nodes": {"model.p.fct": node}, "sources": {}})
