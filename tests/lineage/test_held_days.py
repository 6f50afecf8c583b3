"""One day of eleven is held back, and no other: for a row that breaks its contract, or for lines that do not add up."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest
from whole_platform import Platform

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.failed_partitions import NONE_FAILED
from dataeng_assets.orchestration.ledger.entries import waiting
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.query import open_layers
from dataeng_assets.orchestration.runs import AssetState
from dataeng_assets.settings import ROOT

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]

BRONZE = "bronze.shop.orders"
CONTRACT = ROOT / "dataeng_assets" / "defs" / "shop" / "contracts" / "orders.yaml"
REFERENCE = "00000000-0000-4000-8000-{:012d}"


@pytest.fixture(scope="module")
def filled(platform: Platform) -> Platform:
    platform.materialize()
    return platform


def a_pass(platform: Platform) -> dict[str, AssetState]:
    """What is not green after another pass of the whole lineage."""
    platform.notices.clear()
    states = materialize(platform.definitions(), platform.instance, platform.notices.append)
    return {state.key: state for state in states if not state.is_green}


def days_of_shipped_orders(source: psycopg.Connection[Any]) -> dict[date, list[int]]:
    """Days that have passed, and their orders that were shipped: at least two."""
    found = source.execute(
        "select (ordered_at at time zone 'UTC')::date as day, array_agg(order_id order by order_id) "
        "from shop.orders where status in ('shipped', 'delivered') and ordered_at < now() - interval '2 days' "
        "group by day having count(*) > 1 order by day desc limit 11"
    ).fetchall()
    assert len(found) == 11
    return dict(found)


def rename(source: psycopg.Connection[Any], *orders: int) -> None:
    """Give orders another reference, which breaks no rule and is seen in gold."""
    for order in orders:
        source.execute("update shop.orders set order_ref = %s where order_id = %s", [REFERENCE.format(order), order])


def renamed_in_gold() -> set[int]:
    with open_layers(notice=print) as connection:
        rows = connection.execute(
            "select order_id from gold.fct_orders where order_ref::varchar like '00000000-0000-4000-8000-%'"
        ).fetchall()
    return {order for (order,) in rows}


def metadata(platform: Platform, asset: str, check: str) -> dict[str, Any]:
    key = dg.AssetCheckKey(dg.AssetKey(asset.split(".")), check)
    (record,) = platform.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    evaluation = record.event.asset_check_evaluation if record.event else None
    assert evaluation
    return {name: value.value for name, value in evaluation.metadata.items()}


def held_days(target: str) -> set[date | None]:
    return {touch.day for touch in waiting(Lake.current()).held if touch.target == target}


def days_of_unwrapped_orders(source: psycopg.Connection[Any]) -> dict[date, int]:
    """Days that have passed, and an order of each whose first line is no gift."""
    found = source.execute(
        "select (ordered_at at time zone 'UTC')::date as day, min(order_id) "
        "from shop.orders inner join shop.order_items using (order_id) "
        "where line_number = 1 and not is_gift and ordered_at < now() - interval '2 days' "
        "group by day order by day desc limit 11"
    ).fetchall()
    assert len(found) == 11
    return dict(found)


def gifts_in_gold(orders: dict[date, int]) -> set[date]:
    """The days whose order is published with a gift in its first line."""
    with open_layers(notice=print) as connection:
        rows = connection.execute(
            "select order_day from gold.fct_order_items where line_number = 1 and is_gift and order_id in ?",
            [list(orders.values())],
        ).fetchall()
    return {day for (day,) in rows}


def change_price(source: psycopg.Connection[Any], order: int, by: int) -> None:
    source.execute("update shop.orders set total_amount = total_amount + %s where order_id = %s", [by, order])


def test_a_row_that_breaks_a_rule_holds_back_its_day_until_it_is_corrected(filled: Platform) -> None:
    platform = filled
    with psycopg.connect(platform.url, autocommit=True) as source:
        orders = days_of_shipped_orders(source)
        bad = sorted(orders)[5]
        broken, *good_of_the_day = orders[bad]
        firsts = {of_the_day[0] for of_the_day in orders.values()}
        rename(source, *firsts)
        source.execute("update shop.orders set shipped_at = null where order_id = %s", [broken])

        failed = a_pass(platform)
        assert failed[BRONZE].failed == ("completeness",)
        assert renamed_in_gold() == firsts - {broken}
        assert held_days("marts.fct_orders") == {bad}
        said = metadata(platform, BRONZE, "completeness")
        assert "1 day of marts.fct_orders, " in said["held_back"]
        assert str(bad) in said["held_back"]
        assert said["contract_version"] == load_contract(CONTRACT).version
        assert said["data_version"] == str(platform.lake.open(tuple(BRONZE.split("."))).version())
        assert any("Held back by failed checks" in one and "marts.fct_orders" in one for one in platform.notices)
        failures = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])
        assert platform.instance.get_runs(filters=failures) == [], "the day is not built and found bad: it is not built"

        rename(source, good_of_the_day[0])
        failed = a_pass(platform)
        assert failed[BRONZE].failed == ("completeness",), "good rows that come later mend nothing"
        assert renamed_in_gold() == firsts - {broken}
        assert held_days("marts.fct_orders") == {bad}

        source.execute("update shop.orders set shipped_at = ordered_at where order_id = %s", [broken])
        assert a_pass(platform) == {}
        assert renamed_in_gold() == firsts | {good_of_the_day[0]}
        assert waiting(Lake.current()).held == ()
        judged = metadata(platform, "marts.fct_orders", "unique_fct_orders_order_id")["data_version"]
        assert datetime.now(UTC) - datetime.fromisoformat(judged) < timedelta(minutes=10)


def test_a_day_whose_lines_do_not_add_up_holds_back_only_itself(filled: Platform) -> None:
    platform = filled
    with psycopg.connect(platform.url, autocommit=True) as source:
        orders = days_of_unwrapped_orders(source)
        bad = sorted(orders)[5]
        wrapped = "update shop.order_items set is_gift = true where line_number = 1 and order_id = any(%s)"
        source.execute(wrapped, [list(orders.values())])
        change_price(source, orders[bad], by=1)
        failed = {key: state.failed for key, state in a_pass(platform).items()}
        held_back = {"marts.fct_order_items", "gold.fct_order_items"}
        assert failed == dict.fromkeys(held_back, (NONE_FAILED,))
        assert gifts_in_gold(orders) == set(orders) - {bad}
        held = waiting(Lake.current()).held
        assert {(touch.target, touch.day) for touch in held} == {(target, bad) for target in held_back}

        a_pass(platform)
        assert "Bronze holds nothing that is not rebuilt." in platform.notices, "nobody asks for the bad day again"

        change_price(source, orders[bad], by=-1)
        assert a_pass(platform) == {}
        assert gifts_in_gold(orders) == set(orders)
        assert waiting(Lake.current()).held == ()
