"""Doubt: rows of bronze that break a rule of their contract, and the days that they touch, which therefore wait.

A judgement of a table says everything that is doubted of it, and takes the place of the one before. So a day is free
when the rows were corrected, or the rule was; or when a person materializes it, who takes the rows as they are.
Which rows break a rule is said by `quality.incoming`. Days that fail a test of their own belong in `hold`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import takewhile

import dagster as dg
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.functions import register_functions
from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.views import create_views
from dataeng_assets.orchestration.in_flight import IN_FLIGHT
from dataeng_assets.orchestration.ledger.cover import days_touched
from dataeng_assets.orchestration.ledger.entries import (
    Doubt,
    Touch,
    Waiting,
    doubts,
    open_ledger,
    waiting,
    withheld_with,
    write_judgement,
)
from dataeng_assets.orchestration.ledger.targets import RELEASED, Target, Targets
from dataeng_assets.quality.connection import connect

Held = tuple[str, date | None]
"""A target and one of its days; None: the target as a whole."""


def settle(lake: Lake, targets: Targets, source: str, *, version: int, broken: str, run_id: str) -> tuple[Held, ...]:
    """Write down what a judgement of a bronze table means for what is made of it.

    Args:
        lake: where the table and the ledger lie.
        targets: all targets.
        source: the table, dotted.
        version: that was judged.
        broken: SQL of the rows that break a rule whose severity is error, over `{table}`; empty when none does.
        run_id: who has judged.

    Returns:
        What is held back now; not the days that a person has taken as they are.
    """
    before = doubts(lake, source)
    if not broken and not before:
        return ()
    known = {doubt.run_id: doubt.touch.version for doubt in before if doubt.is_of_rows}
    now = tuple(_doubted(lake, targets, source, version, broken, known)) if broken else ()
    write_judgement(open_ledger(lake), source, version, now, _touched_again(targets, before, now), run_id=run_id)
    doubted = {doubt.touch for doubt in now}
    held = {(touch.target, touch.day) for touch in waiting(lake).held if touch in doubted}
    return tuple(sorted(held, key=lambda one: (one[0], one[1] or date.min)))


def _doubted(
    lake: Lake, targets: Targets, source: str, version: int, broken: str, known: Mapping[str, int]
) -> Iterator[Doubt]:
    """The rows, by the run that has brought them, and what they touch of the targets that read them."""
    schema, _, name = source.rpartition(".")
    view = f"{quoted(schema.replace('.', '_'))}.{quoted(name)}"
    with connect() as connection:
        create_views(connection, lake, pins={source: version})
        register_functions(connection)
        connection.execute(f"create temp table broken as {broken.replace('{table}', view)}")
        for (run,) in connection.execute("select distinct _run_id from broken order by 1").fetchall():
            connection.execute(f"create or replace temp table changes as from broken where _run_id = {literal(run)}")
            first = known.get(run, version)
            yield Doubt(Touch(source, None, source, "", first), run)
            for target in _readers(targets, source):
                for day in days_touched(connection, target, source):
                    yield Doubt(Touch(target.name, day, source, target.mapping(source), first), run)


def _readers(targets: Targets, source: str) -> Iterator[Target]:
    """Those that take up the rows themselves; what is made from these waits for them."""
    return (target for target in targets.all if source in target.reads and source in target.touched and not target.view)


def _touched_again(targets: Targets, before: Iterable[Doubt], now: Iterable[Doubt]) -> Iterator[Touch]:
    """What has no days of its own and was built without the days that are free now."""
    kept = {(doubt.touch.target, doubt.touch.day) for doubt in now}
    free = {
        targets.by_name[doubt.touch.target].key
        for doubt in before
        if doubt.touch.day and doubt.touch.target in targets.by_name
        if (doubt.touch.target, doubt.touch.day) not in kept
    }
    moment = int(datetime.now(UTC).timestamp() * 1_000_000)
    for target in targets.all:
        if not target.daily and not target.view and target.ancestors & free:
            yield Touch(target.name, None, RELEASED, "", moment)


def withhold(targets: Targets, found: Waiting, pins: Mapping[str, int]) -> Waiting:
    """What may be asked for now, of what waits.

    Left out is what a doubted ancestor still waits for, and what is newer than the versions that may be read.

    Args:
        targets: all targets.
        found: what waits.
        pins: version of each bronze table that a run would read.
    """

    def may_be_built(touch: Touch) -> bool:
        target = targets.by_name.get(touch.target)
        ancestors = {".".join(key) for key in target.ancestors} if target else set()
        return touch.version <= pins.get(touch.source, touch.version) and not withheld_with(
            touch, found.withheld, ancestors
        )

    return Waiting(tuple(filter(may_be_built, found.pending)), found.held, found.withheld)


def settled_versions(lake: Lake, instance: dg.DagsterInstance, tables: Iterable[str]) -> dict[str, int]:
    """The newest version that no run in flight has brought, of the tables to which one has brought a newer.

    What a run brings is judged at its end; until then, nothing may be built from it. -1: the run has made the table.
    """
    runs = {run.run_id for run in instance.get_runs(filters=dg.RunsFilter(statuses=IN_FLIGHT))}
    if not runs:
        return {}
    keys = {table: tuple(table.split(".")) for table in tables}
    brought = {table: _first_brought(lake.open(key), runs) for table, key in keys.items() if lake.exists(key)}
    return {table: first - 1 for table, first in brought.items() if first is not None}


def _first_brought(table: DeltaTable, runs: Collection[str]) -> int | None:
    """The first of the newest commits that these runs have made; None when the newest is another's."""
    wanted = 1
    while True:
        # a stream's attempt has the number of the retry behind the run's id
        newest = takewhile(lambda commit: str(commit.get("run_id")).split(".")[0] in runs, table.history(wanted))
        versions = [int(commit["version"]) for commit in newest]
        if len(versions) < wanted:
            return versions[-1] if versions else None
        wanted *= 32
