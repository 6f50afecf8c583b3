"""Tables of Postgres into Parquet files: all of a run in one snapshot, checked against their types, counted.

Which rows are read is decided in `plan`; how all tables see one moment, in `postgres_snapshot`.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from .config import Column, Config, Table
from .errors import NotProven, Refused
from .plan import Plan, Snapshot, Window, advance, plan_read
from .postgres_snapshot import pinned_connections
from .progress import Progress, Staged, microseconds
from .staging import Staging
from .types import arrow_type

_CONNECTIONS = 4
_BLOCK_BYTES = 4 * 1024 * 1024


def extract(
    config: Config, url: str, stored: Mapping[str, Progress | None], staging: Staging, window: Window | None = None
) -> list[Staged]:
    """Read all tables in one snapshot into the staging folder.

    Args:
        config: what to read.
        url: the source, as libpq takes it.
        stored: the progress of each table, as the destination has it.
        staging: where the files are written.
        window: watermarks to read again; None reads what no earlier run has seen.

    Raises:
        ExtractionError: nothing was loaded, and the next run reads the same again.
    """
    count = min(_CONNECTIONS, len(config.tables))
    with pinned_connections(url, config.tables, count, config.name) as (snapshot, connections):
        free: SimpleQueue[psycopg.Connection] = SimpleQueue()
        for connection in connections:
            free.put(connection)

        def read(table: Table) -> Staged:
            connection = free.get()
            try:
                return _staged(connection, table, snapshot, stored.get(table.name), staging, window)
            finally:
                free.put(connection)

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(read, config.tables))


def _staged(
    connection: psycopg.Connection,
    table: Table,
    snapshot: Snapshot,
    stored: Progress | None,
    staging: Staging,
    window: Window | None,
) -> Staged:
    has_row_xmin = _agree(connection, table)
    plan = plan_read(table.watermark, window, stored, snapshot, has_row_xmin=has_row_xmin)
    in_source, expected = _count(connection, table, plan)
    schema = pa.schema([pa.field(c.name, _arrow(c)) for c in table.columns])
    sent = [0]
    file, written = staging.write(table.name, schema, _batches(connection, table, plan, schema, sent))
    if not expected == sent[0] == written:
        raise NotProven(
            f"Of {table.name} the server counted {expected} rows in its snapshot, sent {sent[0]}, and {written} were "
            "staged. Nothing was loaded. Run again; if it repeats, look for a full disk."
        )
    position = stored.position if stored and plan.method == "window" else advance(stored, snapshot)
    if plan.method == "window" and not stored:
        position = {}
    after = Progress(microseconds(snapshot.taken_at), position)
    before = stored.extracted_at if stored else None
    return Staged(
        table.name, file, expected, in_source, before, after, table.watermark is None, plan.method, plan.notes
    )


def _arrow(column: Column) -> pa.DataType:
    return arrow_type(column.name, column.type, is_enum=column.enum)


def _agree(connection: psycopg.Connection, table: Table) -> bool:
    """Refuse a table whose columns are not what `extraction.yaml` says; gives whether its rows tell their writer."""
    oid, kind = connection.execute(
        "SELECT c.oid, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s",
        (table.schema, table.name),
    ).fetchall()[0]
    found: dict[str, str] = dict(
        connection.execute(
            "SELECT attname::text, format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE a.atttypid END,"
            " CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END)"
            " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
            " WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped",
            (oid,),
        ).fetchall()
    )
    problems = [
        f"{column.name} is {found.get(column.name, 'missing')} in the source and {column.type} in extraction.yaml"
        for column in table.columns
        if _plain(found.get(column.name, "missing")) != _plain(column.type)
    ]
    if problems:
        raise Refused(
            f"{table.schema}.{table.name} is not what was generated for: {'; '.join(problems)}. Nothing was read. "
            "Correct the contract and generate again, or correct the source."
        )
    return kind in ("r", "p", "m")


def _plain(kind: str) -> str:
    """A type without a text's longest length, which changes nothing that is stored, and without schema or quotes."""
    if kind.startswith(("numeric", "decimal")):
        return kind.replace(" ", "")
    return re.sub(r"\(\d+\)", "", kind).split(".")[-1].strip('"')


def _count(connection: psycopg.Connection, table: Table, plan: Plan) -> tuple[int, int]:
    lacking: sql.Composable = sql.SQL("false")
    if table.watermark is not None:
        lacking = sql.SQL("{} IS NULL").format(sql.Identifier(table.watermark))
    query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE {}), count(*) FILTER (WHERE {}) FROM {}").format(
        plan.predicate(table.watermark), lacking, sql.Identifier(table.schema, table.name)
    )
    in_source, expected, without = connection.execute(query).fetchall()[0]
    if without:
        raise Refused(
            f"{without} rows of {table.name} have no {table.watermark}, which decides what is read, so they would "
            "never arrive. Nothing was read. Fill it in the source, and make it NOT NULL there."
        )
    return int(in_source), int(expected)


def _batches(
    connection: psycopg.Connection, table: Table, plan: Plan, schema: pa.Schema, sent: list[int]
) -> Iterator[pa.RecordBatch]:
    """The rows in blocks; `sent[0]` is how many the server said it sent, once the last block was taken."""
    query = sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')").format(
        sql.SQL(", ").join(_expression(column) for column in table.columns),
        sql.Identifier(table.schema, table.name),
        plan.predicate(table.watermark),
    )
    cursor, block = connection.cursor(), bytearray()
    with cursor.copy(query) as copy:
        for row in copy:  # the protocol sends each row as a message of its own
            block += row
            if len(block) >= _BLOCK_BYTES:
                yield from _parsed(bytes(block), table, schema)
                block.clear()
    if block:
        yield from _parsed(bytes(block), table, schema)
    sent[0] = cursor.rowcount


def _expression(column: Column) -> sql.Composable:
    """What COPY prints of a column; a list of several dimensions has no JSON that would keep its bounds."""
    name = sql.Identifier(column.name)
    if column.type == "bytea":
        return sql.SQL("encode({}, 'hex')").format(name)
    if column.type.endswith("[]"):
        return sql.SQL("to_json({}::text[])::text").format(name)
    return name


def _parsed(block: bytes, table: Table, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    binary = {field.name for field in schema if pa.types.is_binary(field.type)}
    read_as = {field.name: pa.string() if field.name in binary else field.type for field in schema}
    try:
        reader = csv.open_csv(
            io.BytesIO(block),
            csv.ReadOptions(column_names=schema.names, block_size=len(block) + 1, use_threads=False),
            # a NULL in a table of one column is an empty line
            csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(schema) != 1),
            csv.ConvertOptions(
                column_types=read_as,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        for batch in reader:
            yield _unhexed(batch, binary, schema)
    except pa.ArrowInvalid as error:
        raise _refused(table.columns, str(error), table.name) from None


def _unhexed(batch: pa.RecordBatch, binary: set[str], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        pa.array([None if one is None else bytes.fromhex(one) for one in column.to_pylist()], pa.binary())
        if name in binary
        else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _refused(columns: Sequence[Column], problem: str, table: str) -> Refused:
    """The error of a value that its type cannot carry; it never shows the value, which may be personal."""
    at = re.search(r"In CSV column #(\d+)", problem)
    column = columns[int(at.group(1))] if at else None
    what = f"column {column.name} ({column.type})" if column else "the text that Postgres printed"
    return Refused(
        f"{table} cannot be copied: {what} holds a value that cannot be carried exactly: infinity, a date before "
        "Christ or after 9999, NaN in a decimal, or text that is not UTF-8. Nothing was loaded. Correct the value, or "
        "extract a view in which the column is cast to text."
    )
