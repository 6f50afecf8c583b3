"""Loading into Delta tables: merged by key in one commit, proven by reading back, then noted as progress.

A Delta commit holds one table, so progress has a table of its own and is committed after the proof. A run that ends
between the two merges the same rows again, which changes nothing.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from .config import Column, Config, Table
from .destination import Loaded
from .errors import NotProven, Refused, Superseded
from .progress import Progress, Staged
from .staging import read_batches, read_schema
from .types import arrow_type

_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("table_name", pa.string(), nullable=False),
    pa.field("extracted_at", pa.int64(), nullable=False),
    pa.field("position", pa.string(), nullable=False),
    pa.field("row_count", pa.int64(), nullable=False),
]
_PROGRESS = pa.schema(_FIELDS)


class DeltaDestination:
    """A folder of Delta tables.

    Args:
        address: a local folder or an address that delta-rs takes; storage options come from the environment.
    """

    def __init__(self, address: str, schema: str) -> None:
        self._base, self._schema = f"{address.rstrip('/')}/{schema}", schema

    def prepare(self, config: Config) -> None:
        """Make the tables that are not there yet."""
        DeltaTable.create(self._uri("_extraction_progress"), _PROGRESS, mode="ignore")
        for table in config.tables:
            fields = [
                pa.field(c.name, _arrow(c), nullable=not (c.required or c.name in table.key)) for c in table.columns
            ]
            DeltaTable.create(self._uri(table.name), pa.schema(fields), mode="ignore")

    def progress(self, tables: Sequence[str]) -> dict[str, Progress | None]:
        """How far each table has come."""
        rows = DeltaTable(self._uri("_extraction_progress")).to_pyarrow_table().to_pylist()
        stored = {row["table_name"]: Progress(row["extracted_at"], json.loads(row["position"])) for row in rows}
        return {table: stored.get(table) for table in tables}

    def load(self, table: Table, staged: Staged) -> Loaded:
        """Merge staged rows, prove that they are there, then store the progress."""
        notes = DeltaTable(self._uri("_extraction_progress"))
        stored = self.progress([table.name])[table.name]
        # an attempt that was cut off after its commit left the very progress that this one would store
        if (stored.extracted_at if stored else None) not in (staged.before, staged.after.extracted_at):
            raise Superseded(
                f"Another run has loaded {table.name} since this one read it. Nothing of this run was written; the "
                "other's rows are safe. Run again from the extraction."
            )
        target = DeltaTable(self._uri(table.name))
        removed = self._judge(table, staged, target)
        if self._differing(target, staged) or removed:
            self._merge(table, staged, target)
            self._prove(table, staged)
        self._note(notes, staged)
        return Loaded(staged.rows, removed)

    def count(self, statement: str) -> int:
        """The number that a statement gives; it may name every table of the folder."""
        with self._views() as connection:
            return int(connection.execute(statement).fetchall()[0][0])

    def build(self, name: str, select: str, kind: str) -> None:  # noqa: ARG002  # both kinds are tables
        """Make a model from its SELECT. Delta has no views: both kinds are tables, replaced in one commit."""
        with self._views() as connection:
            rows = connection.sql(select).to_arrow_table()
        write_deltalake(self._uri(name), rows, mode="overwrite", schema_mode="overwrite")

    def close(self) -> None:
        """Nothing is held open."""

    def _uri(self, name: str) -> str:
        return f"{self._base}/{name}"

    def _judge(self, table: Table, staged: Staged, target: DeltaTable) -> int:
        """Refuse doubled keys and too many vanished rows; gives how many rows have vanished."""
        key = ", ".join(_quoted(one) for one in table.key)
        with _compared(target, staged) as connection:
            doubled = _number(connection, f"FROM (SELECT {key} FROM staged GROUP BY ALL HAVING count(*) > 1)")
            if doubled:
                raise Refused(
                    f"{doubled} keys ({', '.join(table.key)}) of {table.name} stand in several rows of the source, so "
                    "a merge by key would drop rows. Nothing was merged. Make the key unique in the source."
                )
            if not staged.whole:
                return 0
            held = _number(connection, "FROM target")
            vanished = _number(connection, f"FROM target ANTI JOIN staged USING ({key})")
        if vanished > table.max_vanished * held:
            raise Refused(
                f"{vanished} of {held} rows of {table.name} would vanish, more than {table.max_vanished:.0%}, which is "
                "taken for a mistake. Nothing was written. If it is right, raise max_vanished in extraction.yaml."
            )
        return vanished

    def _differing(self, target: DeltaTable, staged: Staged) -> int:
        with _compared(target, staged) as connection:
            columns = ", ".join(_quoted(name) for name in read_schema(staged.file).names)
            return _number(connection, f"FROM (SELECT {columns} FROM staged EXCEPT SELECT {columns} FROM target)")

    def _merge(self, table: Table, staged: Staged, target: DeltaTable) -> None:
        schema = read_schema(staged.file)
        rest = [name for name in schema.names if name not in table.key]
        merger = target.merge(
            pa.RecordBatchReader.from_batches(schema, read_batches(staged.file)),
            " AND ".join(f"t.{_quoted(one)} = s.{_quoted(one)}" for one in table.key),
            source_alias="s",
            target_alias="t",
        ).when_not_matched_insert_all()
        if rest:
            changed = " OR ".join(f"(t.{_quoted(one)} IS DISTINCT FROM s.{_quoted(one)})" for one in rest)
            merger = merger.when_matched_update_all(predicate=changed)
        if staged.whole:
            merger = merger.when_not_matched_by_source_delete()
        merger.execute()

    def _prove(self, table: Table, staged: Staged) -> None:
        target = DeltaTable(self._uri(table.name))
        differing = self._differing(target, staged)
        if differing or (staged.whole and target.count() != staged.rows):
            raise NotProven(
                f"After the merge {differing} of {staged.rows} rows of {table.name} are not in the table as they were "
                "read. No progress was stored: the next run reads them again. Look for another writer."
            )

    def _note(self, notes: DeltaTable, staged: Staged) -> None:
        """Store the progress; two runs that overlap note the same transaction, and the later one is refused."""
        row = [staged.table, staged.after.extracted_at, staged.after.position_text(), staged.rows]
        transaction = Transaction(f"extract/{staged.table}", staged.after.extracted_at)
        try:
            write_deltalake(
                notes,
                pa.table([[value] for value in row], schema=_PROGRESS),
                mode="overwrite",
                predicate="table_name = '" + staged.table.replace("'", "''") + "'",
                commit_properties=CommitProperties(app_transactions=[transaction]),
            )
        except CommitFailedError:
            raise Superseded(
                f"Another run has stored progress for {staged.table} at the same time. The rows are merged and safe. "
                "Run again from the extraction."
            ) from None

    def _views(self) -> duckdb.DuckDBPyConnection:
        """DuckDB with a view of each table of the folder."""
        connection = _connection()
        connection.execute(f"CREATE SCHEMA {_quoted(self._schema)}")
        for table in self._names():
            if DeltaTable.is_deltatable(self._uri(table)):
                connection.register(f"_{table}", DeltaTable(self._uri(table)).to_pyarrow_dataset())
                place = f"{_quoted(self._schema)}.{_quoted(table)}"
                connection.execute(f"CREATE VIEW {place} AS SELECT * FROM {_quoted(f'_{table}')}")
        return connection

    def _names(self) -> list[str]:
        if "://" not in self._base:
            return sorted(path.name for path in Path(self._base).iterdir() if path.is_dir())
        from pyarrow import fs

        files, folder = fs.FileSystem.from_uri(self._base)
        return sorted(one.base_name for one in files.get_file_info(fs.FileSelector(folder)) if not one.is_file)


def open_destination(address: str, project: Path, schema: str) -> DeltaDestination:
    """A folder of tables; the project's statements are not needed."""
    del project
    return DeltaDestination(address, schema)


def _compared(target: DeltaTable, staged: Staged) -> duckdb.DuckDBPyConnection:
    """DuckDB with `target` and `staged`; both are streamed."""
    connection = _connection()
    connection.register("target", target.to_pyarrow_dataset())
    schema = read_schema(staged.file)
    rows = pa.RecordBatchReader.from_batches(schema, read_batches(staged.file))
    connection.register("_read", rows)
    # a reader is read once, and the rows are asked for more than once
    connection.execute("CREATE TEMPORARY TABLE staged AS SELECT * FROM _read")
    return connection


def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _number(connection: duckdb.DuckDBPyConnection, rest: str) -> int:
    return int(connection.execute(f"SELECT count(*) {rest}").fetchall()[0][0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _arrow(column: Column) -> pa.DataType:
    return arrow_type(column.name, column.type, is_enum=column.enum)
