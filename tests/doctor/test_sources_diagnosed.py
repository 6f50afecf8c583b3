"""A source on the real Postgres: its catalog, slow and blocked queries, slots."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from doctor_kit import ScopeOf, causes, found, missed, proof

from dataeng_assets.components.declared import PostgresSource
from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.contracts.types import postgres_type
from dataeng_assets.doctor.finding import reported
from dataeng_assets.doctor.probes.sources import troubled_sources
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.extract.plan import SourceTable

pytestmark = pytest.mark.server

TYPES = {"id": "bigint", "value": "text", "updated_at": "timestamp with time zone"}
CONTRACT = Contract(
    path=Path("items.yaml"),
    id="shop.items",
    name="items",
    version="1.0.0",
    description="Rows of a test.",
    owner="tests",
    domain="shop",
    tags=(),
    columns=tuple(
        Column(name, postgres_type(kind), kind, name == "value", personal=False, description="")
        for name, kind in TYPES.items()
    ),
    key=("id",),
)
TABLE = SourceTable(CONTRACT, "public", "updated_at", ("bronze", "shop", "items"))
LITTLE = 24 * 1024**2


@pytest.fixture
def server(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table items (id bigint primary key, value text, updated_at timestamptz not null)")
        yield connection


@pytest.fixture
def scope(scope_of: ScopeOf, server: psycopg.Connection, database: str, monkeypatch: pytest.MonkeyPatch) -> Scope:
    monkeypatch.setenv("SHOP_OF_A_TEST", database)
    return scope_of(sources=[PostgresSource("shop", "SHOP_OF_A_TEST", [TABLE])])


@contextmanager
def asking(database: str, query: str) -> Iterator[psycopg.Connection]:
    """A session that is at a query all the time."""
    with psycopg.connect(database, autocommit=True) as connection:

        def ask() -> None:
            try:
                connection.execute(query)
            except psycopg.Error:
                return  # it is ended below

        asker = threading.Thread(target=ask)
        asker.start()
        try:
            yield connection
        finally:
            with psycopg.connect(database, autocommit=True) as other:
                other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
            asker.join()


def eventually(look: Callable[[], set[str]], cause: str) -> None:
    deadline = time.monotonic() + 20
    while cause not in look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_column_that_changed_is_named_with_both_types_and_one_that_was_added_is_none(
    scope: Scope, server: psycopg.Connection
) -> None:
    server.execute("alter table items add column extra text")
    assert (found(troubled_sources(scope)), missed(troubled_sources(scope))) == ([], "")
    server.execute("alter table items alter column value type integer using 1")
    said = list(troubled_sources(scope))
    assert found(said) == [("schema-drift", "bronze.shop.items")]
    assert "column value is integer, the contract says text" in proof(said)


def test_a_query_that_takes_long_is_named_with_who_blocks_it(
    scope: Scope, server: psycopg.Connection, database: str
) -> None:
    def look() -> set[str]:
        return causes(troubled_sources(scope, slow_seconds=0.2))

    with psycopg.connect(database, autocommit=True):  # a session that is idle is none
        assert look() == set()
    with asking(database, "select pg_sleep(60), 'jane@example.com'") as slow:
        eventually(look, "slow-query")
        said = list(troubled_sources(scope, slow_seconds=0.2))
        assert f"process {slow.info.backend_pid} has been at one query for" in proof(said)
        assert "jane" not in str(reported(said).as_data())
        assert causes(troubled_sources(scope)) == set(), "five minutes are not over"
    with server.transaction():
        server.execute("lock table items in access exclusive mode")
        with asking(database, "select count(*) from items"):
            eventually(lambda: {"lock"} if "holds" in _slow(scope) else set(), "lock")
            assert f"it waits for a lock that process {server.info.backend_pid} holds" in _slow(scope)


def _slow(scope: Scope) -> str:
    # the table itself is locked, so its catalog is not asked
    return proof(troubled_sources(scope, slow_seconds=0.2))


def test_a_slot_that_nobody_reads_is_named_when_it_holds_much(scope: Scope, server: psycopg.Connection) -> None:
    server.execute("select pg_create_physical_replication_slot('left_behind', true)")
    try:
        assert causes(troubled_sources(scope, held_bytes=LITTLE)) == set(), "it holds next to nothing"
        for number in range(2):  # each begins another file of 16 MiB
            server.execute("insert into items values (%s, 'x', now())", (number,))
            server.execute("select pg_switch_wal()")
        said = list(troubled_sources(scope, held_bytes=LITTLE))
        assert found(said) == [("slot-fills-disk", "slot left_behind of source shop")]
        assert "and nobody reads from it" in proof(said)
        [slot] = reported(said).findings
        assert slot.commands == ("psql -c \"select pg_drop_replication_slot('left_behind')\"",)
        assert causes(troubled_sources(scope)) == set(), "less than a gibibyte"
    finally:
        server.execute("select pg_drop_replication_slot('left_behind')")


def test_a_source_that_cannot_be_asked_is_named_without_its_password(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_OF_A_TEST", "postgresql://eve:hunter2@127.0.0.1:1/shop")
    said = list(troubled_sources(scope))
    assert found(said) == []
    assert "127.0.0.1:1/shop cannot be reached" in missed(said)
    assert "hunter2" not in missed(said)
    monkeypatch.delenv("SHOP_OF_A_TEST")
    assert "SHOP_OF_A_TEST is not set" in missed(troubled_sources(scope))
