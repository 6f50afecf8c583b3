"""One snapshot for all tables of a run, and who was writing when it was taken.

The order is what makes it right. Every table is locked against being rewritten or truncated (both would look like an
empty table to an older snapshot), then the open transactions are listed, then the snapshot is taken: a transaction that
the snapshot does not see was either listed or began after the list. What follows from that belongs in `extract.plan`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors, sql

from dataeng_assets.postgres.connect import address, connect
from dataeng_assets.postgres.errors import SourceAway, SourceError, TableGone, translated

Table = tuple[str, str]
"""Schema and name."""


@dataclass(frozen=True)
class OpenTransactions:
    """What could be seen of the transactions that were open just before the snapshot.

    Attributes:
        seen_at: the server's clock before the list was read.
        earliest: the earliest start among those listed; None when none was open.
        hidden: why the list may be incomplete; empty when it is complete.
    """

    seen_at: datetime
    earliest: datetime | None
    hidden: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """What an exported snapshot sees.

    Attributes:
        taken_at: the server's clock when it was taken.
        xmin: every transaction below this number had ended; 64 bits, so that it never wraps.
        xmax: no transaction from this number on had begun to write.
        server: identity of the cluster and its timeline; transaction numbers mean something within it only. A restored
            copy and a promoted replica have one of their own.
        open_transactions: who was writing just before.
    """

    taken_at: datetime
    xmin: int
    xmax: int
    server: str
    open_transactions: OpenTransactions


@dataclass(frozen=True)
class Pinned:
    """Connections that all see one moment.

    Attributes:
        snapshot: what they see.
        connections: inside read-only transactions pinned to it.
        refused: tables that could not be locked, and why; they must not be read.
    """

    snapshot: Snapshot
    connections: Sequence[psycopg.Connection]
    refused: Mapping[Table, SourceError]


@contextmanager
def pinned_connections(url: str, tables: Sequence[Table], count: int, application: str) -> Iterator[Pinned]:
    """Connections that all see the same moment, with the tables locked against changes of their structure.

    Args:
        url: the source.
        tables: schema and name of each table that will be read.
        count: how many connections.
        application: name shown in pg_stat_activity.

    Yields:
        The connections; they are closed on leaving. A table that is missing, may not be read, or stays locked by
        somebody else is named there, and does not keep the others back.

    Raises:
        SourceError: the server does not answer, or refuses us.
    """
    place = address(url)
    with ExitStack() as stack:
        observer = stack.enter_context(_closing(connect(url, application)))
        pinned = [stack.enter_context(_closing(connect(url, application))) for _ in range(count)]
        refused: dict[Table, SourceError] = {}
        for connection in pinned:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            refused |= _locked(connection, [table for table in tables if table not in refused], place)
        with translated(f"taking a snapshot of {place}"):
            seen = _open_transactions(observer, [connection.info.backend_pid for connection in pinned])
            name, snapshot = _export(pinned[0], _identity(observer), seen)
            for connection in pinned[1:]:
                connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name)))
        observer.close()
        yield Pinned(snapshot, pinned, refused)


@contextmanager
def _closing(connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
    try:
        yield connection
    finally:
        connection.close()


def _locked(connection: psycopg.Connection, tables: Sequence[Table], place: str) -> dict[Table, SourceError]:
    """Lock what can be locked; gives what cannot."""
    refused: dict[Table, SourceError] = {}
    for table in tables:
        statement = sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.Identifier(*table))
        try:
            # a savepoint: what one table is refused for must not end the transaction that the others are read in
            with translated(f"locking {'.'.join(table)} on {place}"), _missing(table), connection.transaction():
                connection.execute(statement)
        except SourceAway:
            raise
        except SourceError as error:
            refused[table] = error
    return refused


@contextmanager
def _missing(table: Table) -> Iterator[None]:
    try:
        yield
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        raise TableGone(*table) from None


def _open_transactions(observer: psycopg.Connection, ours: list[int]) -> OpenTransactions:
    """List them; in autocommit, because within one transaction pg_stat_activity is read only once.

    A session that prepares its transaction moves from the first list to the second, so they are read in this order.
    Sessions that have begun and not yet written have no transaction number and count all the same: what they will write
    carries the time at which they began. Autovacuum writes no rows of its own.
    """
    (seen_at, recovering, may_see, role) = _row(
        observer,
        "SELECT clock_timestamp(), pg_is_in_recovery(), pg_has_role('pg_read_all_stats', 'USAGE'), current_user",
    )
    earliest, untracked = _row(
        observer,
        """
        SELECT min(xact_start), count(*) FILTER (WHERE state = 'disabled')
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND NOT pid = ANY (%s)
          AND backend_type IS DISTINCT FROM 'autovacuum worker'
        """,
        [ours],
    )
    (prepared,) = _row(observer, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()")
    hidden = []
    if recovering:
        hidden.append("the source is a replica, which does not show the transactions open on its primary")
    if not may_see:
        hidden.append(f"the role {role} may not see other sessions (GRANT pg_read_all_stats TO {role} lets it)")
    if untracked:
        hidden.append(f"{untracked} session(s) run with track_activities = off")
    if prepared:
        hidden.append(f"{prepared} prepared transaction(s) are open, of which only the time of PREPARE is known")
    return OpenTransactions(seen_at, earliest, tuple(hidden))


def _identity(observer: psycopg.Connection) -> str:
    (system,) = _row(observer, "SELECT system_identifier FROM pg_control_system()")
    if observer.execute("SELECT pg_is_in_recovery()").fetchall()[0][0]:
        (timeline,) = _row(observer, "SELECT timeline_id FROM pg_control_checkpoint()")
    else:
        # the control file learns of a promotion only with the next checkpoint
        (timeline,) = _row(observer, "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int")
    return f"{system}.{timeline}"


def _export(connection: psycopg.Connection, server: str, seen: OpenTransactions) -> tuple[str, Snapshot]:
    name, taken_at, xmin, xmax = _row(
        connection,
        """
        SELECT pg_export_snapshot(), clock_timestamp(),
          pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint
        FROM pg_current_snapshot() AS s
        """,
    )
    return str(name), Snapshot(taken_at, xmin, xmax, server, seen)


def _row(connection: psycopg.Connection, query: str, parameters: Sequence[object] | None = None) -> tuple[Any, ...]:
    return connection.execute(query, parameters).fetchall()[0]
