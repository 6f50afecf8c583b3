"""The fixtures give each test a place of its own, and leave nothing behind, however pytest ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from dataeng_assets.local import process
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.testing.servers import new_database

pytestmark = pytest.mark.server

WAITING = """
import time

def test_waits(postgres_server, kafka_broker):
    with open("servers", "w") as file:
        print(postgres_server.home, kafka_broker.home, sep="\\n", file=file)
    time.sleep(600)
"""


def test_a_database_is_dropped_whatever_its_test_left_in_it(postgres_server: Postgres) -> None:
    with new_database(postgres_server) as database:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("SELECT pg_create_logical_replication_slot('left', 'pgoutput')")
            connection.execute("CREATE TABLE things (thing int)")
            connection.execute("BEGIN")
            connection.execute("INSERT INTO things VALUES (1)")
            connection.execute("PREPARE TRANSACTION 'left'")
        unclosed = psycopg.connect(database)
    with psycopg.connect(postgres_server.url) as connection:
        assert connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test%'").fetchall() == []
        assert connection.execute("SELECT count(*) FROM pg_prepared_xacts").fetchone() == (0,)
    unclosed.close()


def test_each_test_has_an_empty_database_with_its_clock_in_utc(database: str) -> None:
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone() == (0,)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert connection.execute("SHOW wal_level").fetchone() == ("logical",)
        assert connection.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone() == (True,)


@pytest.mark.crash
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_server_and_no_folder_outlive_pytest(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "test_waiting.py").write_text(WAITING)
    command = [sys.executable, "-m", "pytest", "-p", "dataeng_assets.testing.servers", "--rootdir", str(tmp_path)]
    session = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, env=os.environ | {"PYTEST_ADDOPTS": ""}
    )
    written = tmp_path / "servers"
    assert process.wait_until(lambda: written.exists() and written.read_text().count("\n") == 2, 120)
    homes = [Path(line) for line in written.read_text().splitlines()]
    assert all(process.lives(home) for home in homes)
    session.send_signal(number)
    session.wait()
    assert process.wait_until(lambda: not any(home.parent.exists() for home in homes), 30)
    assert not any(process.lives(home) for home in homes)
