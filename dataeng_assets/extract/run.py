"""One run: every table of a source in one snapshot, each committed by itself.

What is read belongs in `plan`, whether the source is what the contract says in `agreement`, the rows' way in `staging`
and `commit`.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import psycopg

from dataeng_assets.extract.agreement import agree, is_unique
from dataeng_assets.extract.commit import Bronze, Run, commit, open_bronze
from dataeng_assets.extract.plan import (
    Method,
    SourceTable,
    Window,
    advance,
    plan_read,
    progress_names,
    stored_progress,
)
from dataeng_assets.extract.staging import stage, staging_folder
from dataeng_assets.lake.append import progress
from dataeng_assets.lake.location import ForgetfulTable, Lake
from dataeng_assets.lake.room import NoRoom, room_for
from dataeng_assets.lake.strict import SchemaDiffers
from dataeng_assets.postgres.catalog import table_facts
from dataeng_assets.postgres.errors import SourceError
from dataeng_assets.postgres.snapshot import Snapshot, pinned_connections

PARALLEL_TABLES = 2
APPLICATION = "dataeng extract"


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
        rows_good: those that break no rule of the contract for which rows are set aside.
        rows_quarantined: those that do, counted in the quarantine; with the good ones, all that was read.
        quarantine_version: the quarantine's version after the run; None where nothing is ever set aside.
        broken_rules: how many rows read break each rule; a row may break several.
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
    rows_good: int
    rows_quarantined: int
    quarantine_version: int | None
    broken_rules: Mapping[str, int]
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
    reports = _read(url, work, partial(Run, window=window, run_id=run_id), on_table, failures) if work else {}
    if failures:
        raise failures[0] if len(failures) == 1 else SomeTablesFailed(failures)
    return tuple(reports[table.name] for table in tables)


def _opened(
    tables: Sequence[SourceTable], lake: Lake, failures: list[Exception]
) -> Iterator[tuple[SourceTable, Bronze]]:
    """Each table with its bronze; one whose bronze is not what it should be fails alone."""
    for table in tables:
        try:
            with room_for(table.name, lake.uri):
                bronze = open_bronze(lake, table)
        except (SchemaDiffers, ForgetfulTable, NoRoom) as error:
            failures.append(error)
        else:
            yield table, bronze


def _read(
    url: str,
    work: Sequence[tuple[SourceTable, Bronze]],
    run: Callable[[Snapshot, Path], Run],
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
    run: Run,
    work: Sequence[tuple[SourceTable, Bronze]],
    connections: Sequence[psycopg.Connection],
    on_table: Callable[[TableReport], None],
    failures: list[Exception],
) -> dict[str, TableReport]:
    """Copy what can be copied; gives the reports by table, and adds to the failures."""
    free: SimpleQueue[psycopg.Connection] = SimpleQueue()
    for connection in connections:
        free.put(connection)

    def copy(table: SourceTable, bronze: Bronze) -> TableReport:
        connection = free.get()
        try:
            with room_for(table.name, str(run.folder.parent), str(bronze.main.table_uri)):
                return _copy_table(run, table, bronze, connection)
        finally:
            free.put(connection)

    with ThreadPoolExecutor(len(connections), thread_name_prefix="extract") as pool:
        pending = {pool.submit(copy, table, bronze): table.name for table, bronze in work}
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


def _copy_table(run: Run, table: SourceTable, bronze: Bronze, connection: psycopg.Connection) -> TableReport:
    started = time.monotonic()
    facts = table_facts(connection, table.schema, table.contract.name)
    drift = agree(table, facts)
    before = stored_progress(progress_names(table.name, run.snapshot.server), partial(progress, bronze.main))
    whole = table.watermark is None
    plan = plan_read(run.window, before, run.snapshot, has_row_xmin=facts.has_row_xmin, whole=whole)
    after = advance(before, run.snapshot) if run.window.follows or whole else None
    staged = stage(connection, table, plan, run.folder)
    done = commit(run, table, bronze, plan, staged, after, unique=is_unique(table.contract, facts))
    staged.path.unlink()
    hidden = run.snapshot.open_transactions.hidden if run.window.follows and not whole else ()
    reached = after or before
    return TableReport(
        key=table.key,
        rows_read=staged.rows,
        rows_good=done.good,
        rows_quarantined=done.quarantined,
        quarantine_version=bronze.quarantine.version() if bronze.quarantine else None,
        broken_rules=done.by_rule,
        rows_appended=done.operations.total(),
        rows_deleted=done.operations["delete"],
        rows_returned=done.operations["return"],
        rows_in_source=staged.rows_in_source,
        rows_living=done.living,
        version=bronze.main.version(),
        window=Window(plan.since, plan.until),
        lower_bound=reached.lower_bound if reached and not whole else None,
        method=plan.method,
        columns_in_source=len(facts.columns),
        drift=drift,
        notes=(*plan.notes, *(f"late rows are found by xmin, with a scan: {why}" for why in hidden)),
        seconds=time.monotonic() - started,
    )
