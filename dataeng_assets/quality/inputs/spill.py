"""Rows on their way into the engine: temporary Parquet, read back as one relation.

A spill is made of parts, each with rows that follow one another in one source file. Its columns are numbered, so that
no name has to mean anything to Parquet. Reading a source belongs in the module of its format.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.quality.inputs.files import unpack
from dataeng_assets.quality.inputs.opened import free_names


@dataclass(frozen=True)
class Part:
    """A Parquet file of a spill.

    Attributes:
        path: where it lies.
        source: the file whose rows it holds, as people call it.
        first_row: number of its first row in that file, from 1.
    """

    path: Path
    source: str
    first_row: int


@dataclass
class Spill:
    """Parts in a temporary folder, which goes with the resources that it was made on."""

    folder: Path
    parts: list[Part] = field(default_factory=list)
    rows: int = 0

    @classmethod
    def on(cls, resources: ExitStack) -> "Spill":
        """A new spill; its folder is removed when the resources are closed."""
        folder = Path(tempfile.mkdtemp(prefix="dataeng-input-"))
        resources.callback(shutil.rmtree, folder, ignore_errors=True)
        return cls(folder)

    def adopt(self, source: str, first_row: int = 1) -> Path:
        """Where the next part is to be written."""
        path = self.folder / f"{len(self.parts)}.parquet"
        self.parts.append(Part(path, source, first_row))
        return path

    def unpack(self, path: Path) -> Path:
        """A compressed file as the next part, for what has to be read from its end."""
        return unpack(path, self.adopt(str(path)))

    @contextmanager
    def part(self, source: str, schema: pa.Schema, first_row: int = 1) -> Iterator[pq.ParquetWriter]:
        """Write a part; its columns take the numbers 0, 1, 2 … of the schema's."""
        path = self.adopt(source, first_row)
        with pq.ParquetWriter(path, numbered(schema), compression="lz4") as writer:
            yield writer

    def write(self, source: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Write a source file as one part."""
        numbers = numbered(schema)
        with self.part(source, schema) as writer:
            for batch in batches:
                writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=numbers))
                self.rows += batch.num_rows

    def relation(
        self, names: Sequence[str], *, expressions: Sequence[str] = (), positioned: bool = True
    ) -> tuple[str, tuple[str, ...]]:
        """The SQL that reads all parts, and the names of the columns for file and row.

        Args:
            names: of the columns, in order.
            expressions: what makes each value of the numbered column; the column itself when there are none.
            positioned: whether file and row in it are columns, too.
        """
        values = expressions or [quoted(number(place)) for place in range(len(names))]
        listed = [f"{value} as {quoted(name)}" for value, name in zip(values, names, strict=True)]
        position = free_names(names, "_file", "_row") if positioned else ()
        if position:
            sources = ", ".join(literal(part.source) for part in self.parts)
            starts = ", ".join(str(part.first_row) for part in self.parts)
            index = "cast(parse_filename(filename, true) as integer) + 1"
            listed.append(f"([{sources}])[{index}] as {quoted(position[0])}")
            listed.append(f"([{starts}])[{index}] + file_row_number as {quoted(position[1])}")
        paths = ", ".join(literal(str(part.path)) for part in self.parts)
        files = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
        return f"(select {', '.join(listed)} from {files})", position


def number(place: int) -> str:
    """The name of a column in a part."""
    return f"c{place}"


def numbered(schema: pa.Schema) -> pa.Schema:
    """The schema with numbers as names, all nullable and without metadata."""
    return pa.schema([pa.field(number(place), column.type) for place, column in enumerate(schema)])
