"""What the database itself remembers about the sample: which shop it holds and whether the fill was completed.

It stands in a schema of its own, `sample`, so that the shop is nothing but a shop.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import class_row, scalar_row

from dataeng_assets.sample import SampleError

_LOCK = 7_236_801

# an interval's text depends on the session; that of a function which brings its own style does not
_CREATE = """
create schema if not exists sample;
drop table if exists sample.shop;
drop sequence if exists sample.commits;
create table sample.shop (
    seed bigint not null,
    days integer not null,
    scale double precision not null,
    since timestamptz not null,
    until timestamptz not null,
    topic text not null,
    records bigint not null,
    is_complete boolean not null,
    ticks integer not null,
    ticked_at timestamptz not null
);
create sequence sample.commits;
create or replace function sample.iso_8601(interval) returns text
language sql immutable set intervalstyle = 'iso_8601' as 'select $1::text';
"""


class Busy(SampleError):
    """Another process fills the shop, or lets it live."""


@dataclass(frozen=True)
class Marker:
    """One shop: what it was made of, and how far it has lived.

    `records` is how many the fill sent to the topic, `ticked_at` the instant that the shop's life has reached.
    """

    seed: int
    days: int
    scale: float
    since: datetime
    until: datetime
    topic: str
    records: int
    is_complete: bool
    ticks: int
    ticked_at: datetime


def read(connection: psycopg.Connection[Any]) -> Marker | None:
    """The shop that the database holds; None when it never held one."""
    if value(connection, "select to_regclass('sample.shop')") is None:
        return None
    with connection.cursor(row_factory=class_row(Marker)) as cursor:
        return cursor.execute("select * from sample.shop").fetchone()


def read_filled(connection: psycopg.Connection[Any]) -> Marker:
    """The shop that the database holds, completely filled.

    Raises:
        SampleError: it holds none.
    """
    found = read(connection)
    if found is None or not found.is_complete:
        raise SampleError(
            "The database holds no completely filled sample shop. Nothing was changed. Run `dataeng sample fill` first."
        )
    return found


@contextmanager
def alone(connection: psycopg.Connection[Any], *, patience_seconds: float = 10.0) -> Iterator[None]:
    """Be the only one who fills or ticks; ends with the connection at the latest.

    Args:
        connection: what holds the lock.
        patience_seconds: for how long another one may be at it; longer than a step of `live`, when not given.

    Raises:
        Busy: another process is at it for longer.
    """
    deadline = time.monotonic() + patience_seconds
    while not value(connection, sql.SQL("select pg_try_advisory_lock({})").format(_LOCK)):
        if time.monotonic() > deadline:
            raise Busy(
                "Another `dataeng sample` is at work on this database. Nothing was changed. Wait until it has ended."
            )
        time.sleep(0.02)  # asked again instead of waited for, which would be a transaction that holds extracts back
    try:
        yield
    finally:
        # not left to the end of the connection, which the server notices a moment later
        with suppress(psycopg.Error):
            connection.execute(sql.SQL("select pg_advisory_unlock({})").format(_LOCK))


def begin(connection: psycopg.Connection[Any], marker: Marker) -> None:
    """Remember that a fill has begun; committed before anything else is written."""
    with connection.transaction():
        connection.execute(_CREATE)
        connection.execute(
            "insert into sample.shop values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            tuple(vars(marker).values()),
        )


def complete(connection: psycopg.Connection[Any]) -> None:
    """Remember that everything of the fill is there."""
    with connection.transaction():
        connection.execute("update sample.shop set is_complete = true")


def ticked(connection: psycopg.Connection[Any], at: datetime) -> None:
    """Remember that the shop has lived one more day, up to an instant."""
    with connection.transaction():
        connection.execute("update sample.shop set ticks = ticks + 1, ticked_at = %s", (at,))


def next_commit(connection: psycopg.Connection[Any]) -> int:
    """A number for the transaction that is about to commit; ascending in the order of commits."""
    return int(value(connection, "select nextval('sample.commits')"))


def value(connection: psycopg.Connection[Any], query: LiteralString | sql.Composed) -> Any:
    """The one value that a query answers with."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query).fetchone()
