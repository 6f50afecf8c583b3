"""Which format a file has: by its first bytes, and only where these are text by its extension.

Reading a format belongs in the module of its name.
"""

import codecs
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from dataeng_assets.quality.inputs.files import head, suffix
from dataeng_assets.quality.inputs.opened import SAFE, InputUnreadable


class Format(StrEnum):
    """A format of files that can be read."""

    PARQUET = "Parquet"
    CSV = "CSV"
    JSON = "JSON"
    AVRO = "Avro"
    ARROW_FILE = "Arrow file"
    ARROW_STREAM = "Arrow stream"


BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # before the shorter one that it begins with
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_MAGIC = (
    (b"PAR1", Format.PARQUET),
    (b"Obj\x01", Format.AVRO),
    (b"ARROW1", Format.ARROW_FILE),
    (b"\xff\xff\xff\xff", Format.ARROW_STREAM),
)
_SUFFIXES = {
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".tab": Format.CSV,
    ".psv": Format.CSV,
    ".json": Format.JSON,
    ".ndjson": Format.JSON,
    ".jsonl": Format.JSON,
    ".avro": Format.AVRO,
    ".arrow": Format.ARROW_FILE,
    ".feather": Format.ARROW_FILE,
    ".ipc": Format.ARROW_FILE,
    ".arrows": Format.ARROW_STREAM,
}
_TEXTS = (Format.CSV, Format.JSON)
_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive (an Excel workbook is one, too)", "Unpack it, or save the sheet as CSV."),
    (b"PAR", "encrypted Parquet", "Decrypt it first."),
    (b"BZh", "compressed with bzip2", "Unpack it, or compress it with gzip or zstd."),
    (b"\xfd7zXZ", "compressed with xz", "Unpack it, or compress it with gzip or zstd."),
    (b"\x1f\x8b", "compressed twice", "Unpack it once."),
    (b"\x28\xb5\x2f\xfd", "compressed twice", "Unpack it once."),
    (b"FEA1", "Feather version 1", "Write it again with a newer pyarrow, or as Parquet."),
    (b"ORC", "ORC", "Convert it to Parquet."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV or Parquet."),
    (b"%PDF", "a PDF", "Export the data as CSV or Parquet."),
    (b"\xd0\xcf\x11\xe0", "an old Office document", "Save the sheet as CSV."),
    (b"\x89PNG", "a picture", "Name a file with data."),
    (b"<!DOCTYPE", "a web page", "Download the file itself: this may be a page for logging in."),
    (b"<html", "a web page", "Download the file itself: this may be a page for logging in."),
)
_HEAD_BYTES = 4096


def format_of(path: Path) -> Format:
    """The format of one file.

    Raises:
        InputUnreadable: it is none of the formats, or not what its extension says; names what was found.
    """
    first = head(path, _HEAD_BYTES)
    expected = _SUFFIXES.get(suffix(path))
    found = next((kind for magic, kind in _MAGIC if first.startswith(magic)), None)
    if found is not None:
        return found
    _refuse_known(path, first)
    # what is broken in it is the reader's to say, with the line
    if first and expected in _TEXTS:
        return expected
    text = _as_text(first)
    if expected is not None or text is None or not first:
        raise InputUnreadable(_mistyped(path, expected, first, text))
    return Format.JSON if text.lstrip()[:1] in ("{", "[") else Format.CSV


def common_format(where: str, paths: Sequence[Path]) -> Format:
    """The one format of all files.

    Raises:
        InputUnreadable: they differ; names one file of each.
    """
    examples: dict[Format, Path] = {}
    for path in paths:
        examples.setdefault(format_of(path), path)
    if len(examples) > 1:
        listed = ", ".join(f"{path} ({kind})" for kind, path in examples.items())
        raise InputUnreadable(f"{where} mixes formats: {listed}. {SAFE} Name a glob that leaves one of them.")
    return next(iter(examples))


def _refuse_known(path: Path, first: bytes) -> None:
    for magic, what, way_on in _OTHERS:
        if first.startswith(magic):
            raise InputUnreadable(f"{path} is {what}, which is not read. {SAFE} {way_on}")
    if first[257:262] == b"ustar":
        raise InputUnreadable(f"{path} is a tar archive, which is not read. {SAFE} Unpack it, and name its folder.")
    if first[8:12] == b"DUCK":
        raise InputUnreadable(
            f"{path} is a DuckDB database. {SAFE} Name the table in it: `duckdb:{path}#schema.table`."
        )


def _as_text(first: bytes) -> str | None:
    """The beginning as text; None if it is none."""
    for mark, encoding in BOMS:
        if first.startswith(mark):
            return first[len(mark) :].decode(encoding, "replace")
    return None if b"\0" in first[:64] else first.decode("utf-8", "replace")


def _mistyped(path: Path, expected: Format | None, first: bytes, text: str | None) -> str:
    named = f"{path} is named like {expected}" if expected else str(path)
    if not first:
        found = "is empty, without even a header"
        way_on = "See whether whatever writes it has finished."
    elif text is None:
        found = f"holds bytes of no known format (it begins with {first[:4].hex(' ')})"
        way_on = "Known are Parquet, CSV, TSV, JSON, NDJSON, Avro and Arrow, each also with gzip or zstd."
    else:
        found = f"holds text (it begins with {first[:4].hex(' ')})"
        way_on = "Give it the extension of what it holds, such as .csv or .json, or write it again."
    return f"{named}{' but' if expected else ''} {found}. {SAFE} {way_on}"
