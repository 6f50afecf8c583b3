"""CSV, TSV and the like: text only, NULL where a field is empty and not quoted, checked to its last line.

The quote is `"`, doubled inside a quoted field. Finding delimiter and header belongs in `header`, guarding the text on
its way to the parser in `guard`.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Literal, cast

import duckdb
import pyarrow as pa
from pyarrow import csv as arrow_csv

from dataeng_assets.quality.inputs.files import changed, size
from dataeng_assets.quality.inputs.guard import Guard
from dataeng_assets.quality.inputs.header import Header, long_fields, read_header
from dataeng_assets.quality.inputs.opened import SAFE, Held, Input, InputColumn, InputUnreadable, shown
from dataeng_assets.quality.inputs.quotes import MAX_LINE_BYTES
from dataeng_assets.quality.inputs.spill import Spill
from dataeng_assets.quality.inputs.text import Joined, utf8


def open_delimited(where: str, paths: Sequence[Path], _: duckdb.DuckDBPyConnection) -> Input:
    """Open files of delimited text with one header.

    Raises:
        InputUnreadable: one of them is broken, or they have different headers; names file and line.
    """
    with ExitStack() as resources:
        spill = Spill.on(resources)
        names: tuple[str, ...] = ()
        for path in paths:
            names = _read(where, path, paths[0], names, spill)
        relation, position = spill.relation(names)
        columns = tuple(InputColumn(name, "VARCHAR", Held.TEXT) for name in names)
        return Input(where, relation, columns, position, spill.rows, size(paths), changed(paths), resources.pop_all())


def _read(where: str, path: Path, first: Path, names: tuple[str, ...], spill: Spill) -> tuple[str, ...]:
    """Spill one file, if it has the names of the first one; gives them."""
    with utf8(path) as (stream, mark):
        header, start = read_header(path, stream)
        if path != first and header.names != names:
            raise _other_header(where, path, header.names, first, names)
        rest = Joined(start[header.length :], stream)
        guard = Guard(rest, path, header.delimiter, header.lines + 1, mark + header.length)
        schema = pa.schema([(name, pa.string()) for name in header.names])
        spill.write(str(path), schema, _rows(path, guard, header))
    return header.names


def _rows(path: Path, guard: Guard, header: Header) -> Iterator[pa.RecordBatch]:
    """The records, block by block; a block holds at least one, however long."""
    bad: list[tuple[int, int]] = []

    def note(row: arrow_csv.InvalidRow) -> Literal["error"]:
        bad.append((row.number or 0, row.actual_columns))
        return "error"

    numbers = [str(place) for place in range(len(header.names))]
    try:
        yield from arrow_csv.open_csv(
            # a raw stream is one to pyarrow, whose stubs want the buffered kind
            cast("IO[bytes]", guard),
            read_options=arrow_csv.ReadOptions(column_names=numbers, block_size=MAX_LINE_BYTES, use_threads=False),
            parse_options=arrow_csv.ParseOptions(
                delimiter=header.delimiter,
                newlines_in_values=True,
                # in a table of one column an empty line is a NULL
                ignore_empty_lines=len(numbers) != 1,
                invalid_row_handler=note,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(numbers, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        if bad:
            raise _ragged(path, header, *bad[0]) from None
        raise InputUnreadable(
            f"{path}: a record is longer than {MAX_LINE_BYTES:,} bytes. {SAFE} See whether a quote is open by mistake, "
            "or write the file as Parquet."
        ) from None


def _ragged(path: Path, header: Header, record: int, fields: int) -> InputUnreadable:
    return InputUnreadable(
        f"{path}: line {_line_of(path, header, record):,} has {fields} fields and the header {len(header.names)} "
        f"(delimiter {header.delimiter!r}). {SAFE} Quote a field that holds the delimiter, and see whether a line was "
        "cut."
    )


def _line_of(path: Path, header: Header, record: int) -> int:
    """The line at which a record begins, counted without the header; reads the file once more."""
    with utf8(path) as (stream, _), long_fields():
        text = io.TextIOWrapper(io.BufferedReader(Joined(b"", stream)), "utf-8", newline="")
        records = csv.reader(text, delimiter=header.delimiter)
        begins = 1
        found = -1
        for fields in records:
            # the header is number 0, and an empty line is a record only where it stands for one NULL
            found += bool(fields) or (len(header.names) == 1 and found >= 0)
            if found == record:
                break
            begins = records.line_num + 1
        return begins


def _other_header(
    where: str, path: Path, names: Sequence[str], first_path: Path, first: Sequence[str]
) -> InputUnreadable:
    lacking = [shown(name) for name in first if name not in names]
    more = [shown(name) for name in names if name not in first]
    differs = "; ".join(f"{what} {', '.join(which[:5])}" for what, which in (("no", lacking), ("also", more)) if which)
    return InputUnreadable(
        f"{where}: {path} has another header than {first_path}: {differs or 'the same columns in another order'}. "
        f"{SAFE} Validate them one by one, or write them again with one header."
    )
