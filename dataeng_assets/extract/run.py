"""One run: every table of a source in one snapshot, each committed by itself.

What is read belongs in `plan`, whether the source is what the contract says in `agreement`, the rows' way in `staging`
and `versions`.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import psycopg
from deltalake import DeltaTable

from dataeng_assets.extract import versions
from dataeng_assets.extract.agreement import agree, is_unique
from dataeng_assets.extract.engine import engine
from dataeng_assets.extract.plan import (
    Method,
    Plan,
    Progress,
    ProgressNames,
    SourceTable,
    Window,
    advance,
    moment,
    plan_read,
    progress_names,
    stored_progress,
    transactions,
)
from dataeng_assets.extract.staging import Staged, stage, staging_folder
from dataeng_assets.extract.whole import count_living
from dataeng_assets.lake.append import Superseded, append, progress
from dataeng_assets.lake.location import ForgetfulTable, Lake
from dataeng_assets.lake.room import NoRoom, room_for
from dataeng_assets.lake.strict import SchemaDiffers
from dataeng_assets.postgres.catalog import table_facts
from dataeng_assets.postgres.errors import SourceError
from dataeng_assets.postgres.snapshot import Snapshot, pinned_connections

PARALLEL_TABLES = 2
APPLICATION = "dataeng extract"


class Overtaken(SourceError):
    """Another extract committed to the table since this one looked at it."""

    retryable = True


class SomeTablesFailed(SourceError):
    """More than one table failed; the others were committed.

    Attributes:
        failures: one per table.
    """

    def __init__(self, failures: Sequence[Exception]) -> None:
        self.failures = tuple(failures)
        self.retryable = all(getattr(failure, "retryable", True) for failure in failures)
        super().__init__("\n".join(str(failure) for failure in failures))


@dataclass(frozen=True)
class TableReport:
    """What a run did to one table.

    Attributes:
        key: the bronze table.
        rows_read: rows of the window, as the source counted and the staged file proved them.
        rows_appended: new versions, deletes and returns among them.
        rows_deleted: keys that have vanished from a table read whole.
        rows_returned: keys that came back after their delete.
        rows_in_source: rows of the whole table in the snapshot.
        rows_living: keys of a table read whole that bronze knows as living after the commit, counted in what was
            committed; None for other tables.
        version: the bronze table's version after the run.
        window: what was read: the watermarks from the bound that was used.
        lower_bound: where the next run that follows reads on; None where only transaction numbers tell, or where every
            run reads everything.
        method: how late rows are found; `window` for a run that moves nothing, `whole` for a table read whole.
        columns_in_source: how many columns the source table has.
        drift: columns of the source that the contract does not name, in words.
        notes: what else a person should know: missing rights, unusual reads.
    """

    key: tuple[str, ...]
    rows_read: int
    rows_appended: int
    rows_deleted: int
    rows_returned: int
    rows_in_source: int
    rows_living: int | None
    version: int
    window: Window
    lower_bound: datetime | None
    method: Method
    columns_in_source: int
    drift: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class _Run:
    """What all tables of a run share."""

    snapshot: Snapshot
    folder: Path
    window: Window
    run_id: str


def extract(
    url: str,
    tables: Sequence[SourceTable],
    lake: Lake,
    window: Window,
    *,
    run_id: str,
    on_table: Callable[[TableReport], None] = lambda _report: None,
) -> tuple[TableReport, ...]:
    """Copy what is new in a window into bronze.

    All tables are read in one snapshot; each is committed by itself when it is proved complete. A table whose window
    holds nothing new gets an empty commit if the run follows, because progress moves, and none otherwise.

    Args:
        url: the source, as libpq takes it.
        tables: what to copy.
        lake: where bronze stands.
        window: which watermarks; without an end the run follows and moves progress.
        run_id: stored with every row.
        on_table: called in the caller's thread as each table is committed.

    Returns:
        A report per table, in the order of `tables`.

    Raises:
        SourceError: a table could not be copied; the others are committed and were reported to `on_table`.
        SchemaDiffers, ForgetfulTable, NoRoom: the same, because of the lake.
        SomeTablesFailed: the same of several tables.
    """
    failures: list[Exception] = []
    # Opened before the snapshot is taken: of two runs that overlap, the one that commits later is refused.
    work = list(_opened(tables, lake, failures))
    reports = _read(url, work, partial(_Run, window=window, run_id=run_id), on_table, failures) if work else {}
    if failures:
        raise failures[0] if len(failures) == 1 else SomeTablesFailed(failures)
    return tuple(reports[table.name] for table in tables)


def _opened(
    tables: Sequence[SourceTable], lake: Lake, failures: list[Exception]
) -> Iterator[tuple[SourceTable, DeltaTable]]:
    """Each table with a handle on its bronze; one whose bronze is not what it should be fails alone."""
    for table in tables:
        schema, description = versions.bronze_schema(table), table.contract.description
        try:
            with room_for(table.name, lake.uri):
                handle = lake.create(table.key, schema, change_feed=True, description=description)
        except (SchemaDiffers, ForgetfulTable, NoRoom) as error:
            failures.append(error)
        else:
            yield table, handle


def _read(
    url: str,
    work: Sequence[tuple[SourceTable, DeltaTable]],
    run: Callable[[Snapshot, Path], _Run],
    on_table: Callable[[TableReport], None],
    failures: list[Exception],
) -> dict[str, TableReport]:
    """Pin the snapshot, and copy what can be locked."""
    names = [(table.schema, table.contract.name) for table, _ in work]
    with (
        staging_folder() as folder,
        pinned_connections(url, names, min(PARALLEL_TABLES, len(work)), APPLICATION) as pinned,
    ):
        failures += pinned.refused.values()
        readable = [step for step, name in zip(work, names, strict=True) if name not in pinned.refused]
        return _copy_all(run(pinned.snapshot, folder), readable, pinned.connections, on_table, failures)


def _copy_all(
    run: _Run,
    work: Sequence[tuple[SourceTable, DeltaTable]],
    connections: Sequence[psycopg.Connection],
    on_table: Callable[[TableReport], None],
    failures: list[Exception],
) -> dict[str, TableReport]:
    """Copy what can be copied; gives the reports by table, and adds to the failures."""
    free: SimpleQueue[psycopg.Connection] = SimpleQueue()
    for connection in connections:
        free.put(connection)

    def copy(table: SourceTable, handle: DeltaTable) -> TableReport:
        connection = free.get()
        try:
            with room_for(table.name, str(run.folder.parent), str(handle.table_uri)):
                return _copy_table(run, table, handle, connection)
        finally:
            free.put(connection)

    with ThreadPoolExecutor(len(connections), thread_name_prefix="extract") as pool:
        pending = {pool.submit(copy, table, handle): table.name for table, handle in work}
        try:
            return dict(_collect(pending, on_table, failures))
        except BaseException:
            # ended from outside: don't wait until a long COPY is through
            pool.shutdown(wait=False, cancel_futures=True)
            for connection in connections:
                with suppress(psycopg.Error):
                    connection.cancel_safe(timeout=5)
            raise


def _collect(
    pending: Mapping[Future[TableReport], str],
    on_table: Callable[[TableReport], None],
    failures: list[Exception],
) -> Iterator[tuple[str, TableReport]]:
    for future in as_completed(pending):
        error = future.exception()
        if isinstance(error, Exception):
            failures.append(error)
        else:
            report = future.result()
            on_table(report)
            yield pending[future], report


def _copy_table(run: _Run, table: SourceTable, handle: DeltaTable, connection: psycopg.Connection) -> TableReport:
    started = time.monotonic()
    facts = table_facts(connection, table.schema, table.contract.name)
    drift = agree(table, facts)
    before = stored_progress(progress_names(table.name, run.snapshot.server), partial(progress, handle))
    whole = table.watermark is None
    plan = plan_read(run.window, before, run.snapshot, has_row_xmin=facts.has_row_xmin, whole=whole)
    after = advance(before, run.snapshot) if run.window.follows or whole else None
    staged = stage(connection, table, plan, run.folder)
    appended, living = _commit(run, table, handle, plan, staged, after, unique=is_unique(table.contract, facts))
    staged.path.unlink()
    hidden = run.snapshot.open_transactions.hidden if run.window.follows and not whole else ()
    reached = after or before
    return TableReport(
        key=table.key,
        rows_read=staged.rows,
        rows_appended=appended.total(),
        rows_deleted=appended["delete"],
        rows_returned=appended["return"],
        rows_in_source=staged.rows_in_source,
        rows_living=living,
        version=handle.version(),
        window=Window(plan.since, plan.until),
        lower_bound=reached.lower_bound if reached and not whole else None,
        method=plan.method,
        columns_in_source=len(facts.columns),
        drift=drift,
        notes=(*plan.notes, *(f"late rows are found by xmin, with a scan: {why}" for why in hidden)),
        seconds=time.monotonic() - started,
    )


def _commit(
    run: _Run,
    table: SourceTable,
    handle: DeltaTable,
    plan: Plan,
    staged: Staged,
    after: Progress | None,
    *,
    unique: bool,
) -> tuple[Counter[str], int | None]:
    """Append the new versions; gives how many of each `_op`, and of a whole table the keys that are living then."""
    names = progress_names(table.name, run.snapshot.server)
    extracted_at = _extraction_time(run, handle, names)
    with engine(run.folder) as duckdb:
        versions.check(duckdb, table, staged, unique=unique)
        found = versions.new_versions(duckdb, table, plan, staged, handle, extracted_at=extracted_at, run_id=run.run_id)
        rows = found.reader() if after else found.reader_unless_empty()
        if rows is None:
            return found.operations, None
        try:
            append(
                handle,
                rows,
                transactions=transactions(names, after, extracted_at),
                metadata={"run_id": run.run_id, "method": plan.method},
            )
        except Superseded:
            raise Overtaken(
                f"Another extract of {table.name} committed while this one was reading, so this one committed nothing: "
                "what it found may be in the table already. Nothing is lost. Run again; it will read what is left."
            ) from None
        except Exception:
            if found.failure is not None:
                raise found.failure from None
            raise
        return found.operations, count_living(duckdb, table, handle) if table.watermark is None else None


def _extraction_time(run: _Run, handle: DeltaTable, names: ProgressNames) -> datetime:
    """The snapshot's time, or just after the newest stored one if the server's clock went back."""
    newest = progress(handle, names.guard)
    if newest is None:
        return run.snapshot.taken_at
    return max(run.snapshot.taken_at, moment(newest) + timedelta(microseconds=1))
