"""What a DuckDB file knows of its tables, and its plans for statements. The file is opened read-only."""

import json
from pathlib import Path
from typing import Any, Self

import duckdb

from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts


class DuckDBEvidence:
    """An open file; close it, or use it in `with`.

    Raises:
        duckdb.Error: it is no database, or a process writes it.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._connection = duckdb.connect(
            path, read_only=True, config={"autoinstall_known_extensions": False, "enable_external_access": False}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def facts(self) -> Facts:
        """The facts of all tables, by `<schema>.<table>`."""
        tables = self._connection.execute(
            "SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE NOT internal"
        ).fetchall()
        return Facts({f"{schema}.{name}".lower(): self._table(schema, name, rows) for schema, name, rows in tables})

    def _table(self, schema: str, name: str, rows: int) -> TableFacts:
        columns = self._connection.execute(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?"
            " ORDER BY column_index",
            [schema, name],
        ).fetchall()
        keys = self._connection.execute(
            "SELECT constraint_column_names FROM duckdb_constraints() WHERE schema_name = ? AND table_name = ?"
            " AND constraint_type IN ('PRIMARY KEY', 'UNIQUE')",
            [schema, name],
        ).fetchall()
        unique = [frozenset(map(str.lower, names)) for (names,) in keys]
        return TableFacts(
            f"{schema}.{name}",
            rows=rows,
            keys=tuple(unique),
            columns={
                column.lower(): ColumnFacts(
                    kind.lower(), nullable, is_unique=True if frozenset({column.lower()}) in unique else None
                )
                for column, kind, nullable in columns
            },
            source="DuckDB catalog",
        )

    def plan(self, sql: str, *, run: bool = False) -> dict[str, Any]:
        """The plan of one statement as DuckDB gives it in JSON.

        Args:
            sql: one SELECT.
            run: run it, and tell what was found on the way.

        Raises:
            duckdb.Error: it cannot be planned.
        """
        statements = self._connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise duckdb.InvalidInputException("only a single SELECT is planned")
        rows = self._connection.execute(f"EXPLAIN ({'ANALYZE, ' if run else ''}FORMAT json) {sql}").fetchall()
        found = json.loads(rows[0][1])
        plan: dict[str, Any] = found[0] if isinstance(found, list) else found
        return plan
