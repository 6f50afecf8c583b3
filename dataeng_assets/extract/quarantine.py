"""Rows that break a rule of their contract: set aside with all that they break, instead of appended to bronze.

The quarantine is a log, as bronze is: a row in it (`_op` = `upsert`) says that the source had this version of a key,
and which rules it broke; one with `cleared` and the key alone says that the source has a good version again, or the key
no more. Like bronze it gets a row only when something changed. Which rules set aside is said in the contract;
committing belongs in `commit`, letting rows out again in `release`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.functions import register_functions
from dataeng_assets.contracts.checks.rule import Quarantine
from dataeng_assets.contracts.checks.setting_aside import broken_sql, refuse_too_many, setting_aside
from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.extract.engine import batch_rows, committed, key_alone, keys, loaded, row_hash, rows_of
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.extract.staging import Staged
from dataeng_assets.postgres.errors import SAFE, SourceRefused

CLEARED = "cleared"
OWN_COLUMNS = (
    pa.field("_op", pa.string(), nullable=False),
    pa.field("_row_hash", pa.int64(), nullable=False),
    pa.field("_extracted_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("_run_id", pa.string(), nullable=False),
    pa.field("_broken", pa.list_(pa.string()), nullable=False),
    pa.field("_contract_version", pa.string(), nullable=False),
)


def quarantine_key(table: SourceTable) -> tuple[str, ...]:
    """The key of the table of rows set aside."""
    return (*table.key[:-1], f"{table.key[-1]}_quarantine")


def quarantine_schema(table: SourceTable) -> pa.Schema:
    """Its columns: the contract's, of which only the key is required, then our own."""
    described = table.contract.arrow_schema()
    loose = [column.with_nullable(column.name not in table.contract.key) for column in described]
    return pa.schema([*loose, *OWN_COLUMNS])


def set_aside(connection: duckdb.DuckDBPyConnection, table: SourceTable, staged: Staged) -> Mapping[str, int]:
    """Make `set_aside`: the rows read that break a rule, with their hash and the names of all rules that they break.

    Args:
        connection: from `engine`.
        table: what was read.
        staged: its rows.

    Returns:
        How many rows break each rule.

    Raises:
        TooManyBroken: more rows break a rule than the contract lets be set aside.
        SourceRefused: a rule could not be evaluated over the rows.
    """
    rules = setting_aside(table.contract)
    register_functions(connection)
    with unevaluated(table, [rule.name for rule in rules]):
        connection.execute(
            f"""
            CREATE TEMP TABLE set_aside AS
            SELECT *, {row_hash(table)} AS _row_hash
            FROM (
              SELECT *, {broken_sql(table.contract, rules)} AS _broken
              FROM (SELECT {loaded(table)} FROM {rows_of(staged)})
            )
            WHERE {"len(_broken) > 0" if rules else "false"}
            """
        )
    counted = connection.execute(
        "SELECT rule, count(*) FROM (SELECT unnest(_broken) AS rule FROM set_aside) GROUP BY rule ORDER BY rule"
    )
    by_rule = {str(rule): int(count) for rule, count in counted.fetchall()}
    refuse_too_many(
        table.name,
        _count(connection, "set_aside"),
        staged.rows,
        by_rule,
        (table.contract.quarantine or Quarantine()).limit,
        safe=SAFE,
        next_step="Correct the rows in the source and run again; if the rules are wrong, correct them in "
        f"{table.contract.path.name}; if so many may be broken, raise `limit` of its `quarantine`.",
    )
    return by_rule


def store_news(connection: duckdb.DuckDBPyConnection, table: SourceTable, staged: Staged, handle: DeltaTable) -> int:
    """Make `quarantine_news`: what the quarantine does not say yet. Gives how many rows that are.

    Args:
        connection: from `engine`, holding `set_aside`.
        table: what was read.
        staged: its rows.
        handle: the quarantine at the version that the commit will be made on.
    """
    _store_log(connection, table, handle)
    read = f"(SELECT {loaded(table, keys_only=True)} FROM {rows_of(staged)})"
    # every key of a table read whole was looked at: the one that was not read is gone
    seen = "" if table.watermark is None else f"SEMI JOIN {read} USING ({keys(table)})"
    connection.execute(
        f"""
        CREATE TEMP TABLE quarantine_news AS
        SELECT {_columns(table)}, 'upsert' AS _op, _row_hash, _broken
        FROM set_aside LEFT JOIN quarantined USING ({keys(table)})
        WHERE _logged_op IS DISTINCT FROM 'upsert' OR _logged_hash <> _row_hash OR _logged_broken <> _broken
        UNION ALL
        SELECT {_columns(table)}, '{CLEARED}', {row_hash(table)}, CAST([] AS VARCHAR[])
        FROM (
          SELECT {key_alone(table)}
          FROM quarantined ANTI JOIN set_aside USING ({keys(table)}) {seen}
          WHERE _logged_op = 'upsert'
        )
        """
    )
    return _count(connection, "quarantine_news")


def news(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, staged: Staged, *, moment: str, run_id: str
) -> pa.RecordBatchReader:
    """The rows of `quarantine_news`, in the quarantine's columns and types."""
    found = connection.sql(
        f"""
        SELECT {_columns(table)}, _op, _row_hash, CAST($moment AS TIMESTAMPTZ) AS _extracted_at, $run_id AS _run_id,
          _broken, $version AS _contract_version
        FROM quarantine_news
        """,
        params={"moment": moment, "run_id": run_id, "version": table.contract.version},
    ).to_arrow_reader(batch_rows(staged))
    typed: pa.RecordBatchReader = found.cast(quarantine_schema(table))
    return typed


def count_good(connection: duckdb.DuckDBPyConnection, table: SourceTable, staged: Staged) -> int:
    """How many of the rows read break no rule."""
    return _count(
        connection,
        f"(SELECT {loaded(table, keys_only=True)} FROM {rows_of(staged)}) ANTI JOIN set_aside USING ({keys(table)})",
    )


def count_quarantined(connection: duckdb.DuckDBPyConnection, table: SourceTable, handle: DeltaTable) -> int:
    """How many of the rows set aside are by what is committed the newest of their key in the quarantine."""
    _store_log(connection, table, handle)
    return _count(
        connection,
        f"set_aside JOIN quarantined USING ({keys(table)}) WHERE _logged_op = 'upsert' AND _logged_hash = _row_hash",
    )


def _store_log(connection: duckdb.DuckDBPyConnection, table: SourceTable, handle: DeltaTable) -> None:
    """Make `quarantined`: what the quarantine said last of each key."""
    columns = [*table.contract.key, "_op", "_row_hash", "_broken", "_extracted_at"]
    connection.register("stored", committed(handle, columns))
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE quarantined AS
        SELECT {keys(table)}, arg_max(_op, _extracted_at) AS _logged_op,
          arg_max(_row_hash, _extracted_at) AS _logged_hash, arg_max(_broken, _extracted_at) AS _logged_broken
        FROM stored GROUP BY {keys(table)}
        """
    )
    connection.unregister("stored")


@contextmanager
def unevaluated(table: SourceTable, rules: Sequence[str]) -> Iterator[None]:
    """Name table and rules instead of the value that DuckDB's own messages hold."""
    try:
        yield
    except duckdb.Error as error:
        raise SourceRefused(
            f"The rules of {table.name} that set rows aside ({', '.join(rules)}) could not be evaluated "
            f"({type(error).__name__}): a condition fails on a value or names no column of the contract, or a value "
            f"cannot be carried at all. {SAFE} Correct the condition in {table.contract.path.name}, so that it says "
            "something of every row, or the value in the source."
        ) from None


def _columns(table: SourceTable) -> str:
    return ", ".join(quoted(column.name) for column in table.contract.columns)


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
