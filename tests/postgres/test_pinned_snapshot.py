"""One moment for all connections, and who was writing then."""

import psycopg
import pytest

from dataeng_assets.postgres.snapshot import pinned_connections

pytestmark = pytest.mark.server


@pytest.fixture
def admin(database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute("CREATE TABLE shop.t (a int)")
        yield connection


def test_all_connections_see_what_was_committed_after_the_locks_and_before_the_snapshot(database, admin, monkeypatch):
    from dataeng_assets.postgres import snapshot

    listed = snapshot._open_transactions

    def write_then_list(*given):
        admin.execute("INSERT INTO shop.t VALUES (1)")
        return listed(*given)

    monkeypatch.setattr(snapshot, "_open_transactions", write_then_list)
    with pinned_connections(database, [("shop", "t")], 3, "test") as pinned:
        admin.execute("INSERT INTO shop.t VALUES (2)")
        assert [c.execute("SELECT array_agg(a) FROM shop.t").fetchone() for c in pinned.connections] == [([1],)] * 3


def test_our_own_connections_do_not_hold_the_bound(database, admin):
    with pinned_connections(database, [("shop", "t")], 2, "test") as pinned:
        taken = pinned.snapshot
        assert taken.open_transactions.earliest is None
        assert taken.open_transactions.hidden == ()
        assert taken.open_transactions.seen_at <= taken.taken_at
        with pinned_connections(database, [("shop", "t")], 2, "test") as again:
            later = again.snapshot
            assert later.open_transactions.earliest is not None
            assert later.server == taken.server


def test_a_table_that_cannot_be_locked_is_named_and_does_not_keep_the_others_back(database, admin):
    tables = [("shop", "gone"), ("shop", "t"), ("nowhere", "t")]
    with pinned_connections(database, tables, 2, "test") as pinned:
        assert pinned.refused.keys() == {("shop", "gone"), ("nowhere", "t")}
        assert "There is no table shop.gone in the source" in str(pinned.refused["shop", "gone"])
        for connection in pinned.connections:
            assert connection.execute("SELECT count(*) FROM shop.t").fetchone() == (0,)
        locked = admin.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE relation = 'shop.t'::regclass AND mode = 'AccessShareLock'"
        )
        assert locked.fetchone() == (2,)


def test_sessions_of_other_databases_do_not_hold_the_bound(database, admin, postgres_server):
    with psycopg.connect(postgres_server.url) as elsewhere:
        elsewhere.execute("SELECT 1")
        with pinned_connections(database, [("shop", "t")], 1, "test") as pinned:
            assert pinned.snapshot.open_transactions.earliest is None
