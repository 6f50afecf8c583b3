"""Connecting to a source, and the session settings under which its text is exact.

What is read over a connection belongs in `catalog`, `snapshot` and `copy`.
"""

from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from dataeng_assets.contracts.types import COPY_SETTINGS
from dataeng_assets.postgres.errors import SourceRefused, connection_error, translated

OLDEST_VERSION = 13  # the first with pg_current_snapshot()
CONNECT_TIMEOUT_SECONDS = 15

_SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key", "passfile")

# How long a table may take is for the run's own limit to say. A lock is waited for only briefly: whoever holds it for
# longer (a migration) is better met by the next attempt than by a queue behind us.
_SESSION = {
    **COPY_SETTINGS,
    "lock_timeout": "30s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    # a policy would filter rows without a word; off makes it an error
    "row_security": "off",
    "client_encoding": "UTF8",
    # a backslash in a literal is a backslash, so that no value of a document ends its literal
    "standard_conforming_strings": "on",
}


def connect(url: str, application: str) -> psycopg.Connection:
    """Open a connection in autocommit, with the settings that make COPY's text exact.

    Args:
        url: a connection string as libpq takes it.
        application: shown to the server's administrator in pg_stat_activity.

    Raises:
        SourceAway: the server does not answer.
        SourceRefused: it answers and will not have us, the address is malformed, or the server is too old.
    """
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            application_name=application,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=6,
        )
    except psycopg.Error as error:
        raise connection_error(error, address(url)) from None
    try:
        with translated(f"setting up the session on {address(url)}"):
            _prepare(connection, address(url))
    except BaseException:
        connection.close()
        raise
    return connection


def address(url: str) -> str:
    """Host, port and database of a connection string; never the user or the password."""
    try:
        parts = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        return "the source"
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return f"{host}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def without_password(url: str) -> str:
    """A connection string as a person would keep it, with a place for the password if it had one."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    user, host, port = parts.pop("user", None), parts.pop("host", None), parts.pop("port", None)
    has_password = parts.pop("password", None) is not None
    database = quote(str(parts.pop("dbname", None) or ""))
    who = f"{quote(str(user), safe='')}{':<password>' if has_password else ''}@" if user else ""
    # a folder as host, which is a socket, has no place before the path
    where, beside = ("", {"host": host, "port": port}) if str(host or "/")[0] == "/" else (host, {})
    options = {name: value for name, value in (*beside.items(), *parts.items()) if value and name not in _SECRETS}
    return f"postgresql://{who}{where}{f':{port}' if where and port else ''}/{database}" + (
        f"?{urlencode(options)}" if options else ""
    )


def _prepare(connection: psycopg.Connection, place: str) -> None:
    version = connection.info.server_version
    if version < OLDEST_VERSION * 10_000:
        raise SourceRefused(
            f"{place} runs Postgres {version // 10_000}; version {OLDEST_VERSION} is the oldest whose snapshots can be "
            "compared between runs. Nothing was read. Upgrade the server or read from a newer replica of it."
        )
    for name, value in _SESSION.items():
        connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
    # from version 17 on a transaction has a limit of its own
    connection.execute("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'")
    # comparisons and functions in our queries mean the built-in ones, whatever the role's path
    connection.execute("SET search_path = pg_catalog")
