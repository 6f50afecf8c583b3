"""A day whose orders no longer add up, between ten good ones: it holds back itself and nothing else."""

from datetime import date
from typing import Any

import psycopg
import pytest
from whole_platform import Platform

from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.ledger.entries import waiting
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.query import open_layers
from dataeng_assets.orchestration.runs import AssetState

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]

COUPONS = {"before": 0, "after": 7}


def a_pass(platform: Platform) -> dict[str, AssetState]:
    states = materialize(platform.definitions(), platform.instance, platform.notices.append)
    return {state.key: state for state in states}


def eleven_days(connection: psycopg.Connection[Any]) -> dict[date, int]:
    """Days that have passed, the newest first, and an order of each."""
    found = connection.execute(
        "select (ordered_at at time zone 'UTC')::date as day, min(order_id) from shop.orders "
        "where coupon_codes is null and ordered_at < now() - interval '2 days' "
        "group by day order by day desc limit 11"
    ).fetchall()
    assert len(found) == 11
    return dict(found)


def coupons_in_gold(platform: Platform, orders: list[int]) -> dict[int, int]:
    with open_layers(notice=print) as connection:
        rows = connection.execute("select order_id, coupons from gold.fct_orders where order_id in ?", [orders])
        return dict(rows.fetchall())


def test_one_bad_day_holds_back_only_itself(platform: Platform) -> None:
    platform.materialize()
    with psycopg.connect(platform.url, autocommit=True) as source:
        orders = eleven_days(source)
        bad = sorted(orders)[5]
        source.execute(
            "update shop.orders set coupon_codes = array_fill('X'::text, array[%s]) where order_id = any(%s)",
            [COUPONS["after"], list(orders.values())],
        )
        source.execute("update shop.orders set total_amount = total_amount + 1 where order_id = %s", [orders[bad]])
        states = a_pass(platform)
        assert not states["marts.fct_orders"].is_green
        published = coupons_in_gold(platform, list(orders.values()))
        assert published == {order: COUPONS["before" if day == bad else "after"] for day, order in orders.items()}
        assert {touch.day for touch in waiting(Lake.current()).held} == {bad}
        assert waiting(Lake.current()).pending == ()

        runs = len(platform.instance.get_runs())
        a_pass(platform)
        assert len(platform.instance.get_runs()) - runs == 2, "only the sources are read, nobody asks for the bad day"

        source.execute("update shop.orders set total_amount = total_amount - 1 where order_id = %s", [orders[bad]])
        assert all(state.is_green for state in a_pass(platform).values())
        assert set(coupons_in_gold(platform, list(orders.values())).values()) == {COUPONS["after"]}
        assert waiting(Lake.current()).held == ()
