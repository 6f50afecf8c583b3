"""Tables that are read whole: which keys have vanished since they were last read.

A table without a watermark tells of what was deleted by not showing it any more. That is believed as long as it is
plausible: an empty answer, or one that lacks more than the declared share, looks the same when a table was restored,
truncated or filtered by mistake. Which of the rows that are there are new versions belongs in `versions`.
"""

import duckdb
from deltalake import DeltaTable

from dataeng_assets.extract.engine import committed, key_alone, keys, loaded, rows_of
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.extract.staging import Staged
from dataeng_assets.postgres.errors import SAFE, SourceRefused


def store_vanished(connection: duckdb.DuckDBPyConnection, table: SourceTable, staged: Staged) -> None:
    """Make `vanished`: the keys that are stored as living and absent from the snapshot.

    Args:
        connection: from `engine`, holding `newest`.
        table: what was read whole.
        staged: its rows.

    Raises:
        SourceRefused: the source is empty while bronze has living keys, or more of them vanished than is declared.
    """
    connection.execute(
        f"""
        CREATE TEMP TABLE vanished AS
        SELECT {keys(table)} FROM newest ANTI JOIN (SELECT {loaded(table, keys_only=True)} FROM {rows_of(staged)})
          USING ({keys(table)})
        WHERE _stored_op <> 'delete'
        """
    )
    vanished, living = connection.execute(
        "SELECT (SELECT count(*) FROM vanished), count(*) FROM newest WHERE _stored_op <> 'delete'"
    ).fetchall()[0]
    if living and not staged.rows:
        _refuse_empty(table, living)
    elif living and vanished / living > table.max_vanished:
        raise SourceRefused(
            f"{vanished} of the {living} keys of {table.name} that bronze knows as living are gone from the source "
            f"({vanished / living:.1%}); at most {table.max_vanished:.1%} are believed at once (max_vanished). {SAFE} "
            "See whether the table was restored, truncated or replaced by mistake. If these rows are meant to be gone, "
            "raise `max_vanished` of the table in defs.yaml, run again, and set it back."
        )


def count_living(connection: duckdb.DuckDBPyConnection, table: SourceTable, handle: DeltaTable) -> int:
    """How many keys are there by what is committed; equal to the rows of the source if nothing was lost on the way.

    A key whose version was set aside is there, whether bronze has an earlier version of it or not.
    """
    connection.register("committed", committed(handle, [*table.contract.key, "_op", "_extracted_at"]))
    found = connection.execute(
        f"""
        SELECT count(*) FROM (
          SELECT {keys(table)} FROM committed GROUP BY {keys(table)} HAVING arg_max(_op, _extracted_at) <> 'delete'
          UNION SELECT {keys(table)} FROM set_aside
        )
        """
    )
    (living,) = found.fetchall()[0]
    connection.unregister("committed")
    return int(living)


def vanished_rows(table: SourceTable) -> str:
    """The query of the rows that say that a key has vanished: the key, and NULL in every other column."""
    return f"SELECT {key_alone(table)}, 'delete' AS _op FROM vanished"


def _refuse_empty(table: SourceTable, living: int) -> None:
    if table.may_be_empty:
        return
    raise SourceRefused(
        f"{table.name} is empty in the source, and bronze knows {living} of its keys as living. {SAFE} See whether the "
        "table was truncated, or is filled again at this moment. If it is meant to be empty, set `may_be_empty: true` "
        "for the table in defs.yaml, and run again."
    )
