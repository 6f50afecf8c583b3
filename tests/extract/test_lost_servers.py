"""A source that dies loses nothing: the run says so, and the next one is complete."""

import os
import signal
import threading

import psycopg
import pytest
from made_source import Shop, contract, source_table

from dataeng_assets.extract.plan import Window
from dataeng_assets.postgres.errors import SourceAway
from dataeng_assets.testing.servers import postgres_in, server_folder

pytestmark = [pytest.mark.server, pytest.mark.crash]

KEY = ("bronze", "shop", "items")


def once_copying(url: str, act) -> threading.Thread:
    """Act in a thread of its own as soon as the server has sent part of a table."""

    def watch() -> None:
        with psycopg.connect(url, autocommit=True) as observer:
            while not observer.execute(
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%' AND wait_event = 'PgSleep'"
            ).fetchall():
                pass
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_server_that_dies_while_it_is_read_and_is_away_for_a_while_loses_nothing(lake, state):
    with server_folder() as folder:
        with postgres_in(folder) as server, psycopg.connect(server.url, autocommit=True) as admin:
            shop = Shop(server.url, lake, admin, [source_table(contract("items"))])
            shop.do("CREATE SCHEMA shop")
            shop.do("CREATE TABLE shop.kept (item_id bigint PRIMARY KEY, value text, updated_at timestamptz NOT NULL)")
            shop.do("INSERT INTO shop.kept SELECT i, 'v' || i, now() FROM generate_series(1, 2000) i")
            shop.do(
                "CREATE VIEW shop.items AS SELECT item_id,"
                " value || CASE WHEN item_id > 1900 AND pg_sleep(0.2) IS NULL THEN '' ELSE '' END AS value, updated_at"
                " FROM shop.kept"
            )
            killer = once_copying(server.url, lambda: os.kill(server.pid, signal.SIGQUIT))
            with pytest.raises(SourceAway, match=r"(?s)connection was lost while.*Nothing of this table.*Run again"):
                shop.first()
            killer.join()
            assert lake.open(KEY).version() == 0

        with pytest.raises(SourceAway, match=r"cannot be reached.*nothing is lost.*dataeng status"):
            shop.first()
        assert lake.open(KEY).version() == 0
        assert [path.name for path in (state / "staging").iterdir()] == ["in_use"]

        with postgres_in(folder) as server, psycopg.connect(server.url, autocommit=True) as shop.admin:
            shop.do("DROP VIEW shop.items")
            shop.do("ALTER TABLE shop.kept RENAME TO items")
            assert shop.run_all(Window(None, None))[0].rows_appended == 2000
            assert shop.newest() == shop.in_source()
