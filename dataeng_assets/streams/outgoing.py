"""From the lines of a file to the values of records: NDJSON as it stands, CSV and Parquet as JSON objects.

Whether a value keeps the contract is judged in `produce`, by the decoder that the stream itself uses.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dataeng_assets.contracts.model import Contract

Line = tuple[int, bytes]
"""Number of a line or row, from 1, and the value of its record."""

_AT_ONCE = 10_000
_TOKEN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?|true|false|null")
_NO_STRING = ("bigint", "double", "boolean", "json")


class InputRefused(Exception):
    """A file that cannot be read as records."""

    retryable = False


def lines(path: Path, contract: Contract) -> Iterator[tuple[Line, ...]]:
    """The lines of a file with their numbers, some thousand at a time.

    Args:
        path: its ending says what it is: .ndjson, .jsonl, .json, .csv or .parquet.
        contract: says which columns of a CSV are text.

    Raises:
        InputRefused: it is missing, of another kind, or broken.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputRefused(f"{path} has an unknown ending. Nothing was sent. Known are {', '.join(_READERS)}.")
    try:
        yield from _batched(enumerate(reader(path, contract), 1))
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise InputRefused(f"{path} cannot be read: {str(error).splitlines()[0]}.") from error


def _batched(numbered: Iterable[Line]) -> Iterator[tuple[Line, ...]]:
    rest = iter(numbered)
    while batch := tuple(one for _, one in zip(range(_AT_ONCE), rest, strict=False)):
        yield batch


def _ndjson(path: Path, _: Contract) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            yield line.rstrip(b"\r\n")


def _csv(path: Path, contract: Contract) -> Iterator[bytes]:
    """An empty field is one that is not there: CSV cannot tell it from an empty text."""
    bare = {column.name for column in contract.columns if column.physical in _NO_STRING}
    objects = {column.name for column in contract.columns if column.physical == "json"}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            members = [
                f"{json.dumps(name)}:{_csv_value(text, is_bare=name in bare, is_json=name in objects)}"
                for name, text in row.items()
                if name is not None and text
            ]
            yield f"{{{','.join(members)}}}".encode()


def _csv_value(text: str, *, is_bare: bool, is_json: bool) -> str:
    if is_json:
        return text
    return text if is_bare and _TOKEN.fullmatch(text) else json.dumps(text)


def _parquet(path: Path, contract: Contract) -> Iterator[bytes]:
    objects = {column.name for column in contract.columns if column.physical == "json"}
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_AT_ONCE):
            for row in batch.to_pylist():
                yield _object(row, objects)


def _object(row: Mapping[str, Any], objects: set[str]) -> bytes:
    members = [
        f"{json.dumps(name)}:{value if name in objects and isinstance(value, str) else _text(value)}"
        for name, value in row.items()
        if value is not None
    ]
    return f"{{{','.join(members)}}}".encode()


def _text(value: object) -> str:
    return str(value) if isinstance(value, Decimal) else json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise InputRefused(f"A value of type {type(value).__name__} has no form in JSON. Nothing of its row was sent.")


_READERS: Mapping[str, Callable[[Path, Contract], Iterator[bytes]]] = {
    ".ndjson": _ndjson, ".jsonl": _ndjson, ".json": _ndjson, ".csv": _csv, ".parquet": _parquet,
}  # fmt: skip
