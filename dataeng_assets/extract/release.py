"""Validating quarantined rows again, and letting those into bronze that keep the contract now, each of them once.

A released row is the version that was read back then: it carries the moment and the run of its extract, so that history
comes out as if it had never been set aside, and beside them the release. What tells that a row was released is bronze
itself, which holds its key and moment with `_released_by`; a crash or a second replay finds that there. The commit
carries the guard of the extracts, so that of an extract and a replay, or of two replays, that overlap one is refused.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.functions import register_functions
from dataeng_assets.contracts.checks.replayed import Replayed
from dataeng_assets.contracts.checks.rule import Bounds
from dataeng_assets.contracts.checks.setting_aside import broken_sql, demanded
from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.extract.engine import BATCH_ROWS, committed, engine, keys
from dataeng_assets.extract.plan import SourceTable, guard_name, released_name
from dataeng_assets.extract.quarantine import CLEARED, quarantine_key, unevaluated
from dataeng_assets.extract.versions import bronze_schema
from dataeng_assets.lake.append import ProgressGoesBack, Superseded, append, progress
from dataeng_assets.lake.attempts import ATTEMPTS, until_committed
from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.postgres.errors import SourceError


class ReleaseOvertaken(SourceError):
    """Others committed to the table each time that the release was about to."""

    retryable = True


def release(
    lake: Lake, table: SourceTable, *, release_id: str, dry_run: bool = False, limit: Bounds | None = None
) -> Replayed:
    """Validate everything in a table's quarantine again, and release what keeps its contract.

    May be called at any time, and by several at once.

    Args:
        lake: where bronze stands.
        table: with the contract in force.
        release_id: what the released rows carry.
        dry_run: only say what would be done.
        limit: nothing is released when the rows that are still broken do not satisfy it; None for no limit.

    Raises:
        TableMissing: bronze or the quarantine is not there.
        TooManyBroken: more rows are still broken than the limit allows.
        SchemaDiffers: the contract's columns are not those of bronze.
        ReleaseOvertaken: others were quicker, several times.
    """
    if not lake.exists(quarantine_key(table)):
        raise TableMissing(
            f"Nothing was ever set aside of {'.'.join(table.key)}: there is no {'.'.join(quarantine_key(table))}. With "
            f"`quarantine` in {table.contract.path.name}, the next extract sets aside what breaks a rule."
        )

    def attempt(folder: Path) -> Replayed:
        aside = lake.open(quarantine_key(table))
        main = lake.open(table.key)
        if not dry_run:
            main = lake.create(table.key, bronze_schema(table), change_feed=True)
        with engine(folder) as connection:
            found = _judge(connection, table, main, aside, release_id)
            found.refuse(table.name, limit)
            return found if dry_run or not found.released else _append(connection, table, main, aside, found)

    try:
        return until_committed(attempt)
    except (Superseded, ProgressGoesBack) as error:
        raise ReleaseOvertaken(
            f"Extracts or other replays committed to {table.name} {ATTEMPTS} times in a row while this replay was "
            "looking at it. Nothing of it was released, and nothing is lost. Run it again when they have ended."
        ) from error


def _judge(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, main: DeltaTable, aside: DeltaTable, release_id: str
) -> Replayed:
    """Make `judged`: each version that was set aside, with what becomes of it."""
    rules = demanded(table.contract)
    register_functions(connection)
    _store_versions(connection, table, aside)
    _store_known(connection, table, main)
    with unevaluated(table, [rule.name for rule in rules]):
        connection.execute(
            f"""
            CREATE TEMP TABLE judged AS
            WITH said AS (
              SELECT *,
                {broken_sql(table.contract, rules)} AS _broken_now,
                CASE
                  WHEN list_contains(coalesce(_released, []), _extracted_at) THEN 'already'
                  WHEN greatest(_cleared_at, _newest_at) > _extracted_at THEN 'superseded'
                  WHEN len(_broken_now) > 0 THEN 'broken'
                  ELSE 'released'
                END AS _said
              FROM aside LEFT JOIN known USING ({keys(table)})
            )
            SELECT * EXCLUDE (_cleared_at, _newest_at, _newest_op, _newest_hash, _released, _said),
              -- a row that was good when it was first read is in bronze; under other rules it was set aside as well
              CASE WHEN _said = 'released' AND _row_hash = coalesce(lag(_row_hash) OVER one_key, _newest_hash)
                THEN 'already' ELSE _said END AS _outcome,
              _said = 'released' AND _newest_op = 'delete' AND row_number() OVER one_key = 1 AS _returns
            FROM said
            WINDOW one_key AS (PARTITION BY {keys(table)}, _said ORDER BY _extracted_at)
            """
        )
    outcomes: Mapping[str, int] = dict(
        connection.execute("SELECT _outcome, count(*) FROM judged GROUP BY _outcome").fetchall()
    )
    by_rule = connection.execute(
        "SELECT rule, count(*) FROM (SELECT unnest(_broken_now) AS rule FROM judged WHERE _outcome = 'broken')"
        " GROUP BY rule ORDER BY rule"
    ).fetchall()
    return Replayed(
        name=".".join(table.key),
        release=release_id if outcomes.get("released") else "",
        released=outcomes.get("released", 0),
        broken=outcomes.get("broken", 0),
        by_rule=dict(by_rule),
        superseded=outcomes.get("superseded", 0),
        already=outcomes.get("already", 0),
        version=None,
    )


def _store_versions(connection: duckdb.DuckDBPyConnection, table: SourceTable, aside: DeltaTable) -> None:
    """Make `aside`: each version set aside, and when its key was last cleared.

    A version that was read again, and breaks other rules by now, stands in the log twice: it counts once, as of when it
    was first seen.
    """
    known = set(table_schema(aside).names)
    own = ["_op", "_row_hash", "_extracted_at", "_run_id"]
    connection.register("log", committed(aside, [c.name for c in table.contract.columns if c.name in known] + own))
    lacking = "".join(
        f", CAST(NULL AS {column.type.duckdb}) AS {quoted(column.name)}"
        for column in table.contract.columns
        if column.name not in known
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE aside AS
        SELECT * EXCLUDE (_op){lacking} FROM (
          SELECT *, max(_extracted_at) FILTER (_op = '{CLEARED}') OVER (PARTITION BY {keys(table)}) AS _cleared_at
          FROM log
          WINDOW one_key AS (PARTITION BY {keys(table)} ORDER BY _extracted_at)
          QUALIFY lag(_op) OVER one_key IS DISTINCT FROM _op OR lag(_row_hash) OVER one_key <> _row_hash
        ) WHERE _op <> '{CLEARED}'
        """
    )
    connection.unregister("log")


def _store_known(connection: duckdb.DuckDBPyConnection, table: SourceTable, main: DeltaTable) -> None:
    """Make `known`: of each key that was set aside, what bronze has newest, and which moments were released.

    The hash is that of a row which is there: none when the newest is a delete.
    """
    released = "_released_by" in table_schema(main).names
    columns = [*table.contract.key, "_op", "_row_hash", "_extracted_at", *(["_released_by"] if released else [])]
    connection.register("stored", committed(main, columns))
    connection.execute(
        f"""
        CREATE TEMP TABLE known AS
        SELECT {keys(table)}, max(_extracted_at) AS _newest_at, arg_max(_op, _extracted_at) AS _newest_op,
          CASE WHEN _newest_op <> 'delete' THEN arg_max(_row_hash, _extracted_at) END AS _newest_hash,
          list(_extracted_at) FILTER ({"_released_by IS NOT NULL" if released else "false"}) AS _released
        FROM stored SEMI JOIN aside USING ({keys(table)}) GROUP BY {keys(table)}
        """
    )
    connection.unregister("stored")


def _append(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, main: DeltaTable, aside: DeltaTable, found: Replayed
) -> Replayed:
    schema = bronze_schema(table)
    columns = ", ".join(quoted(column.name) for column in table.contract.columns)
    rows = connection.sql(
        f"""
        SELECT {columns}, CASE WHEN _returns THEN 'return' ELSE 'upsert' END AS _op, _row_hash, _extracted_at, _run_id,
          $release AS _released_by
        FROM judged WHERE _outcome = 'released'
        """,
        params={"release": found.release},
    ).to_arrow_reader(BATCH_ROWS)
    guard = guard_name(table.name)
    newest = max(progress(handle, guard) or 0 for handle in (main, aside))
    version = append(
        main,
        rows.cast(schema),
        transactions={guard: newest, released_name(table.name): aside.version()},
        metadata={
            "released_by": found.release,
            "released": str(found.released),
            "contract": f"{table.contract.id} {table.contract.version}",
            "quarantine_version": str(aside.version()),
        },
    )
    return replace(found, version=version)
