"""Committing what was read of one table: the rows set aside first, bronze last.

Bronze's commit is what makes a run done. A crash before it leaves the quarantine ahead; the next run reads the same
rows and finds that the quarantine knows them. Each commit goes through the handle that was opened before the snapshot
was taken and carries the same guard, so that of two runs that overlap one is refused: a run that moves progress, or has
news for the quarantine, commits to both, rows or none.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.extract import quarantine, versions
from dataeng_assets.extract.engine import engine
from dataeng_assets.extract.plan import (
    Plan,
    Progress,
    ProgressNames,
    SourceTable,
    Window,
    moment,
    progress_names,
    transactions,
)
from dataeng_assets.extract.staging import Staged
from dataeng_assets.extract.whole import count_living
from dataeng_assets.lake.append import Superseded, append, progress
from dataeng_assets.lake.location import Lake
from dataeng_assets.postgres.errors import SourceError
from dataeng_assets.postgres.snapshot import Snapshot


class Overtaken(SourceError):
    """Another extract committed to the table since this one looked at it."""

    retryable = True


@dataclass(frozen=True)
class Run:
    """What all tables of a run share."""

    snapshot: Snapshot
    folder: Path
    window: Window
    run_id: str


@dataclass(frozen=True)
class Bronze:
    """Where one source table is copied to, at the versions that a run's decisions rest on.

    Attributes:
        quarantine: where broken rows go; None when the contract sets none aside and never did.
    """

    main: DeltaTable
    quarantine: DeltaTable | None


def open_bronze(lake: Lake, table: SourceTable) -> Bronze:
    """The tables, made where they are missing.

    Raises:
        SchemaDiffers, ForgetfulTable: as `Lake.create`.
    """
    said = table.contract.description
    key = quarantine.quarantine_key(table)
    aside = None
    # once rows were set aside, their log goes on: it has to learn which of them have got a good version
    if table.contract.quarantine or lake.exists(key):
        aside = lake.create(
            key, quarantine.quarantine_schema(table), change_feed=True, description=f"Rows set aside: {said}"
        )
    return Bronze(lake.create(table.key, versions.bronze_schema(table), change_feed=True, description=said), aside)


@dataclass(frozen=True)
class Committed:
    """What a run committed of one table.

    Attributes:
        operations: rows appended to bronze, by `_op`.
        good: rows read that break no rule.
        quarantined: rows read that do, counted in what the quarantine holds after its commit.
        by_rule: rows read by the rule that they break.
        living: of a table read whole, the keys that are there by what was committed; None for others, and when nothing
            was committed.
    """

    operations: Counter[str]
    good: int
    quarantined: int
    by_rule: Mapping[str, int]
    living: int | None


def commit(
    run: Run,
    table: SourceTable,
    bronze: Bronze,
    plan: Plan,
    staged: Staged,
    after: Progress | None,
    *,
    unique: bool,
) -> Committed:
    """Set broken rows aside, and append the new versions of the others.

    Args:
        run: whose rows they are.
        table: what was read.
        bronze: as it was before the snapshot was taken.
        plan: which rows were asked for.
        staged: the rows.
        after: where the next run reads on; None when this run moves nothing.
        unique: whether the source itself keeps the key unique.

    Raises:
        Overtaken: another run has committed in between.
        TooManyBroken: more rows are broken than may be; nothing was committed.
        SourceRefused: the rows cannot have versions.
    """
    names = progress_names(table.name, run.snapshot.server)
    extracted_at = _extraction_time(run, bronze, names)
    stamp = {"moment": extracted_at.astimezone(UTC).isoformat(), "run_id": run.run_id}
    moved = transactions(names, after, extracted_at)
    guard = {names.guard: moved[names.guard]}
    told = {"run_id": run.run_id, "method": plan.method}
    with engine(run.folder) as connection:
        versions.check(connection, table, staged, unique=unique)
        by_rule = quarantine.set_aside(connection, table, staged)
        versions.compare(connection, table, plan, staged, bronze.main)
        news = bool(bronze.quarantine and quarantine.store_news(connection, table, staged, bronze.quarantine))
        if bronze.quarantine and (news or after):
            _append(table, bronze.quarantine, quarantine.news(connection, table, staged, **stamp), guard, told)
        found = versions.new_versions(connection, table, staged, **stamp)
        rows = found.reader() if news or after else found.reader_unless_empty()
        if rows is not None:
            try:
                _append(table, bronze.main, rows, moved, told)
            except Exception:  # the writer tells any failure of its source as one of its own
                if found.failure is not None:
                    raise found.failure from None
                raise
        living = count_living(connection, table, bronze.main) if rows is not None and table.watermark is None else None
        return Committed(found.operations, *_divided(connection, table, bronze, staged), by_rule, living)


def _append(
    table: SourceTable,
    handle: DeltaTable,
    rows: pa.RecordBatchReader,
    moved: Mapping[str, int],
    told: Mapping[str, str],
) -> None:
    try:
        append(handle, rows, transactions=moved, metadata=told)
    except Superseded:
        raise Overtaken(
            f"Another extract or replay of {table.name} committed while this one was reading, so this one committed "
            "nothing to it: what it found may be in the table already. Nothing is lost. Run again; it will read what "
            "is left."
        ) from None


def _divided(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, bronze: Bronze, staged: Staged
) -> tuple[int, int]:
    """Rows read that are good, and that lie in the quarantine."""
    if not bronze.quarantine:
        return staged.rows, 0
    quarantined = quarantine.count_quarantined(connection, table, bronze.quarantine)
    return quarantine.count_good(connection, table, staged), quarantined


def _extraction_time(run: Run, bronze: Bronze, names: ProgressNames) -> datetime:
    """The snapshot's time, or just after the newest stored one if the server's clock went back."""
    stored = [progress(handle, names.guard) for handle in (bronze.main, bronze.quarantine) if handle]
    newest = max((at for at in stored if at is not None), default=None)
    if newest is None:
        return run.snapshot.taken_at
    return max(run.snapshot.taken_at, moment(newest) + timedelta(microseconds=1))
