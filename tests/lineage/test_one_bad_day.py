"""A day whose lines no longer add up to their orders, between ten good ones: it holds back itself and nothing else."""

from datetime import date
from typing import Any

import psycopg
import pytest
from whole_platform import Platform

from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.failed_partitions import NONE_FAILED
from dataeng_assets.orchestration.ledger.entries import waiting
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.query import open_layers
from dataeng_assets.orchestration.runs import AssetState

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]


def a_pass(platform: Platform) -> dict[str, AssetState]:
    platform.notices.clear()
    states = materialize(platform.definitions(), platform.instance, platform.notices.append)
    return {state.key: state for state in states}


def eleven_days(source: psycopg.Connection[Any]) -> dict[date, int]:
    """Days that have passed, and an order of each whose first line is no gift."""
    found = source.execute(
        "select (ordered_at at time zone 'UTC')::date as day, min(order_id) "
        "from shop.orders inner join shop.order_items using (order_id) "
        "where line_number = 1 and not is_gift and ordered_at < now() - interval '2 days' "
        "group by day order by day desc limit 11"
    ).fetchall()
    assert len(found) == 11
    return dict(found)


def gifts_in_gold(platform: Platform, orders: dict[date, int]) -> set[date]:
    """The days whose order is published with a gift in its first line."""
    with open_layers(notice=print) as connection:
        rows = connection.execute(
            "select order_day from gold.fct_order_items where line_number = 1 and is_gift and order_id in ?",
            [list(orders.values())],
        ).fetchall()
    return {day for (day,) in rows}


def change_price(source: psycopg.Connection[Any], order: int, by: int) -> None:
    source.execute("update shop.orders set total_amount = total_amount + %s where order_id = %s", [by, order])


def test_one_bad_day_holds_back_only_itself(platform: Platform) -> None:
    platform.materialize()
    with psycopg.connect(platform.url, autocommit=True) as source:
        orders = eleven_days(source)
        bad = sorted(orders)[5]
        wrapped = "update shop.order_items set is_gift = true where line_number = 1 and order_id = any(%s)"
        source.execute(wrapped, [list(orders.values())])
        change_price(source, orders[bad], by=1)
        states = a_pass(platform)
        bad_state = {key: state.failed for key, state in states.items() if not state.is_green}
        held_back = {"marts.fct_order_items", "gold.fct_order_items"}
        assert bad_state == dict.fromkeys(held_back, (NONE_FAILED,))
        assert gifts_in_gold(platform, orders) == set(orders) - {bad}
        held = waiting(Lake.current()).held
        assert {(touch.target, touch.day) for touch in held} == {(target, bad) for target in held_back}

        a_pass(platform)
        assert "Bronze holds nothing that is not rebuilt." in platform.notices, "nobody asks for the bad day again"

        change_price(source, orders[bad], by=-1)
        assert [state.key for state in a_pass(platform).values() if not state.is_green] == []
        assert gifts_in_gold(platform, orders) == set(orders)
        assert waiting(Lake.current()).held == ()
