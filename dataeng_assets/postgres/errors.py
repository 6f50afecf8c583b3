"""How a source that cannot be read is reported, and whether trying again can mend it.

No message holds a password or a value of a row: Postgres puts values into the text of data errors, so of those only the
code is kept, and libpq puts parts of a broken connection string into its message, so of those nothing is kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

SAFE = "Nothing of this table was committed, and what was committed before is untouched."


class SourceError(Exception):
    """A source could not be read.

    Attributes:
        retryable: whether the same run, started again, can succeed without anybody changing anything.
    """

    retryable = False


class SourceAway(SourceError):
    """The server does not answer, or went away while it was read."""

    retryable = True


class SourceBusy(SourceError):
    """The server gave up on us for the sake of somebody else: a lock, a deadlock, a replica's replay, a time limit."""

    retryable = True


class SourceBehind(SourceError):
    """The source shows an older state than was read before: a replica that lags."""

    retryable = True


class SourceRefused(SourceError):
    """The source does not let us read what the contract asks for: a right, a table, a column, a type, a value."""


class TableGone(SourceRefused):
    """The source has no such table."""

    def __init__(self, schema: str, name: str) -> None:
        super().__init__(
            f"There is no table {schema}.{name} in the source. Nothing of it was read and what was committed "
            "before is untouched. If it was renamed, change the name in its contract and in defs.yaml; if it is "
            "gone, remove both; its bronze table stays."
        )


_BUSY = (
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.InsufficientResources,
    errors.TransactionTimeout,
    errors.IdleInTransactionSessionTimeout,
)
_NEVER_CONNECTS = (
    "authentication failed",
    "does not exist",
    "pg_hba.conf",
    "invalid integer value",
    "no password supplied",
    "permission denied",
)


# libpq asks back; what to look for is said below in our words
_QUESTION = "Is the server running on that host and accepting TCP/IP connections?"


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn psycopg's errors into the family of `SourceError`.

    Args:
        doing: what was tried, for the message, such as `reading shop.orders on db.example:5432/shop`.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _translate(error, doing) from None


def connection_error(error: psycopg.Error, address: str) -> SourceError:
    """What a failed attempt to connect means."""
    if not isinstance(error, psycopg.OperationalError):
        return SourceRefused(
            "The address of the source is not one that Postgres understands, so nothing was read. It looks like "
            "postgresql://user:password@host:5432/database, with special characters percent-encoded."
        )
    said = _one_line(str(error).replace(_QUESTION, ""))
    if any(sign in said for sign in _NEVER_CONNECTS):
        return SourceRefused(
            f"{address} refused the connection: {said}. Nothing was read. "
            "Correct the user, password or database in the address of the source, or let the user in on the server."
        )
    return SourceAway(
        f"{address} cannot be reached: {said}. Nothing was read and nothing is lost: the next run reads on from where "
        "the last one ended. See whether the server is up (`dataeng status` for the local one) and run again."
    )


def _translate(error: psycopg.Error, doing: str) -> SourceError:
    said = _one_line(error.diag.message_primary or str(error))
    if isinstance(error, _BUSY):
        return SourceBusy(
            f"The server ended {doing}: {said}. {SAFE} Run again when the source is quieter; if it keeps happening, "
            "see which session holds the lock or the time limit (pg_locks, pg_stat_activity, pg_db_role_setting)."
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return SourceRefused(
            f"The server did not allow {doing}: {said}. {SAFE} Grant the role SELECT on the table and USAGE on its "
            "schema; where row-level security is on, also BYPASSRLS, because a filtered read would lose rows silently."
        )
    if error.sqlstate is not None and error.sqlstate.startswith("22"):
        return SourceRefused(
            f"The server could not print a value while {doing} (SQLSTATE {error.sqlstate}, {type(error).__name__}). "
            f"{SAFE} Find the value in the source and correct it, or read the column as text through a view."
        )
    if isinstance(error, psycopg.OperationalError):
        return SourceAway(
            f"The connection was lost while {doing}: {said}. {SAFE} Run again: it reads on from where the last run "
            "ended."
        )
    return SourceRefused(
        f"The server refused {doing}: {said} (SQLSTATE {error.sqlstate}). {SAFE} Correct it and run again."
    )


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
