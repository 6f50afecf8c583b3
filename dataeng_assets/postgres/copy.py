"""COPY, read into Arrow with declared types, in bounded memory.

How a value's text is read belongs in `contracts.copied`; what is copied, and what becomes of it, belongs in `extract`.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psycopg
import pyarrow as pa
from psycopg import sql

from dataeng_assets.contracts.copied import ValueRefused, read_copied
from dataeng_assets.contracts.types import ColumnType
from dataeng_assets.postgres.errors import SourceRefused, translated

BLOCK_BYTES = 4 * 1024 * 1024


@dataclass
class Copied:
    """Batches of one COPY, and what the server said it sent.

    Iterating reads; `delivered` is known when the last batch has been read.

    Attributes:
        name: the table, for messages.
        query: what is copied; its columns are printed by `copy_sql`.
        columns: names and types, in the query's order.
        delivered: rows the server says it sent.
        text_bytes: how long their text was.
    """

    connection: psycopg.Connection
    name: str
    query: sql.Composable
    columns: Sequence[tuple[str, ColumnType]]
    delivered: int | None = field(default=None, init=False)
    text_bytes: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read the text in blocks of whole rows, so that no row is too long for a block.

        Raises:
            SourceError: the server went away, or a value is not of its declared type; the column is named.
        """
        cursor = self.connection.cursor()
        statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')").format(self.query)
        block = bytearray()
        with translated(f"copying {self.name}"):
            with cursor.copy(statement) as copy:
                for row in copy:  # the protocol sends each row as a message of its own
                    block += row
                    if len(block) >= BLOCK_BYTES:
                        yield from self._parsed(bytes(block))
                        block.clear()
            if block:
                yield from self._parsed(bytes(block))
        self.delivered = cursor.rowcount

    def _parsed(self, block: bytes) -> Iterator[pa.RecordBatch]:
        self.text_bytes += len(block)
        try:
            yield from read_copied(io.BytesIO(block), self.columns, block_bytes=len(block) + 1)
        except ValueRefused as error:
            raise SourceRefused(f"{self.name} cannot be copied. {error}") from None
