"""Covering: finding out which days the new versions of bronze have touched."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby

import duckdb
from deltalake import DeltaTable

from dataeng_assets.lake.append import Superseded, progress
from dataeng_assets.lake.changes import changes
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.views import create_views
from dataeng_assets.orchestration.ledger.entries import Touch, open_ledger, write
from dataeng_assets.orchestration.ledger.targets import DEFINITION, Target, Targets

_TRIES = 5


def newest_versions(lake: Lake, sources: Iterable[str]) -> dict[str, int]:
    """The newest version of each bronze table that exists."""
    keys = {source: tuple(source.split(".")) for source in sources}
    return {source: lake.open(key).version() for source, key in keys.items() if lake.exists(key)}


def cover(lake: Lake, targets: Targets, *, run_id: str) -> int:
    """Write down which days were touched by the versions that nobody has covered yet.

    May be called by anyone at any time, and by several at once: each version is covered once.

    Args:
        lake: where bronze and the ledger lie.
        targets: what is kept fresh.
        run_id: who covers.

    Returns:
        How many entries were written.
    """
    for _ in range(_TRIES):
        ledger = open_ledger(lake)
        newest = newest_versions(lake, targets.sources)
        missing = sorted(_missing(ledger, targets, newest), key=lambda item: (item[1], item[2] is None, item[2] or 0))
        if not missing:
            return 0
        touches = list(_touches(lake, missing, newest))
        covered = {target.application(source): newest.get(source, 0) for target, source, _ in missing}
        try:
            write(ledger, touches, handled=False, run_id=run_id, covered=covered)
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
        if target.view:
            if progress(ledger, target.application(DEFINITION)) is None:
                yield target, DEFINITION, None
            continue
        for source in target.touched:
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
            if source == DEFINITION:
                yield from (Touch(target.name, None, DEFINITION, target.mapping(DEFINITION), 0) for target in waiting)
                continue
            if not _load_changes(connection, lake, source, covered, newest[source]):
                continue
            for target in waiting:
                for day in _days(connection, target, source):
                    yield Touch(target.name, day, source, target.mapping(source), newest[source])


def _load_changes(connection: duckdb.DuckDBPyConnection, lake: Lake, source: str, covered: int | None, to: int) -> bool:
    """Put the rows that came after a version into the table `changes`; whether there are any."""
    connection.execute("drop table if exists changes")
    if covered is None:
        schema, _, name = source.rpartition(".")
        connection.execute(f'create temp table changes as from "{schema.replace(".", "_")}"."{name}"')
    else:
        rows = changes(lake, tuple(source.split(".")), covered, to)
        connection.register("new_rows", rows)
        connection.execute("create temp table changes as from new_rows")
        connection.unregister("new_rows")
    (count,) = connection.execute("select count(*) from changes").fetchone() or (0,)
    return bool(count)


def _days(connection: duckdb.DuckDBPyConnection, target: Target, source: str) -> Iterator[date | None]:
    if not target.daily:
        yield None
        return
    sql = target.touched[source]
    found = connection.execute(
        f"select distinct cast(day as date) as day from ({sql}) where day is not null order by day"
    )
    yield from (day for (day,) in found.fetchall())
