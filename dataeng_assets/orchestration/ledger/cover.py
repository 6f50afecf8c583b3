"""Covering: finding out which days the new versions of bronze have touched."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from types import MappingProxyType

import duckdb
from deltalake import DeltaTable

from dataeng_assets.lake.append import Superseded, progress
from dataeng_assets.lake.changes import touched_rows
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.views import create_views
from dataeng_assets.orchestration.ledger.entries import State, Touch, open_ledger, write
from dataeng_assets.orchestration.ledger.targets import CALENDAR, DEFINITION, Target, Targets
from dataeng_assets.orchestration.partitions import newest_day

_TRIES = 5


def newest_versions(lake: Lake, sources: Iterable[str]) -> dict[str, int]:
    """The newest version of each bronze table that exists."""
    keys = {source: tuple(source.split(".")) for source in sources}
    return {source: lake.open(key).version() for source, key in keys.items() if lake.exists(key)}


def up_to(newest: Mapping[str, int], limits: Mapping[str, int]) -> dict[str, int]:
    """Versions, none of them beyond its limit; a table whose limit lies before its first version is not there yet."""
    kept = {source: min(version, limits.get(source, version)) for source, version in newest.items()}
    return {source: version for source, version in kept.items() if version >= 0}


def cover(lake: Lake, targets: Targets, *, run_id: str, limits: Mapping[str, int] = MappingProxyType({})) -> int:
    """Write down which days were touched by the versions that nobody has covered yet.

    May be called by anyone at any time, and by several at once: each version is covered once.

    Args:
        lake: where bronze and the ledger lie.
        targets: what is kept fresh.
        run_id: who covers.
        limits: by bronze table, the version that is covered at most.

    Returns:
        How many entries were written.
    """
    for _ in range(_TRIES):
        ledger = open_ledger(lake)
        found = up_to(newest_versions(lake, targets.sources), limits)
        newest = {**found, DEFINITION: 0, CALENDAR: newest_day().toordinal()}
        missing = sorted(_missing(ledger, targets, newest), key=lambda item: (item[1], item[2] is None, item[2] or 0))
        if not missing:
            return 0
        touches = list(_touches(lake, missing, newest))
        covered = {target.application(source): newest[source] for target, source, _ in missing}
        try:
            write(ledger, touches, State.TOUCHED, run_id=run_id, covered=covered)
        except Superseded:
            continue
        return len(touches)
    raise RuntimeError(
        f"The change ledger at {lake.at(('ledger', 'changes'))} was written by others {_TRIES} times in a row while "
        "this run was covering bronze. Nothing is lost: the next tick covers what is missing."
    )


def _missing(
    ledger: DeltaTable, targets: Targets, newest: Mapping[str, int]
) -> Iterator[tuple[Target, str, int | None]]:
    for target in targets.all:
        if not target.touched.keys() <= newest.keys():
            continue  # it cannot be built before all of its sources are there; then it is covered from the beginning
        sources = (DEFINITION,) if target.by_definition else tuple(target.touched)
        for source in (*sources, *((CALENDAR,) if target.every_day else ())):
            covered = progress(ledger, target.application(source))
            if covered is None or covered < newest[source]:
                yield target, source, covered


def _touches(
    lake: Lake, missing: Iterable[tuple[Target, str, int | None]], newest: Mapping[str, int]
) -> Iterator[Touch]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_views(connection, lake, pins=newest)
        for (source, covered), group in groupby(missing, key=lambda item: item[1:]):
            waiting = [target for target, _, _ in group]
            is_from_bronze = source not in (DEFINITION, CALENDAR)
            if is_from_bronze and not _load_changes(connection, lake, source, covered, newest[source]):
                continue
            for target in waiting:
                days = (
                    days_touched(connection, target, source)
                    if is_from_bronze
                    else _begun(source, covered, newest[source])
                )
                for day in days:
                    yield Touch(target.name, day, source, target.mapping(source), newest[source])


def _begun(source: str, covered: int | None, to: int) -> Iterable[date | None]:
    """The days that have begun since the last one covered; only today where none was. A definition has no day."""
    if source == DEFINITION:
        return [None]
    days = range(to if covered is None else covered + 1, to + 1)
    return [date.min + timedelta(days=day - 1) for day in days]


def _load_changes(connection: duckdb.DuckDBPyConnection, lake: Lake, source: str, covered: int | None, to: int) -> bool:
    """Put the rows that came or went after a version into the table `changes`; whether there are any."""
    connection.execute("drop table if exists changes")
    if covered is None:
        schema, _, name = source.rpartition(".")
        connection.execute(f'create temp table changes as from "{schema.replace(".", "_")}"."{name}"')
    else:
        rows = touched_rows(lake, tuple(source.split(".")), covered, to)
        connection.register("new_rows", rows)
        connection.execute("create temp table changes as from new_rows")
        connection.unregister("new_rows")
    (count,) = connection.execute("select count(*) from changes").fetchone() or (0,)
    return bool(count)


def days_touched(connection: duckdb.DuckDBPyConnection, target: Target, source: str) -> Iterator[date | None]:
    """The days of a target that the rows in the table `changes` touch; None when it has no days."""
    if not target.daily:
        yield None
        return
    sql = target.touched[source]
    found = connection.execute(
        f"select distinct cast(day as date) as day from ({sql}) where day is not null order by day"
    )
    yield from (day for (day,) in found.fetchall())
