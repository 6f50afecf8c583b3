"""Reading the text that Postgres' `COPY … (FORMAT csv, ENCODING 'UTF8')` prints for `copy_sql`, exactly or not at all.

What is printed is decided in `types`; running COPY and storing the rows belongs to the extract.
"""

import re
from collections.abc import Iterator, Sequence
from typing import IO, Any

import pyarrow as pa
from pyarrow import csv

from dataeng_assets.contracts.types import ColumnType

BLOCK_BYTES = 16 * 1024 * 1024


class ValueRefused(Exception):
    """A value cannot be carried exactly; names the column and never shows the value, which may be personal."""


def read_copied(
    source: IO[bytes], columns: Sequence[tuple[str, ColumnType]], *, block_bytes: int = BLOCK_BYTES
) -> Iterator[pa.RecordBatch]:
    """The rows in their `csv_arrow` types, block by block.

    NULL, an empty text and the text NULL stay apart; lines may break inside a value.

    Args:
        source: the text, without a header.
        columns: name and type, in the order in which they were printed.
        block_bytes: memory for one block, and so the most that one row may take.

    Raises:
        ValueRefused: infinite and BC dates, numeric NaN and anything else that the type cannot represent.
    """
    names = [name for name, _ in columns]
    try:
        reader = csv.open_csv(
            source,
            read_options=csv.ReadOptions(column_names=names, block_size=block_bytes, use_threads=False),
            # a NULL in a table of one column is an empty line
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(names) != 1),
            convert_options=csv.ConvertOptions(
                column_types={name: kind.csv_arrow for name, kind in columns},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        yield from reader
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        raise _refused(columns, str(error), block_bytes) from None


def _refused(columns: Sequence[tuple[str, ColumnType]], problem: str, block_bytes: int) -> ValueRefused:
    after = "Nothing of this table was written, the source is as before."
    at = re.search(r"In CSV column #(\d+)", problem)
    if at is not None:
        name, kind = columns[int(at.group(1))]
        return ValueRefused(
            f"Column {name} holds a value that {kind.kind} cannot carry exactly: infinity, a date before Christ or "
            f"after 9999, NaN in a decimal, or text that is not UTF-8. {after} Correct the value, or extract a view in "
            "which the column is cast to text."
        )
    if "straddling" in problem:
        return ValueRefused(
            f"A row is larger than {block_bytes:,} bytes. {after} Extract a view without its largest column."
        )
    shown: Any = re.sub(r"(: Row |: Expected |:).*", "", problem, flags=re.DOTALL)
    return ValueRefused(
        f"The text that Postgres printed could not be read ({shown}). {after} The columns expected are "
        f"{', '.join(name for name, _ in columns)}: compare them with the table."
    )
