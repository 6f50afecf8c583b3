"""Transactions that commit late, for real: they begin, write, and stay open while others commit.

Their rows carry the instant at which they began, so that an extract which trusts the largest `updated_at` it has seen
loses them. What they change belongs in `life`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from dataeng_assets.sample import changes, life, marker, truth, world
from dataeng_assets.sample.changes import Written
from dataeng_assets.sample.state import Transaction


@dataclass
class _Open:
    """One open transaction: its connection, what it wrote, and what it has still to write."""

    connection: psycopg.Connection[Any]
    written: Written
    rest: Transaction


class LateTransactions:
    """Open transactions. `customers` are those that move in them."""

    def __init__(self, opened: list[_Open], customers: tuple[int, ...], folder: Path, tick: int) -> None:
        self.customers = customers
        self._opened = opened
        self._folder = folder
        self._tick = tick

    def __len__(self) -> int:
        return len(self._opened)

    def commit(self) -> tuple[truth.Version, ...]:
        """Write what is left, commit one after the other, and record it as the truth; once only."""
        versions: list[truth.Version] = []
        opened, self._opened = self._opened, []
        if opened:
            with truth.Writing(self._folder, "late"):
                for transaction in opened:
                    versions += self._commit(transaction)
                truth.write_versions(self._folder, versions)
        return tuple(versions)

    def roll_back(self) -> None:
        """Undo what is open; it never happened."""
        opened, self._opened = self._opened, []
        for transaction in opened:
            transaction.connection.rollback()

    def _commit(self, transaction: _Open) -> list[truth.Version]:
        connection = transaction.connection
        for change in transaction.rest:
            changes.apply(connection, change, transaction.written)
        number = marker.next_commit(connection)
        connection.commit()
        return changes.versions(transaction.written, number, self._tick, is_late=True)


@contextmanager
def late_transactions(
    url: str, *, truth: Path, count: int = 3, at: datetime | None = None, label: str = "held"
) -> Iterator[LateTransactions]:
    """Hold transactions open for the time of a `with` block; they commit at its end, or at `commit`.

    Every second one writes everything at once, the others leave something to write just before they commit. An
    exception in the block rolls them back.

    Args:
        url: the database of a filled shop.
        truth: folder of the truth, which takes them when they commit.
        count: how many.
        at: when their orders are placed; now when None. `updated_at` is always the database's own.
        label: part of the seed; two blocks that are open together need different ones.

    Raises:
        SampleError: the database holds no filled shop.
    """
    instant = world.micros(at or datetime.now(UTC))
    with psycopg.connect(url) as connection:
        shop = marker.read_filled(connection)
        state = changes.read_state(connection, instant)
    # a connection's own context rolls back on an exception, and would commit in an order that nobody knows otherwise
    with ExitStack() as connections:
        opened, customers = [], list[int]()
        for number in range(count):
            connection = connections.enter_context(psycopg.connect(url))
            random = world.stream(shop.seed, "late", shop.ticks, label, number)
            held = changes.lock_reserved(connection, random.getrandbits(62), instant)
            plan = life.plan_late(random, state, held, at=instant)
            opened.append(_begin(connection, plan, len(plan) if number % 2 else 1))
            customers += [held.customer.customer_id] if held.customer else []
        late = LateTransactions(opened, tuple(customers), truth, shop.ticks + 1)
        yield late
        late.commit()


def _begin(connection: psycopg.Connection[Any], plan: Transaction, first: int) -> _Open:
    written = Written()
    for change in plan[:first]:
        changes.apply(connection, change, written)
    return _Open(connection, written, plan[first:])
