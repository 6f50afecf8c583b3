"""Keeping the shop alive: small shares of a day, one a second, until somebody stops it.

What a share of a day is made of belongs in `day`. Between two of them nothing is held but, now and then, a late
transaction, so that a `tick` may come in between and the truth can be read at any time.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import psycopg

from dataeng_assets.sample import SampleError, marker
from dataeng_assets.sample import truth as truths
from dataeng_assets.sample.day import spend
from dataeng_assets.sample.late import LateTransactions, late_transactions
from dataeng_assets.sample.marker import Busy, Marker

RATE = 5.0
_A_DAY = 9_200
_STEP_SECONDS, _PAUSE_SECONDS = 1.0, 0.05
_LATE_EVERY, _LATE_FOR = 30, 10


@dataclass(frozen=True)
class Lived:
    """What has happened: row versions, transactions (late ones among them), and records sent."""

    versions: int = 0
    commits: int = 0
    late_commits: int = 0
    events: int = 0

    def __add__(self, other: "Lived") -> "Lived":
        """What has happened in both."""
        return Lived(*(one + another for one, another in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Lived") -> "Lived":
        """What has happened here and not in the other."""
        return Lived(*(one - another for one, another in zip(astuple(self), astuple(other), strict=True)))


def live(
    url: str,
    bootstrap: str,
    *,
    truth: Path,
    rate: float = RATE,
    stop: Event,
    notice: Callable[[Lived], None] = lambda _: None,
) -> Lived:
    """Let the shop live on until it is stopped, evenly, with the truth complete after each second.

    Args:
        url: the database of the shop.
        bootstrap: address of the broker.
        truth: the folder that was given to `fill`.
        rate: row versions and records per second, on average.
        stop: set by whoever wants it to end; what has begun is finished first.
        notice: told after each step in which something happened what has happened so far.

    Raises:
        SampleError: there is no filled shop, or it was replaced meanwhile.
        TopicError: the broker did not take the records.
    """
    with psycopg.connect(url, autocommit=True) as connection, ExitStack() as held:
        life = _Life(connection, url, bootstrap, truth, held)
        while not stop.is_set():
            before, lived = time.monotonic(), life.lived
            life.go_on(rate)
            if life.lived != lived:
                notice(life.lived)
            stop.wait(max(_PAUSE_SECONDS, _STEP_SECONDS - (time.monotonic() - before)))
        life.end()
        return life.lived


class _Life:
    """The shop between two steps: how far it has come, and the late transaction that is open."""

    def __init__(
        self, connection: psycopg.Connection[Any], url: str, bootstrap: str, truth: Path, held: ExitStack
    ) -> None:
        self.lived = Lived()
        self._connection, self._url, self._bootstrap, self._truth = connection, url, bootstrap, truth
        self._held = held
        self._late: LateTransactions | None = None
        self._shop: Marker = marker.read_filled(connection)
        self._reached: Mapping[int, int] | None = None
        self._steps = 0
        self._since = time.monotonic()

    def go_on(self, rate: float) -> None:
        """One step: as much of a day as the time since the last one is worth; none while somebody else is at it."""
        try:
            with marker.alone(self._connection, patience_seconds=_STEP_SECONDS):
                self._step(rate)
        except Busy:
            self._give_up_late()  # whoever is at it may wait for rows that it holds

    def _step(self, rate: float) -> None:
        self._catch_up()
        self._turn_late()
        now = time.monotonic()
        share = min(1.0, rate * max(now - self._since, 0.001) / (_A_DAY * self._shop.scale))
        self._since = now
        movers = self._late.customers if self._late and self._steps % _LATE_EVERY == 1 else ()
        day = spend(
            self._connection,
            self._bootstrap,
            self._truth,
            datetime.now(UTC),
            reached=self._reached or {},
            share=share,
            movers=movers,
        )
        self._reached = day.reached
        self._shop = replace(self._shop, ticks=self._shop.ticks + 1)
        if self._steps % _LATE_EVERY == 0:
            truths.compact(self._truth)
        self.lived += Lived(day.versions, day.commits, 0, day.events)

    def end(self) -> None:
        """Commit what is still open; it never happened when somebody else is at it for long."""
        try:
            with marker.alone(self._connection):
                self._commit_late()
        except Busy:
            self._give_up_late()

    def _give_up_late(self) -> None:
        if self._late:
            self._late.roll_back()
            self._close_late()

    def _catch_up(self) -> None:
        """Learn what others have done to the shop since the last step."""
        found = marker.read_filled(self._connection)
        if (found.seed, found.since, found.topic) != (self._shop.seed, self._shop.since, self._shop.topic):
            raise SampleError(
                "The sample shop was replaced by another one while this one was kept alive. The new one is as it was "
                "filled, and its truth is complete. Run `dataeng sample live` again to go on with it."
            )
        if self._reached is None or found.ticks != self._shop.ticks:
            self._reached = truths.Truth(self._truth).reached()
        self._shop = found

    def _turn_late(self) -> None:
        """Every half a minute a transaction begins that others overtake."""
        if self._steps % _LATE_EVERY == 0:
            label = f"live {self._steps}"
            self._late = self._held.enter_context(late_transactions(self._url, truth=self._truth, count=1, label=label))
        if self._steps % _LATE_EVERY == _LATE_FOR:
            self._commit_late()
        self._steps += 1

    def _commit_late(self) -> None:
        if self._late:
            self.lived += Lived(len(self._late.commit()), 1, 1, 0)
            self._close_late()

    def _close_late(self) -> None:
        self._late = None
        self._held.pop_all().close()
