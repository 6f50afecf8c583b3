"""One way in for everything that can be validated.

What an address means is decided here; how each kind is read belongs in the module of its name.
"""

import duckdb

from dataeng_assets.quality.inputs.delimited import open_delimited
from dataeng_assets.quality.inputs.files import find_files
from dataeng_assets.quality.inputs.formats import Format, common_format
from dataeng_assets.quality.inputs.opened import SAFE, Input, InputUnreadable
from dataeng_assets.quality.inputs.parquet import open_parquet


def open_input(where: str, connection: duckdb.DuckDBPyConnection) -> Input:
    """Open an input on a connection; close it before the connection is closed.

    Args:
        where: a file, a glob, or a folder of files of one format.
        connection: from `quality.connection.connect`.

    Raises:
        InputUnreadable: what is there cannot be read, or not without altering it.
    """
    paths = find_files(where)
    kind = common_format(where, paths)
    if kind is Format.PARQUET:
        return open_parquet(where, paths, connection)
    if kind is Format.CSV:
        return open_delimited(where, paths)
    raise InputUnreadable(f"{where} is {kind}, which is not read. {SAFE} Convert it to Parquet.")


def explain_failure(error: duckdb.Error, opened: Input) -> InputUnreadable:
    """What an error of DuckDB means that came up while the input was scanned.

    The text of the error is left out: it may hold values of the data.
    """
    if isinstance(error, duckdb.OutOfMemoryException):
        problem, way_on = "needed more memory than DuckDB was given", "Give it more, or free space in TMPDIR."
    elif isinstance(error, duckdb.IOException):
        problem, way_on = (
            "lost one of its files, or the disk is full",
            "See whether it was changed meanwhile, and repeat.",
        )
    else:
        problem = f"has a damaged part, or a value that its type cannot hold ({type(error).__name__})"
        way_on = "Copy or write it again, and see whether it is whole."
    return InputUnreadable(f"{opened.name} could be opened, but while it was read it {problem}. {SAFE} {way_on}")
