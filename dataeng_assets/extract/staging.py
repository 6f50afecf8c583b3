"""Rows on their way: COPY into a Parquet file, counted on both sides.

The file holds the text's values as pyarrow reads them. Turning them into row versions belongs in `versions`.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from dataeng_assets.extract.plan import Plan, SourceTable
from dataeng_assets.postgres.copy import Copied
from dataeng_assets.postgres.errors import SAFE, SourceError, SourceRefused, translated
from dataeng_assets.settings import state_folder

_LOCK = "in_use"


class DeliveryDiffers(SourceError):
    """What arrived is not what the source had; nothing was committed, and reading again may well mend it."""

    retryable = True


@dataclass(frozen=True)
class Staged:
    """Rows read from the source and not committed anywhere.

    Attributes:
        path: the Parquet file.
        rows: how many it holds, as the source counted them.
        text_bytes: how long they were as text.
        rows_in_source: how many the whole table holds in the same snapshot.
    """

    path: Path
    rows: int
    text_bytes: int
    rows_in_source: int


@contextmanager
def staging_folder() -> Iterator[Path]:
    """A folder for one run, removed at its end. What a killed run left behind is removed first."""
    parent = state_folder() / "staging"
    parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with (parent / _LOCK).open("w") as turn:  # so that nobody takes a folder not yet locked for abandoned
            fcntl.flock(turn, fcntl.LOCK_EX)
            for left in parent.glob("*/"):
                _remove_if_abandoned(left)
            folder = Path(tempfile.mkdtemp(dir=parent))
            held.callback(shutil.rmtree, folder, ignore_errors=True)
            fcntl.flock(held.enter_context((folder / _LOCK).open("w")), fcntl.LOCK_EX)
        yield folder


def stage(connection: psycopg.Connection, table: SourceTable, plan: Plan, folder: Path) -> Staged:
    """Copy what the plan asks for into a Parquet file, and prove that it is all there.

    Args:
        connection: inside a transaction pinned to the run's snapshot.
        table: what to copy; it agrees with its contract.
        plan: which rows.
        folder: where the file is written.

    Raises:
        DeliveryDiffers: the rows that the server counts, sends, and that stand in the file are not equally many.
        SourceError: the source could not be read.
    """
    in_source, expected = _count(connection, table, plan)
    path = folder / f"{table.name}.parquet"
    columns = [(column.name, column.type) for column in table.contract.columns]
    copied = Copied(connection, table.name, _projection(table, plan), columns)
    texts = pa.schema([pa.field(name, kind.csv_arrow) for name, kind in columns])
    with pq.ParquetWriter(path, texts, compression="lz4") as writer:
        for batch in copied:
            writer.write_batch(batch)
    counts = {"counted": expected, "sent": copied.delivered, "staged": _rows_in(path)}
    if len(set(counts.values())) > 1:
        raise DeliveryDiffers(
            f"Of {table.name} the server counted {expected} rows in its snapshot, sent {copied.delivered}, and "
            f"{counts['staged']} were staged. {SAFE} Run again; if it repeats, look for a full disk at {folder} and "
            "report it with the server's version."
        )
    return Staged(path, expected, copied.text_bytes, in_source)


def _count(connection: psycopg.Connection, table: SourceTable, plan: Plan) -> tuple[int, int]:
    lacking = (
        sql.SQL("false") if table.watermark is None else sql.SQL("{} IS NULL").format(sql.Identifier(table.watermark))
    )
    query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE {}), count(*) FILTER (WHERE {}) FROM {}").format(
        plan.predicate(table.watermark), lacking, _relation(table)
    )
    with translated(f"counting {table.name}"):
        in_source, expected, without = connection.execute(query).fetchall()[0]
    if without:
        raise SourceRefused(
            f"{without} rows of {table.name} have no {table.watermark}, which the contract requires; as the "
            f"watermark it decides what is read, so they would never arrive. {SAFE} Fill it in the source, and make it "
            "NOT NULL there."
        )
    return int(in_source), int(expected)


def _projection(table: SourceTable, plan: Plan) -> sql.Composable:
    # identifiers are quoted by psycopg; the expressions around them come from the type table
    columns = [
        sql.SQL(column.type.copy_sql(sql.Identifier(column.name).as_string())) for column in table.contract.columns
    ]
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(", ").join(columns), _relation(table), plan.predicate(table.watermark)
    )


def _relation(table: SourceTable) -> sql.Identifier:
    return sql.Identifier(table.schema, table.contract.name)


def _rows_in(path: Path) -> int:
    """Count by reading a column back, not by what the footer says."""
    with pq.ParquetFile(path) as file:
        first = file.schema_arrow.names[0]
        return sum(batch.num_rows for batch in file.iter_batches(columns=[first]))


def _remove_if_abandoned(folder: Path) -> None:
    """Remove the folder unless a living process holds its lock."""
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except (BlockingIOError, FileNotFoundError):
        return
