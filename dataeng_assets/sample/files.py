"""Files to try commands on: a table of sales, its rules, and a query over it that could be better.

The same day gives the same bytes. What moves and fills the shop's database belongs in `fill`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files as package_files
from io import BytesIO
from pathlib import Path, PurePosixPath
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SALES = PurePosixPath("data/sales.parquet")
RULES = PurePosixPath("schemas/sales.json")
QUERY = PurePosixPath("queries/daily_aggregation.sql")

_DAYS = 30
_SALES_PER_DAY = 400
_DAY = b"dataeng.sample.day"
"""Under this name the Parquet file says for which day it was made, so that an edited one is told from an old one."""
_REGIONS = ("east", "north", "south", "west")
_PRODUCTS = ("book", "chair", "desk", "lamp", "shelf")
_COLUMNS: dict[str, pa.DataType] = {
    "order_id": pa.string(),
    "region": pa.string(),
    "product": pa.string(),
    "quantity": pa.int32(),
    "amount": pa.decimal128(12, 2),
    "sold_at": pa.timestamp("us", tz="UTC"),
}


class Written(StrEnum):
    """What became of a file."""

    NEW = "written"
    SAME = "already there"
    RENEWED = "written anew for this day"
    EDITED = "left as it is, because it was edited; move it away to have it made again"


@dataclass(frozen=True)
class SampleFile:
    """A file and what became of it."""

    path: Path
    written: Written


def write_files(folder: Path, *, today: date) -> tuple[SampleFile, ...]:
    """Write the three files below a folder; one that a person edited is never overwritten.

    Args:
        folder: where `data`, `schemas` and `queries` go.
        today: UTC day; the newest sale is of the day before it.
    """
    texts: Mapping[PurePosixPath, bytes] = {SALES: _sales(today), RULES: _rules(), QUERY: _query()}
    return tuple(_write(folder / path, content) for path, content in texts.items())


def _write(path: Path, content: bytes) -> SampleFile:
    written = _fate(path, content)
    if written in (Written.NEW, Written.RENEWED):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return SampleFile(path, written)


def _fate(path: Path, content: bytes) -> Written:
    if not path.exists():
        return Written.NEW
    present = path.read_bytes()
    if present == content:
        return Written.SAME
    made_for = _day_of(present)
    is_ours = made_for is not None and present == _sales(made_for)
    return Written.RENEWED if is_ours else Written.EDITED


def _day_of(content: bytes) -> date | None:
    """The day for which a Parquet file was made here; None for any other file."""
    try:
        metadata = pq.read_schema(BytesIO(content)).metadata or {}
        return date.fromisoformat(metadata[_DAY].decode())
    except (pa.ArrowInvalid, KeyError, ValueError):
        return None


def _sales(today: date) -> bytes:
    days = (today - timedelta(days=back) for back in range(_DAYS, 0, -1))
    rows = [sale for day in days for sale in _sales_of(day)]
    table = pa.Table.from_pylist(rows, pa.schema(_COLUMNS, {_DAY: today.isoformat().encode()}))
    written = BytesIO()
    pq.write_table(table, written)
    return written.getvalue()


def _sales_of(day: date) -> Iterator[dict[str, Any]]:
    random = Random(day.toordinal())  # noqa: S311  # a sample, no secret
    midnight = datetime.combine(day, time(), UTC)
    for number, second in enumerate(sorted(random.sample(range(86_400), _SALES_PER_DAY))):
        quantity = random.randint(1, 5)
        yield {
            "order_id": f"S-{day:%Y%m%d}-{number:04}",
            "region": random.choice(_REGIONS),
            "product": random.choice(_PRODUCTS),
            "quantity": quantity,
            "amount": quantity * Decimal(random.randint(500, 20_000)) / 100,
            "sold_at": midnight + timedelta(seconds=second),
        }


def _rules() -> bytes:
    """The rules in the simple form; a sale is there on the day after it, with some hours to spare."""
    columns = {
        "order_id": {"type": "string", "not_null": True, "unique": True},
        "region": {"type": "string", "not_null": True, "enum": list(_REGIONS)},
        "product": {"type": "string", "not_null": True},
        "quantity": {"type": "integer", "not_null": True, "minimum": 1},
        "amount": {"type": "decimal", "precision": 12, "scale": 2, "minimum": 0},
        "sold_at": {"type": "timestamp", "not_null": True},
    }
    document = {
        "contract": {"name": "sales", "version": "1.0.0", "owner": "shop"},
        "schema": {"properties": columns},
        "sla": {"freshness": {"max_delay_hours": 26, "column": "sold_at"}, "completeness": {"min_percentage": 99.5}},
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def _query() -> bytes:
    return package_files("dataeng_assets.sample").joinpath("daily_aggregation.sql").read_bytes()
