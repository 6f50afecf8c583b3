"""Filling Postgres and Kafka with the shop's past, once.

What the past is belongs in `history`; life after it in `tick`.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from dataeng_assets.sample import marker, schema, topic as topics, truth as truths
from dataeng_assets.sample.history import Shop, simulate
from dataeng_assets.sample.marker import Marker
from dataeng_assets.settings import local_addresses

SEED = 20_260_101
TOPIC = "user_events"
FIRST_COMMIT = 1
_LOCK = 7_236_801

Progress = Callable[[str, int, int], None]


class SampleError(Exception):
    """The sample shop can't be filled or can't live on; says what is there, what is safe, and what to do."""


@dataclass(frozen=True)
class FillReport:
    """What is in the shop after a fill. `filled` is False when the same shop was already there."""

    filled: bool
    first_day: date
    customers: int
    products: int
    orders: int
    events: int
    seconds: float


def quiet(_step: str, _done: int, _total: int) -> None:
    """Report no progress."""


def fill(  # noqa: PLR0913
    url: str,
    bootstrap: str,
    *,
    truth: Path,
    days: int = 90,
    scale: float = 1.0,
    seed: int = SEED,
    until: datetime | None = None,
    topic: str = TOPIC,
    anew: bool = False,
    progress: Progress = quiet,
) -> FillReport:
    """Fill the schema `shop` and the topic with the shop's past.

    Nothing happens when the same shop is already there. A fill that was killed half-way is started over. The first day
    is recorded as `DATAENG_FIRST_DAY` beside the addresses of the local services.

    Args:
        url: the database; its schemas `shop` and `sample` are made by this function.
        bootstrap: address of the broker.
        truth: folder that takes what truly happened.
        days: length of the past.
        scale: 1 is about 5,000 customers, 500 products, 60,000 orders and 250,000 events.
        seed: the same seed, span and scale give the same shop.
        until: end of the past, aware; now when None, and then a shop that ends at another instant is the same.
        topic: name of the topic.
        anew: throw away the sample shop and the topic that are there, and fill again.
        progress: told the step, how much of it is done, and how much there is.

    Raises:
        SampleError: another shop is there, or one that this function did not make; nothing was changed.
        TopicError: the broker did not take the records; run the fill again.
    """
    started = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection, _alone(connection):
        found = marker.read(connection)
        wanted = Marker(
            seed, days, scale, datetime.min, datetime.min, topic, 0, is_complete=False, ticks=0, ticked_at=datetime.min
        )
        if found and found.is_complete and not anew:
            _refuse_another(found, wanted, until)
            _refuse_broken(connection, found, bootstrap, truth)
        else:
            if found is None or not found.is_complete:
                _refuse_foreign(connection, found, bootstrap, topic, anew=anew)
            _fill_anew(connection, bootstrap, wanted, until or datetime.now(UTC).replace(microsecond=0), truth, progress)
        now = marker.read(connection)
        assert now is not None
        record_first_day(now.since.date())
        counts = [_count(connection, table) for table in schema.TABLES]
        return FillReport(
            now != found, now.since.date(), *counts, events=now.records, seconds=time.monotonic() - started
        )


@contextmanager
def _alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Hold the database's lock on the sample, which ends with the connection at the latest."""
    if connection.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
        raise SampleError("Another `dataeng sample fill` is at work on this database. Nothing was changed. Wait for it.")
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def _refuse_another(found: Marker, wanted: Marker, until: datetime | None) -> None:
    differences = [
        f"{name} is {getattr(found, name)}, not {value}"
        for name, value in (*((name, getattr(wanted, name)) for name in ("seed", "days", "scale", "topic")), ("until", until))
        if value is not None and getattr(found, name) != value
    ]
    if differences:
        raise SampleError(
            f"The database holds another sample shop: {'; '.join(differences)}. Nothing was changed. Ask for that one, or "
            "replace it with `dataeng sample fill --anew`."
        )


def _refuse_broken(connection: psycopg.Connection[Any], found: Marker, bootstrap: str, truth: Path) -> None:
    ends = topics.ends(bootstrap, found.topic)
    missing = [f"the table shop.{table}" for table in schema.TABLES if not _has_table(connection, table)]
    if sum((ends or {}).values()) < found.records:
        missing.append(f"records of the topic {found.topic}")
    if not (truth / "events").is_dir():
        missing.append(f"the truth in {truth}")
    if missing:
        raise SampleError(
            f"The sample shop was filled, but something of it is gone: {', '.join(missing)}. What is left is sound, and "
            "nothing was changed. Make a new one with `dataeng sample fill --anew`."
        )


def _refuse_foreign(
    connection: psycopg.Connection[Any], found: Marker | None, bootstrap: str, topic: str, *, anew: bool
) -> None:
    if found is None and any(_has_table(connection, table) for table in schema.TABLES):
        raise SampleError(
            "The database has a schema `shop` that is no sample. Nothing was changed. Give the sample a database of its "
            "own with DATAENG_POSTGRES_URL."
        )
    ours = found is not None and found.topic == topic
    if not ours and not anew and sum((topics.ends(bootstrap, topic) or {}).values()):
        raise SampleError(
            f"The topic {topic} already holds records that no fill of this database sent. Nothing was changed. Throw them "
            "away with `dataeng sample fill --anew`, or give the sample a broker of its own with DATAENG_KAFKA_BOOTSTRAP."
        )


def _fill_anew(  # noqa: PLR0913, PLR0917
    connection: psycopg.Connection[Any], bootstrap: str, wanted: Marker, until: datetime, truth: Path, progress: Progress
) -> None:
    progress("simulate", 0, 1)
    shop = simulate(wanted.seed, days=wanted.days, scale=wanted.scale, until=until)
    progress("simulate", 1, 1)
    since = until - timedelta(days=wanted.days)
    marker.begin(
        connection,
        Marker(
            wanted.seed, wanted.days, wanted.scale, since, until, wanted.topic, len(shop.events), is_complete=False,
            ticks=0, ticked_at=until,
        ),
    )  # fmt: skip
    truths.clear(truth)
    _load_tables(connection, shop, truth, progress)
    topics.recreate(bootstrap, wanted.topic)
    done = 0

    def sent(more: int) -> None:
        nonlocal done
        done += more
        progress("events", done, len(shop.events))

    offsets = topics.send(bootstrap, wanted.topic, shop.events, sent)
    truths.write_events(truth, shop.events, offsets, tick=0)
    marker.complete(connection)


def _load_tables(connection: psycopg.Connection[Any], shop: Shop, truth: Path, progress: Progress) -> None:
    tables: dict[str, Sequence[tuple[Any, ...]]] = {
        "customers": shop.customers,
        "products": shop.products,
        "orders": shop.orders,
    }
    total, done = sum(len(rows) for rows in tables.values()), 0
    with connection.transaction():
        connection.execute("drop schema if exists shop cascade")
        connection.execute(schema.CREATE_TABLES)
        for table, rows in tables.items():
            with connection.cursor().copy(f"copy shop.{table} from stdin") as copy:
                for row in rows:
                    copy.write_row(row)
            done += len(rows)
            progress("tables", done, total)
            sequence = f"pg_get_serial_sequence('shop.{table}', '{schema.key_of(table)}')"
            connection.execute(f"select setval({sequence}, {len(rows)})")
        connection.execute(schema.CREATE_CLOCK)
        first = marker.next_commit(connection)
    versions = [truths.Version(table, row, first, 0, is_late=False) for table, rows in tables.items() for row in rows]
    truths.write_versions(truth, versions)
    connection.execute("analyze shop.customers, shop.products, shop.orders")


def _has_table(connection: psycopg.Connection[Any], table: str) -> bool:
    return connection.execute("select to_regclass(%s)", (f"shop.{table}",)).fetchone() != (None,)


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(f"select count(*) from shop.{table}").fetchone()
    assert row is not None
    return int(row[0])


def record_first_day(first_day: date) -> None:
    """Record the first daily partition beside the addresses of the local services, whose lines stay as they are."""
    name, file = "DATAENG_FIRST_DAY", local_addresses()
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    wanted = [*(line for line in lines if not line.startswith(f"{name}=")), f"{name}={first_day}"]
    if wanted == lines:
        return
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.touch(mode=file.stat().st_mode & 0o777 if file.exists() else 0o600)
    unfinished.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    unfinished.replace(file)
