"""What a Postgres database knows of its tables, and its plans for statements.

A statement is planned, or run when that is asked for, in a read-only transaction with a time limit; nothing but a
single SELECT is ever run.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import psycopg

from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.postgres.connect import address, connect
from dataeng_assets.postgres.errors import translated

TIMEOUT_SECONDS = 30

_TABLES = """
SELECT c.oid::bigint, n.nspname, c.relname, c.reltuples::bigint, pg_table_size(c.oid),
  s.n_mod_since_analyze, s.n_live_tup, coalesce(s.last_analyze, s.last_autoanalyze) IS NOT NULL,
  pg_get_partkeydef(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, s.n_distinct, s.null_frac,
  s.most_common_freqs[1]
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_INDEXES = """
SELECT array_agg(a.attname::text ORDER BY k.place), i.indisunique AND i.indpred IS NULL
FROM pg_index i CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY k(attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %s AND i.indisvalid AND k.place <= i.indnkeyatts AND i.indexprs IS NULL
GROUP BY i.indexrelid, i.indisunique, i.indpred ORDER BY i.indexrelid
"""


class PostgresEvidence:
    """An open database; close it, or use it in `with`.

    Args:
        url: a connection string.

    Raises:
        SourceError: it does not answer, or will not have us.
    """

    def __init__(self, url: str) -> None:
        self.name = address(url)
        self._connection = connect(url, "dataeng analyze")
        self._connection.execute("RESET search_path")  # the statements mean what they mean to their writers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def facts(self) -> Facts:
        """The facts of all tables that the role may see, by `<schema>.<table>`."""
        with translated(f"reading the catalog of {self.name}"):
            rows = self._connection.execute(_TABLES).fetchall()
            return Facts({f"{row[1]}.{row[2]}".lower(): self._table(row) for row in rows})

    def _table(self, row: Sequence[Any]) -> TableFacts:
        oid, schema, name, rows, size, *_, partition_key = row
        columns = self._connection.execute(_COLUMNS, (oid,)).fetchall()
        indexes = self._connection.execute(_INDEXES, (oid,)).fetchall()
        unique = [frozenset(map(str.lower, names)) for names, is_unique in indexes if is_unique]
        return TableFacts(
            f"{schema}.{name}",
            rows=rows if rows >= 0 else None,  # -1 is a table that was never analyzed
            bytes=size,
            partition_columns=_partition_columns(partition_key),
            indexes=tuple(tuple(map(str.lower, names)) for names, _ in indexes),
            keys=tuple(unique),
            columns={one[0].lower(): _column(one, rows, unique) for one in columns},
            source="Postgres statistics",
        )

    def stale(self) -> dict[str, str]:
        """Tables whose statistics are old, with what changed since, in words."""
        told = {}
        with translated(f"reading the statistics of {self.name}"):
            rows = self._connection.execute(_TABLES).fetchall()
        for _, schema, name, _, _, changed, live, analyzed, _ in rows:
            if live and live >= 1000 and not analyzed:
                told[f"{schema}.{name}".lower()] = f"{live:,} rows, and never analyzed"
            elif changed and live and changed >= 1000 and changed > live / 5:
                told[f"{schema}.{name}".lower()] = f"{changed:,} of {live:,} rows changed since the last ANALYZE"
        return told

    def plan(self, sql: str, *, run: bool = False) -> dict[str, Any]:
        """The plan of one statement as Postgres gives it in JSON.

        Args:
            sql: one SELECT; the server refuses more than one, and whatever writes.
            run: run it, and tell what was found on the way.

        Raises:
            psycopg.Error: it cannot be planned, or took too long.
        """
        options = "ANALYZE, BUFFERS, FORMAT JSON" if run else "FORMAT JSON"
        with self._read_only():
            # prepared, so that the server takes a single statement
            row = self._connection.execute(f"EXPLAIN ({options}) {sql}".encode(), prepare=True).fetchone()
        found = row[0] if row else []
        plans: list[dict[str, Any]] = json.loads(found) if isinstance(found, str) else found
        return plans[0]

    @contextmanager
    def _read_only(self) -> Iterator[None]:
        self._connection.execute("BEGIN READ ONLY")
        try:
            self._connection.execute(f"SET LOCAL statement_timeout = '{TIMEOUT_SECONDS}s'")
            yield
        finally:
            if (
                not self._connection.closed
                and self._connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE
            ):
                self._connection.execute("ROLLBACK")


def _column(row: Sequence[Any], rows: int, unique: Sequence[frozenset[str]]) -> ColumnFacts:
    name, kind, nullable, distinct, nulls, most_common = row
    if distinct is not None and distinct < 0:
        distinct = -distinct * max(rows, 0)  # told as a share of the rows
    return ColumnFacts(
        kind,
        nullable,
        distinct=round(distinct) if distinct else None,
        null_share=nulls,
        is_unique=True if frozenset({name.lower()}) in unique else None,
        most_common_share=most_common,
    )


def _partition_columns(definition: str | None) -> tuple[str, ...]:
    """The columns of `RANGE (a, b)`; none where it is computed."""
    inside = definition[definition.index("(") + 1 : -1] if definition else ""
    names = [name.strip().strip('"').lower() for name in inside.split(",")]
    return tuple(names) if all(name.replace("_", "").isalnum() for name in names) else ()
