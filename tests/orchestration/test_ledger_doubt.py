"""Rows that break a rule hold back the days that they touch, those days only, and until they break it no more."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from dataeng_assets.components.contract_checks import contract_results
from dataeng_assets.contracts.checks.kinds import Measure, Metric, NotNull, Unique
from dataeng_assets.contracts.checks.rule import Bounds, Rule, Severity, Suite
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.ledger.cover import cover, newest_versions
from dataeng_assets.orchestration.ledger.doubt import settle, settled_versions, withhold
from dataeng_assets.orchestration.ledger.entries import mark_handled, waiting
from dataeng_assets.orchestration.ledger.targets import RELEASED, Target, Targets

ORDERS, SOURCE = ("bronze", "shop", "orders"), "bronze.shop.orders"
ITEMS = "bronze.shop.items"
TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    {"order_id": pa.int64(), "day": pa.date32(), "price": pa.int64(), "_op": pa.string(), "_extracted_at": TIME,
     "_run_id": pa.string()}
)  # fmt: skip
DAYS = "select o.day from bronze_shop.orders as o semi join changes using (order_id)"

STG = Target(
    ("staging", "stg"), daily=False, view=True, touched={SOURCE: None}, checksum="1", reads=frozenset({SOURCE})
)
DIM = Target(
    ("marts", "dim"), daily=False, view=False, touched={SOURCE: None}, ancestors=frozenset({STG.key}), checksum="1"
)
FCT = Target(
    ("marts", "fct"), daily=True, view=False, touched={SOURCE: DAYS, ITEMS: DAYS}, ancestors=frozenset({STG.key}),
    checksum="1", reads=frozenset({SOURCE}),
)  # fmt: skip
GOLD = replace(FCT, key=("gold", "fct"), ancestors=frozenset({STG.key, FCT.key}), reads=frozenset())
SUM = Target(
    ("marts", "sum"), daily=False, view=False, touched={SOURCE: None}, ancestors=frozenset({STG.key, FCT.key}),
    checksum="1",
)  # fmt: skip
TARGETS = Targets((STG, FCT, GOLD, SUM))
PRICED = Suite("orders", rules=(Rule(NotNull("price"), "priced"),), key=("order_id",), version="1.0.0")


@pytest.fixture(autouse=True)
def platform(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAENG_FIRST_DAY", "2026-01-01")
    monkeypatch.setenv("DATAENG_LAKE", lake.uri)
    monkeypatch.setenv("DATAENG_STATE", str(tmp_path))
    for name in ("orders", "items"):
        lake.create(("bronze", "shop", name), SCHEMA, change_feed=True)


def day(number: int) -> date:
    return date(2026, 1, number)


def bring(lake: Lake, run: int, rows: Mapping[int, tuple[int, int | None]], table: str = "orders") -> None:
    """What an extract commits: orders, each with its day and its price."""
    moment = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(hours=run)
    made = [
        {"order_id": order, "day": day(number), "price": price, "_op": "upsert", "_extracted_at": moment,
         "_run_id": f"run-{run}"}
        for order, (number, price) in rows.items()
    ]  # fmt: skip
    table_ = lake.open(("bronze", "shop", table))
    append(table_, pa.Table.from_pylist(made, schema=SCHEMA), transactions={}, metadata={"run_id": f"run-{run}"})


def judge(lake: Lake, run: int, suite: Suite = PRICED, targets: Targets = TARGETS) -> dict[str, dg.AssetCheckResult]:
    told = contract_results(dg.AssetKey(ORDERS), suite, lake, f"run-{run}", lambda: targets)
    return {str(one.check_name): one for one in told}


def asked(lake: Lake, target: Target, targets: Targets = TARGETS) -> set[date | None]:
    cover(lake, targets, run_id="tick")
    found = withhold(targets, waiting(lake), newest_versions(lake, targets.sources))
    return {touch.day for touch in found.pending if touch.target == target.name}


def held(lake: Lake, target: Target = FCT) -> set[date | None]:
    return {touch.day for touch in waiting(lake).held if touch.target == target.name}


def build(lake: Lake, *numbers: int, targets: Targets = TARGETS, only: tuple[Target, ...] = ()) -> None:
    """Runs of one day each, of everything or of some."""
    names = [target.name for target in only or targets.all]
    for number in numbers:
        pins = newest_versions(lake, targets.sources)
        mark_handled(lake, targets, names, (day(number), day(number)), pins, "build")


def test_a_broken_row_holds_back_its_day_and_what_is_made_of_it_and_no_other(lake: Lake) -> None:
    bring(lake, 1, {1: (3, None), 2: (5, 10)})
    told = judge(lake, 1)["completeness"]
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert told.metadata["held_back"].value == "held: 1 day of marts.fct (2026-01-03); and what is made of them"
    assert "materialize the days by hand" in str(told.metadata["next_step"].value)
    assert asked(lake, FCT) == asked(lake, GOLD) == {day(5)}
    assert asked(lake, SUM) == {None}, "what is made of all days does not wait for one"


def test_good_rows_that_come_later_let_no_doubted_day_go(lake: Lake) -> None:
    bring(lake, 1, {1: (3, None), 2: (5, 10)})
    judge(lake, 1)
    bring(lake, 2, {7: (3, 70), 8: (6, 80)})
    assert not judge(lake, 2)["completeness"].passed
    assert asked(lake, FCT) == {day(5), day(6)}
    bring(lake, 3, {9: (3, 90)}, table="items")
    assert asked(lake, FCT) == {day(5), day(6)}, "nor does another table that touches it"


def test_the_corrected_row_lets_its_day_go(lake: Lake) -> None:
    bring(lake, 1, {1: (3, None), 2: (5, 10)})
    judge(lake, 1)
    bring(lake, 2, {1: (3, 15)})
    told = judge(lake, 2)["completeness"]
    assert told.passed
    assert "held_back" not in told.metadata
    assert (asked(lake, FCT), held(lake)) == ({day(3), day(5)}, set())


def test_a_changed_rule_lets_its_day_go_without_a_new_row_and_what_has_no_days_is_built_again(lake: Lake) -> None:
    bring(lake, 1, {1: (3, None), 2: (5, 10)})
    judge(lake, 1)
    assert asked(lake, FCT) == {day(5)}
    build(lake, 5)
    assert asked(lake, FCT) == asked(lake, SUM) == set()
    warned = replace(PRICED, rules=(replace(PRICED.rules[0], severity=Severity.WARNING),))
    assert not judge(lake, 2, warned)["completeness"].passed
    assert asked(lake, FCT) == asked(lake, GOLD) == {day(3)}
    assert [touch.source for touch in waiting(lake).pending if touch.target == SUM.name] == [RELEASED]
    build(lake, 3)
    assert waiting(lake).pending == waiting(lake).held == ()


def test_a_contract_without_rules_lets_everything_go(lake: Lake) -> None:
    bring(lake, 1, {1: (3, None)})
    judge(lake, 1)
    assert asked(lake, FCT) == set()
    assert judge(lake, 2, replace(PRICED, rules=())) == {}
    assert asked(lake, FCT) == {day(3)}


def test_a_warning_holds_nothing_back(lake: Lake) -> None:
    bring(lake, 1, {1: (3, None)})
    warned = replace(PRICED, rules=(replace(PRICED.rules[0], severity=Severity.WARNING),))
    assert not judge(lake, 1, warned)["completeness"].passed
    assert (asked(lake, FCT), held(lake)) == ({day(3)}, set())


def test_a_day_that_a_person_materializes_is_taken_as_it_is_from_then_on(lake: Lake) -> None:
    bring(lake, 1, {1: (3, None)})
    judge(lake, 1)
    cover(lake, TARGETS, run_id="tick")
    build(lake, 3)
    assert held(lake) == asked(lake, FCT) == set()
    bring(lake, 2, {7: (3, 70)})
    told = judge(lake, 2)["completeness"]
    assert not told.passed, "the rows still break the rule"
    assert asked(lake, FCT) == {day(3)}
    bring(lake, 3, {8: (3, None)})
    judge(lake, 3)
    assert (asked(lake, FCT), held(lake)) == (set(), {day(3)}), "another broken row is another matter"


def test_where_rows_cannot_be_told_apart_all_days_of_the_run_wait(lake: Lake) -> None:
    few = replace(PRICED, rules=(Rule(Measure(Metric.ROW_COUNT), "few", Bounds(upper=1)),))
    bring(lake, 1, {1: (3, 1)})
    judge(lake, 1, few)
    assert asked(lake, FCT) == {day(3)}
    build(lake, 3)
    bring(lake, 2, {2: (5, 1), 3: (6, 1)})
    assert not judge(lake, 2, few)["volume"].passed
    assert (asked(lake, FCT), held(lake)) == (set(), {day(5), day(6)})


def test_of_doubled_rows_only_their_days_wait(lake: Lake) -> None:
    alone = replace(PRICED, rules=(Rule(Unique(("price",)), "alone"),))
    bring(lake, 1, {1: (3, 7), 2: (5, 7), 3: (6, 8)})
    assert not judge(lake, 1, alone)["uniqueness"].passed
    assert (asked(lake, FCT), held(lake)) == ({day(6)}, {day(3), day(5)})


def test_a_whole_table_that_reads_broken_rows_waits_and_what_joins_it_waits_for_the_same_change(lake: Lake) -> None:
    dim = replace(DIM, reads=frozenset({SOURCE}))
    joined = replace(FCT, reads=frozenset({ITEMS}), ancestors=frozenset({STG.key, dim.key}))
    targets = Targets((STG, dim, joined))
    bring(lake, 1, {1: (3, None), 2: (5, 10)})
    told = judge(lake, 1, targets=targets)["completeness"]
    assert told.metadata["held_back"].value == "held: marts.dim as a whole; and what is made of them"
    assert asked(lake, dim, targets) == asked(lake, joined, targets) == set()
    bring(lake, 2, {2: (5, 1)}, table="items")
    assert asked(lake, joined, targets) == {day(5)}
    build(lake, 5, targets=targets, only=(joined,))
    assert asked(lake, joined, targets) == set()
    bring(lake, 3, {1: (3, 15)})
    judge(lake, 3, targets=targets)
    assert (asked(lake, dim, targets), asked(lake, joined, targets)) == ({None}, {day(3), day(5)}), (
        "the day that was built in between did not know the change"
    )


def test_what_a_run_in_flight_has_brought_is_left_until_it_has_ended(lake: Lake) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        bring(lake, 1, {1: (3, 1)})
        before = newest_versions(lake, [SOURCE])[SOURCE]
        run = instance.create_run_for_job(dg.job(name="extract")(lambda: None), status=dg.DagsterRunStatus.STARTED)
        assert settled_versions(lake, instance, [SOURCE, ITEMS]) == {}
        for _ in range(40):  # a stream's attempt, with its many commits
            append(lake.open(ORDERS), SCHEMA.empty_table(), transactions={}, metadata={"run_id": f"{run.run_id}.1"})
        assert settled_versions(lake, instance, [SOURCE, ITEMS, "bronze.shop.none"]) == {SOURCE: before}
        instance.report_run_failed(run)
        assert settled_versions(lake, instance, [SOURCE, ITEMS]) == {}


def test_a_judgement_that_finds_nothing_and_had_found_nothing_writes_nothing(lake: Lake) -> None:
    bring(lake, 1, {1: (3, 1)})
    cover(lake, TARGETS, run_id="tick")
    before = lake.open(("ledger", "changes")).version()
    judge(lake, 1)
    assert settle(lake, TARGETS, SOURCE, version=1, broken="", run_id="run") == ()
    assert lake.open(("ledger", "changes")).version() == before
