"""What a server is doing: queries under way, who holds up whom, and what replication slots hold back.

Read from the server's own views; nothing is ended or dropped here. Texts of queries come without their values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from dataeng_assets.postgres.errors import translated

_QUERIES = """
SELECT pid, coalesce(application_name, ''), extract(epoch FROM clock_timestamp() - query_start)::float8,
    coalesce(wait_event_type, ''), pg_blocking_pids(pid), coalesce(query_id, 0)
FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND datname = current_database()
    AND clock_timestamp() - query_start >= make_interval(secs => %s)
ORDER BY query_start
"""
_SLOTS = """
SELECT slot_name, slot_type, active, coalesce(wal_status, ''), coalesce(safe_wal_size, -1),
    coalesce(pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn
    ), 0)::int8
FROM pg_replication_slots ORDER BY slot_name
"""
_MAY_SEE = "SELECT pg_has_role('pg_read_all_stats', 'USAGE'), current_user"


@dataclass(frozen=True)
class Query:
    """A query under way.

    Attributes:
        seconds: since it began.
        waits_for: kind of what it waits for, such as Lock; empty when it works.
        blocked_by: processes that hold what it waits for.
        query_id: the server's number of the query without its values; 0 where it does not count them.
    """

    pid: int
    application: str
    seconds: float
    waits_for: str
    blocked_by: tuple[int, ...]
    query_id: int


@dataclass(frozen=True)
class Slot:
    """A replication slot.

    Attributes:
        wal_status: reserved, extended, unreserved or lost; empty where it holds nothing.
        safe_bytes: that may still be written before it loses its place; -1 where nothing limits it.
        held_bytes: of the log that it keeps.
    """

    name: str
    kind: str
    is_active: bool
    wal_status: str
    safe_bytes: int
    held_bytes: int


def long_queries(connection: psycopg.Connection, *, seconds: float) -> Sequence[Query]:
    """Queries of this database that have been under way for so long, the longest first."""
    with translated("looking at the queries under way"):
        rows = connection.execute(_QUERIES, (seconds,)).fetchall()
    return [Query(pid, name, took, waits, tuple(by), number) for pid, name, took, waits, by, number in rows]


def slots(connection: psycopg.Connection) -> Sequence[Slot]:
    """All replication slots of the server."""
    with translated("looking at the replication slots"):
        return [Slot(*row) for row in connection.execute(_SLOTS).fetchall()]


def hidden_from(connection: psycopg.Connection) -> str:
    """The role that may not see what others do; empty when it may."""
    with translated("asking for the rights of the role"):
        [(may_see, role)] = connection.execute(_MAY_SEE).fetchall()
    return "" if may_see else str(role)
