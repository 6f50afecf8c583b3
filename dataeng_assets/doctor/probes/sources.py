"""Postgres sources: their catalog against the contracts, slow queries, replication slots."""

from collections.abc import Iterator

import psycopg

from dataeng_assets.components.declared import PostgresSource
from dataeng_assets.doctor.finding import Finding, Looked, NotLooked, Said, safe
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.extract.agreement import agree
from dataeng_assets.postgres.activity import Query, Slot, hidden_from, long_queries, slots
from dataeng_assets.postgres.catalog import table_facts
from dataeng_assets.postgres.connect import connect
from dataeng_assets.postgres.errors import SourceError, SourceRefused
from dataeng_assets.settings import SettingMissing, variable

SLOW_SECONDS = 300.0
HELD_BYTES = 1024**3
_IN_DANGER = {"unreserved", "lost"}
_MIB = 1024**2


def troubled_sources(
    scope: Scope, *, slow_seconds: float = SLOW_SECONDS, held_bytes: int = HELD_BYTES
) -> Iterator[Said]:
    """Every declared source of interest, each looked at over one connection.

    Args:
        scope: where.
        slow_seconds: from when on a query is slow.
        held_bytes: of the log, that a slot without a reader may keep.
    """
    wanted = [source for source in scope.sources if scope.concerns(_keys(source))]
    for source in wanted:
        try:
            with connect(variable(source.url_variable), "dataeng doctor") as connection:
                yield from _drifted(scope, source, connection)
                yield from _slow(source, connection, slow_seconds)
                yield from _slots(source, connection, held_bytes)
        except (SourceError, SettingMissing) as error:
            yield NotLooked(f"source {source.name}", safe(str(error)))
    yield Looked(len(wanted), "Postgres sources")


def _keys(source: PostgresSource) -> frozenset[str]:
    return frozenset(".".join(table.key) for table in source.tables)


def _drifted(scope: Scope, source: PostgresSource, connection: psycopg.Connection) -> Iterator[Finding]:
    for table in source.tables:
        if not scope.concerns({".".join(table.key)}):
            continue
        try:
            agree(table, table_facts(connection, table.schema, table.contract.name))
        except SourceRefused as error:
            names = {"SOURCE": source.name, "SCHEMA": table.schema}
            key = ".".join(table.key)
            yield Finding("schema-drift", key, (safe(str(error)),), None, names, frozenset({key}))


def _slow(source: PostgresSource, connection: psycopg.Connection, seconds: float) -> Iterator[Said]:
    role = hidden_from(connection)
    if role:
        why = f"the role {role} sees its own sessions only: GRANT pg_read_all_stats TO {role}"
        yield NotLooked(f"the queries of others in source {source.name}", why)
    for query in long_queries(connection, seconds=seconds):
        names = {"PID": str(query.blocked_by[0] if query.blocked_by else query.pid)}
        yield Finding("slow-query", f"source {source.name}", tuple(_told(query)), None, names, _keys(source))


def _told(query: Query) -> Iterator[str]:
    yield f"process {query.pid} has been at one query for {query.seconds:,.0f} s"
    if query.blocked_by:
        yield f"it waits for a lock that process {', '.join(map(str, query.blocked_by))} holds"
    elif query.waits_for:
        yield f"it waits for {query.waits_for}"
    if query.query_id:
        yield f"query id {query.query_id}: its text without values is in pg_stat_statements"


def _slots(source: PostgresSource, connection: psycopg.Connection, held_bytes: int) -> Iterator[Finding]:
    for slot in slots(connection):
        if slot.wal_status in _IN_DANGER or (not slot.is_active and slot.held_bytes >= held_bytes):
            where = f"slot {slot.name} of source {source.name}"
            yield Finding("slot-fills-disk", where, tuple(_of_slot(slot)), None, {"SLOT": slot.name}, _keys(source))


def _of_slot(slot: Slot) -> Iterator[str]:
    reader = "somebody reads from it" if slot.is_active else "nobody reads from it"
    yield f"it holds back {slot.held_bytes / _MIB:,.0f} MiB of log, and {reader}"
    limit = (
        f"{slot.safe_bytes / _MIB:,.0f} MiB until it loses its place" if slot.safe_bytes >= 0 else "nothing limits it"
    )
    yield f"state {slot.wal_status or 'unknown'}, {limit}"
