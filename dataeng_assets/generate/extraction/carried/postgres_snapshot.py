"""One exported Postgres snapshot for all tables of a run, and who was writing when it was taken.

The order is what makes it right: tables are locked against being rewritten, the open transactions are listed, then the
snapshot is taken. A transaction that the snapshot does not see was either listed or began after the list.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from .config import Table
from .errors import Refused, Retryable
from .plan import Snapshot

# With these the text that COPY prints is exact, whatever the server's configuration.
_SESSION = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    # a policy would filter rows without a word; off makes it an error
    "row_security": "off",
    "lock_timeout": "30s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


@contextmanager
def pinned_connections(
    url: str, tables: Sequence[Table], count: int, application: str
) -> Iterator[tuple[Snapshot, list[psycopg.Connection]]]:
    """Connections inside read-only transactions that all see the same moment, with the tables locked.

    Raises:
        Retryable: the server does not answer, or a lock was not given in time.
        Refused: a table is missing or may not be read.
    """
    with ExitStack() as stack:
        observer = stack.enter_context(closing(_connect(url, application)))
        pinned = [stack.enter_context(closing(_connect(url, application))) for _ in range(count)]
        for connection in pinned:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for table in tables:
                _lock(connection, table)
        seen_at, earliest, hidden = _open_transactions(observer, [one.info.backend_pid for one in pinned])
        name, taken_at, xmin, xmax = _row(
            pinned[0],
            "SELECT pg_export_snapshot(), clock_timestamp(), pg_snapshot_xmin(s)::text::bigint,"
            " pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() AS s",
        )
        for connection in pinned[1:]:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name)))
        yield Snapshot(taken_at, xmin, xmax, _identity(observer), seen_at, earliest, hidden), pinned


def _connect(url: str, application: str) -> psycopg.Connection:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=15, application_name=application)
        for name, value in _SESSION.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    except psycopg.Error as error:
        # the message of a failed login names host and user, never the password
        raise Retryable(f"The source does not let us in: {str(error).strip().splitlines()[0]}") from None
    return connection


def _lock(connection: psycopg.Connection, table: Table) -> None:
    name = f"{table.schema}.{table.name}"
    statement = sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.Identifier(table.schema, table.name))
    try:
        connection.execute(statement)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        raise Refused(f"The table {name} is not in the source. Nothing was read. Generate again without it.") from None
    except psycopg.errors.InsufficientPrivilege:
        raise Refused(f"The role may not read {name}: GRANT SELECT ON {name} TO it. Nothing was read.") from None
    except psycopg.errors.LockNotAvailable:
        raise Retryable(f"{name} stayed locked for 30 seconds, by a migration perhaps. Nothing was read.") from None


def _open_transactions(
    observer: psycopg.Connection, ours: list[int]
) -> tuple[datetime, datetime | None, tuple[str, ...]]:
    """When the list was read, the earliest start in it, and why it may be incomplete.

    In autocommit, because within one transaction pg_stat_activity is read only once. A session that prepares its
    transaction moves from the first list to the second, so they are read in this order.
    """
    seen_at, recovering, may_see, role = _row(
        observer,
        "SELECT clock_timestamp(), pg_is_in_recovery(), pg_has_role('pg_read_all_stats', 'USAGE'), current_user",
    )
    earliest, untracked = _row(
        observer,
        "SELECT min(xact_start), count(*) FILTER (WHERE state = 'disabled') FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND NOT pid = ANY (%s)"
        " AND backend_type IS DISTINCT FROM 'autovacuum worker'",
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
    return seen_at, earliest, tuple(hidden)


def _identity(observer: psycopg.Connection) -> str:
    (system, recovering) = _row(observer, "SELECT system_identifier, pg_is_in_recovery() FROM pg_control_system()")
    # the control file learns of a promotion only with the next checkpoint
    timeline = (
        "SELECT timeline_id FROM pg_control_checkpoint()"
        if recovering
        else "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"
    )
    return f"{system}.{_row(observer, timeline)[0]}"


def _row(connection: psycopg.Connection, query: str, parameters: Sequence[object] | None = None) -> tuple[Any, ...]:
    return connection.execute(query, parameters).fetchall()[0]
