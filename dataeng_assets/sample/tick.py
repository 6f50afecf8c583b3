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
        shop = marker.read_filled(connection)
        _refuse_the_past(shop, at)
        reached = truths.Truth(truth).reached()
        versions, sent, commits = 0, 0, 0
        with late_transactions(url, truth=truth, count=_LATE, at=at, label="tick") as late:
            for day in range(days):
                instant = at or datetime.now(UTC)
                with truths.Writing(truth, "tick"):
                    written, of_day = _live(connection, shop, truth, instant, late.customers, progress)
                    records = _records(connection, shop, written, reached, instant)
                    progress("events", 0, len(records))
                    offsets = topics.send(bootstrap, shop.topic, records)
                    truths.write_events(truth, records, offsets, tick=shop.ticks + 1)
                    marker.ticked(connection, instant)
                reached = truths.Truth(truth).reached() if day + 1 < days else reached
                shop = marker.read_filled(connection)
                versions, sent, commits = versions + len(written), sent + len(records), commits + of_day
            time.sleep(late_seconds)
            late_commits = len(late)
            versions += len(late.commit())
        return TickReport(versions, commits + late_commits, late_commits, sent, shop.ticks, time.monotonic() - started)


def _refuse_the_past(shop: Marker, at: datetime | None) -> None:
    if at is not None and at < shop.ticked_at:
        raise SampleError(
            f"The shop has already lived until {shop.ticked_at}, so nothing can happen at {at}. Nothing was changed. "
            "Give a later instant, or none for now."
        )


def _live(
    connection: psycopg.Connection[Any],
    shop: Marker,
    truth: Path,
    instant: datetime,
    movers: tuple[int, ...],
    progress: Progress,
) -> tuple[list[truths.Version], int]:
    """Do one day's transactions; what they left behind, and how many they were."""
    at = world.micros(instant)
    plan = life.plan_day(
        world.stream(shop.seed, "tables", shop.ticks + 1),
        changes.read_state(connection, at),
        scale=shop.scale,
        since=at - _ORDERS_SINCE,
        at=at,
        movers=movers,
    )
    versions: list[truths.Version] = []
    for number, transaction in enumerate(plan, start=1):
        written: changes.Rows = {}
        with connection.transaction():
            for change in transaction:
                changes.apply(connection, change, written)
            commit = marker.next_commit(connection)
        versions += changes.versions(written, commit, shop.ticks + 1, is_late=False)
        progress("tables", number, len(plan))
    truths.write_versions(truth, versions)
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
            len(state.prices),
        ),
        purchases=purchases,
        earliest=world.micros(shop.since),
        since=since,
        until=at,
        reached=reached,
    )
    count = history.count_in_a_day(history.EVENTS, shop.scale)
    return events.draw_events(random, stream, count=count, least=1, turn=shop.ticks)
