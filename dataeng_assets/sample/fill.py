"""Filling Postgres and Kafka with the shop's past, once.

What the past is belongs in `history`; life after it in `tick`.
"""

import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dataeng_assets.sample import SampleError, marker, schema
from dataeng_assets.sample import topic as topics
from dataeng_assets.sample import truth as truths
from dataeng_assets.sample.history import Shop, simulate
from dataeng_assets.sample.marker import Marker
from dataeng_assets.settings import local_addresses

SEED = 20_260_101
TOPIC = "user_events"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class FillReport:
    """What is in the shop after a fill: rows by table, and the topic's records of the past.

    `filled` is False when the same shop was already there.
    """

    filled: bool
    first_day: date
    rows: Mapping[str, int]
    events: int
    seconds: float


def quiet(_step: str, _done: int, _total: int) -> None:
    """Report no progress."""


def fill(
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
    now = datetime.now(UTC).replace(microsecond=0)
    if until is not None and until > now:
        raise SampleError(f"The past can't end in the future, at {until}. Nothing was changed. Give an earlier end.")
    wanted = _wanted(seed, days, scale, until or now, topic)
    with psycopg.connect(url, autocommit=True) as connection, marker.alone(connection):
        found = marker.read(connection)
        is_there = found is not None and found.is_complete and not anew
        if found and is_there:
            _refuse_another(found, wanted, has_end=until is not None)
            _refuse_broken(connection, found, bootstrap, truth)
        else:
            _refuse_foreign(connection, found, bootstrap, topic, anew=anew)
            with _uncollected():
                _fill_anew(connection, bootstrap, wanted, truth, progress)
        return _reported(connection, started, is_new=not is_there)


def _reported(connection: psycopg.Connection[Any], started: float, *, is_new: bool) -> FillReport:
    shop = marker.read_filled(connection)
    first_day = shop.since.astimezone(UTC).date()
    record_first_day(first_day)
    counts = {table: _count(connection, table) for table in schema.TABLES}
    return FillReport(is_new, first_day, counts, shop.records, time.monotonic() - started)


def _wanted(seed: int, days: int, scale: float, until: datetime, topic: str) -> Marker:
    return Marker(
        seed=seed,
        days=days,
        scale=scale,
        since=until - timedelta(days=days),
        until=until,
        topic=topic,
        records=0,
        is_complete=False,
        ticks=0,
        ticked_at=until,
    )


def _refuse_another(found: Marker, wanted: Marker, *, has_end: bool) -> None:
    names = ["seed", "days", "scale", "topic", *(["until"] if has_end else [])]
    differences = [
        f"{name} is {getattr(found, name)}, not {getattr(wanted, name)}"
        for name in names
        if getattr(found, name) != getattr(wanted, name)
    ]
    if differences:
        raise SampleError(
            f"The database holds another sample shop: {'; '.join(differences)}. Nothing was changed. "
            "Ask for that one, or replace it with `dataeng sample fill --anew`."
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
            f"The sample shop was filled, but something of it is gone: {', '.join(missing)}. What is left is sound, "
            "and nothing was changed. Make a new one with `dataeng sample fill --anew`."
        )


def _refuse_foreign(
    connection: psycopg.Connection[Any], found: Marker | None, bootstrap: str, topic: str, *, anew: bool
) -> None:
    if found is None and marker.value(connection, "select to_regnamespace('shop')") is not None:
        raise SampleError(
            "The database has a schema `shop` that is no sample. Nothing was changed. "
            "Give the sample a database of its own with DATAENG_POSTGRES_URL."
        )
    is_ours = found is not None and found.topic == topic
    ends = {} if is_ours or anew else topics.ends(bootstrap, topic) or {}
    if sum(ends.values()):
        raise SampleError(
            f"The topic {topic} holds records that no fill of this database sent. Nothing was changed. Throw them away "
            "with `dataeng sample fill --anew`, or give the sample a broker of its own with DATAENG_KAFKA_BOOTSTRAP."
        )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave garbage where it is: what a fill makes lives to its end, and to walk it takes a fifth more."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _fill_anew(
    connection: psycopg.Connection[Any], bootstrap: str, wanted: Marker, truth: Path, progress: Progress
) -> None:
    progress("simulate", 0, 1)
    shop = simulate(wanted.seed, days=wanted.days, scale=wanted.scale, until=wanted.until)
    progress("simulate", 1, 1)
    marker.begin(connection, replace(wanted, records=len(shop.events)))
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
    """Load the history, then give the tables their clock: the rows of the past bring their own `updated_at`."""
    tables: dict[str, Sequence[tuple[Any, ...]]] = {table: getattr(shop, table) for table in schema.TABLES}
    total, done = sum(len(rows) for rows in tables.values()), 0
    with connection.transaction():
        connection.execute("drop schema if exists shop cascade")
        connection.execute(schema.CREATE_TABLES)
        connection.execute(sql.SQL(schema.create_partitions(shop.since, shop.until)))
        for table, rows in tables.items():
            _copy(connection, table, rows)
            done += len(rows)
            progress("tables", done, total)
        connection.execute(sql.SQL(schema.create_clock()))
        commit = marker.next_commit(connection)
    names = [sql.Identifier(schema.SCHEMA, table) for table in schema.TABLES]
    connection.execute(sql.SQL("analyze {}").format(sql.SQL(", ").join(names)))
    versions = [truths.Version(table, row, commit, 0, is_late=False) for table, rows in tables.items() for row in rows]
    truths.write_versions(truth, versions)


def _copy(connection: psycopg.Connection[Any], table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Load a table's rows, and let its numbers go on after them."""
    name, columns = sql.Identifier(schema.SCHEMA, table), schema.written(table)
    take = itemgetter(*(schema.ARROW[table].names.index(column) for column in columns))
    query = sql.SQL("copy {} ({}) from stdin").format(name, sql.SQL(", ").join(map(sql.Identifier, columns)))
    with connection.cursor().copy(query) as copy:
        for row in rows:
            copy.write_row(take(row))
    if table in schema.NUMBERED:
        (key,) = schema.key_of(table)
        go_on = sql.SQL("select setval(pg_get_serial_sequence({}, {}), max({})) from {}")
        connection.execute(go_on.format(f"{schema.SCHEMA}.{table}", key, sql.Identifier(key), name))


def _has_table(connection: psycopg.Connection[Any], table: str) -> bool:
    query = sql.SQL("select to_regclass({})").format(f"{schema.SCHEMA}.{table}")
    return marker.value(connection, query) is not None


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(schema.SCHEMA, table))
    return int(marker.value(connection, query))


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
