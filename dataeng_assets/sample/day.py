"""A day of the shop's life, or a small share of one, done: its transactions, its records, and the truth about both.

`updated_at` is the database's own clock here, because a back-dated one is what no extract by watermark can see. What
happens is planned in `life`, `hostile` and `events`; whole days belong in `tick`, small shares in `live`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from dataeng_assets.sample import changes, events, history, life, marker, rows, world
from dataeng_assets.sample import topic as topics
from dataeng_assets.sample import truth as truths
from dataeng_assets.sample.fill import Progress, quiet
from dataeng_assets.sample.hostile import plan_hostile
from dataeng_assets.sample.marker import Marker
from dataeng_assets.sample.state import Pace, State, Transaction

_ORDERS_SINCE = 6 * world.HOUR
_SMALL, _LARGE, _PARTS = 0.02, 0.2, 23  # a prime, so that each part has its tenth of reserved rows


@dataclass(frozen=True)
class Day:
    """What happened: row versions, transactions and records; and how far the topic has come in event time."""

    versions: int
    commits: int
    events: int
    reached: Mapping[int, int]


def spend(
    connection: psycopg.Connection[Any],
    bootstrap: str,
    truth: Path,
    instant: datetime,
    *,
    reached: Mapping[int, int],
    share: float = 1.0,
    movers: Sequence[int] = (),
    hostile: bool = False,
    progress: Progress = quiet,
) -> Day:
    """Let a share of a day happen at an instant, and write down the truth about it.

    Args:
        connection: to the shop's database, in autocommit, alone with it.
        bootstrap: address of the broker.
        truth: the folder that was given to `fill`.
        instant: when it happens.
        reached: running maximum of event time per partition.
        share: of a day, up to 1.
        movers: customers who are about to change in a late transaction.
        hostile: whether rows are erased, back-dated and given other keys, too.
        progress: told the step, how much of it is done, and how much there is.
    """
    shop = marker.read_filled(connection)
    at, number = world.micros(instant), shop.ticks + 1
    is_in_parts = share < _SMALL and shop.scale > _LARGE and not movers
    pace = Pace(shop.scale, share, *((_PARTS, number % _PARTS) if is_in_parts else (1, 0)))
    with truths.Writing(truth, "tick"):
        state = changes.read_state(connection, at, parts=pace.parts, part=pace.part)
        since = at - _ORDERS_SINCE if share == 1.0 else min(world.micros(shop.ticked_at), at - world.SECOND)
        plan = life.plan_day(
            world.stream(shop.seed, "tables", number), state, pace=pace, since=since, at=at, movers=movers
        )
        versions = _do(connection, plan, number, progress)
        more = plan_hostile(world.stream(shop.seed, "hostile", number), connection, at) if hostile else []
        versions_of_more = _do(connection, more, number, quiet)
        truths.write_versions(truth, versions + versions_of_more)
        records = _records(shop, _purchases(versions), state, pace, reached, at)
        progress("events", 0, len(records))
        if records:
            offsets = topics.send(bootstrap, shop.topic, records)
            truths.write_events(truth, records, offsets, tick=number)
        marker.ticked(connection, instant)
    progress("events", len(records), len(records))
    done = len(versions) + len(versions_of_more)
    return Day(done, len(plan) + len(more), len(records), events.moved(reached, records))


def _do(
    connection: psycopg.Connection[Any], plan: Sequence[Transaction], tick: int, progress: Progress
) -> list[truths.Version]:
    """Do planned transactions one after the other; what they left behind."""
    versions: list[truths.Version] = []
    for number, transaction in enumerate(plan, start=1):
        written = changes.Written()
        with connection.transaction():
            for change in transaction:
                changes.apply(connection, change, written)
            commit = marker.next_commit(connection)
        versions += changes.versions(written, commit, tick, is_late=False)
        progress("tables", number, len(plan))
    return versions


def _purchases(written: Sequence[truths.Version]) -> list[rows.Order]:
    """Orders that were placed on the web site: every second one."""
    orders = [rows.Order._make(version.row) for version in written if version.table == "orders"]
    return [order for order in orders if order.status == "placed" and order.order_id % 2]


def _records(
    shop: Marker, placed: Sequence[rows.Order], state: State, pace: Pace, reached: Mapping[int, int], at: int
) -> list[events.Event]:
    """The records, squeezed into the time since the last tick, so that they come in order."""
    since = min(max(world.micros(shop.ticked_at), at - world.DAY), at - world.MINUTE)
    random = world.stream(shop.seed, "events", shop.ticks + 1)
    customers = sorted(state.customers, key=lambda customer: customer.created)
    stream = events.Stream(
        known=events.Known(
            [customer.customer_id for customer in customers],
            [customer.created for customer in customers],
            len(state.goods.products),
        ),
        purchases=[
            events.Purchase(
                since + int(random.random() * (at - since)), order.customer_id, order.order_id, order.total_amount
            )
            for order in placed
        ],
        earliest=world.micros(shop.since),
        since=since,
        until=at,
        reached=reached,
    )
    count = pace.count(random, history.EVENTS)
    return events.draw_events(random, stream, count=count, least=int(pace.share), turn=shop.ticks)
