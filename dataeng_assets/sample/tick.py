"""Life after the fill: a day's worth of changes and events, all of it now.

`updated_at` is the database's own clock here, because a back-dated one is what no extract by watermark can see. What
happens is planned in `life` and `events`.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from dataeng_assets.sample import SampleError, changes, events, history, life, marker, rows, world
from dataeng_assets.sample import topic as topics
from dataeng_assets.sample import truth as truths
from dataeng_assets.sample.fill import Progress, quiet
from dataeng_assets.sample.late import late_transactions
from dataeng_assets.sample.marker import Marker
from dataeng_assets.sample.state import Pace

_LATE = 3
_ORDERS_SINCE = 6 * world.HOUR


@dataclass(frozen=True)
class TickReport:
    """What happened: row versions, transactions (late ones among them), events sent, and the last day's number."""

    versions: int
    commits: int
    late_commits: int
    events: int
    ticks: int
    seconds: float


def tick(
    url: str,
    bootstrap: str,
    *,
    truth: Path,
    days: int = 1,
    at: datetime | None = None,
    late_seconds: float = 0.0,
    progress: Progress = quiet,
) -> TickReport:
    """Let the filled shop live for some days, now.

    What happens is a pure function of the shop, the number of the tick and the instant. Three transactions stay open
    while the others commit, and commit `late_seconds` after them.

    Args:
        url: the database of the shop.
        bootstrap: address of the broker.
        truth: the folder that was given to `fill`.
        days: how many days' worth.
        at: the instant at which it happens, not before the last one; now when None. `updated_at` is always now.
        late_seconds: how long the late transactions outlive the others.
        progress: told the step, how much of it is done, and how much there is.

    Raises:
        SampleError: there is no filled shop, or `at` lies before what has already happened; nothing was changed.
        TopicError: the broker did not take the records.
    """
    started = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection, marker.alone(connection):
        _refuse_the_past(marker.read_filled(connection), at)
        truths.Truth(truth).reached()
        with late_transactions(url, truth=truth, count=_LATE, at=at, label="tick") as late:
            lived = [_day(connection, bootstrap, truth, at, late.customers, progress) for _ in range(days)]
            time.sleep(late_seconds)
            late_versions = late.commit()
        return TickReport(
            versions=sum(day.versions for day in lived) + len(late_versions),
            commits=sum(day.commits for day in lived) + _LATE,
            late_commits=_LATE,
            events=sum(day.events for day in lived),
            ticks=marker.read_filled(connection).ticks,
            seconds=time.monotonic() - started,
        )


def _refuse_the_past(shop: Marker, at: datetime | None) -> None:
    if at is not None and at < shop.ticked_at:
        raise SampleError(
            f"The shop has already lived until {shop.ticked_at}, so nothing can happen at {at}. Nothing was changed. "
            "Give a later instant, or none for now."
        )


@dataclass(frozen=True)
class _Day:
    versions: int
    commits: int
    events: int


def _day(
    connection: psycopg.Connection[Any],
    bootstrap: str,
    truth: Path,
    at: datetime | None,
    movers: tuple[int, ...],
    progress: Progress,
) -> _Day:
    """One day's transactions and records, with their truth."""
    shop = marker.read_filled(connection)
    reached = truths.Truth(truth).reached()
    instant = at or datetime.now(UTC)
    with truths.Writing(truth, "tick"):
        versions, commits = _live(connection, shop, instant, movers, progress)
        truths.write_versions(truth, versions)
        records = _records(connection, shop, versions, reached, instant)
        progress("events", 0, len(records))
        offsets = topics.send(bootstrap, shop.topic, records)
        truths.write_events(truth, records, offsets, tick=shop.ticks + 1)
        marker.ticked(connection, instant)
    progress("events", len(records), len(records))
    return _Day(len(versions), commits, len(records))


def _live(
    connection: psycopg.Connection[Any], shop: Marker, instant: datetime, movers: tuple[int, ...], progress: Progress
) -> tuple[list[truths.Version], int]:
    """Do one day's transactions; what they left behind, and how many they were."""
    at = world.micros(instant)
    plan = life.plan_day(
        world.stream(shop.seed, "tables", shop.ticks + 1),
        changes.read_state(connection, at),
        pace=Pace(shop.scale),
        since=at - _ORDERS_SINCE,
        at=at,
        movers=movers,
    )
    versions: list[truths.Version] = []
    for number, transaction in enumerate(plan, start=1):
        written = changes.Written()
        with connection.transaction():
            for change in transaction:
                changes.apply(connection, change, written)
            commit = marker.next_commit(connection)
        versions += changes.versions(written, commit, shop.ticks + 1, is_late=False)
        progress("tables", number, len(plan))
    return versions, len(plan)


def _records(
    connection: psycopg.Connection[Any],
    shop: Marker,
    written: list[truths.Version],
    reached: dict[int, int],
    instant: datetime,
) -> list[events.Event]:
    """The day's records, squeezed into the time since the last tick, so that they come in order."""
    at = world.micros(instant)
    since = min(max(world.micros(shop.ticked_at), at - world.DAY), at - world.MINUTE)
    random = world.stream(shop.seed, "events", shop.ticks + 1)
    state = changes.read_state(connection, at)
    customers = sorted(state.customers, key=lambda customer: customer.created)
    placed = [rows.Order._make(version.row) for version in written if version.table == "orders"]
    purchases = [
        events.Purchase(
            since + int(random.random() * (at - since)), order.customer_id, order.order_id, order.total_amount
        )
        for order in placed
        if order.status == "placed" and order.order_id % 2
    ]
    stream = events.Stream(
        known=events.Known(
            [customer.customer_id for customer in customers],
            [customer.created for customer in customers],
            len(state.goods.products),
        ),
        purchases=purchases,
        earliest=world.micros(shop.since),
        since=since,
        until=at,
        reached=reached,
    )
    count = history.count_in_a_day(history.EVENTS, shop.scale)
    return events.draw_events(random, stream, count=count, least=1, turn=shop.ticks)
