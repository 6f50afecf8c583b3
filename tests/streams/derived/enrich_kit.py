"""Row versions of a dimension that a test writes as it likes, and which of them is valid by a plain reading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import md5
from typing import Any

import pyarrow as pa
from bronze_kit import EPOCH
from stream_kit import column, contract_of

from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.extract.versions import bronze_schema
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived.dimension import Dimension

CUSTOMERS = contract_of(
    "customers",
    [
        column("customer_id", "string"),
        column("tier", "string", nullable=True),
        column("score", "bigint", nullable=True),
        column("updated_at", "timestamp", nullable=True),
    ],
    "customer_id",
)
KEY = ("bronze", "shop", "customers")


@dataclass(frozen=True)
class Row:
    """One row version as it was read; times in microseconds."""

    who: str
    op: str
    updated: int | None
    extracted: int
    tier: str | None = None
    score: int | None = None

    @property
    def hash(self) -> int:
        return int.from_bytes(md5(repr((self.tier, self.score, self.updated)).encode()).digest()[:7], "big")


@dataclass
class Extracted:
    """The bronze table of a dimension."""

    lake: Lake
    clock: str | None = "updated_at"
    rows: list[Row] = field(default_factory=list)

    @property
    def dimension(self) -> Dimension:
        return Dimension(KEY, CUSTOMERS, self.clock)

    def extract(self, rows: Sequence[Row]) -> None:
        """One commit."""
        schema = bronze_schema(SourceTable(CUSTOMERS, "shop", self.clock, KEY))
        table = self.lake.create(KEY, schema, change_feed=True)
        self.rows += rows
        append(table, pa.Table.from_pylist([_stored(row) for row in rows], schema=schema), transactions={})


def _stored(row: Row) -> dict[str, Any]:
    def when(moment: int | None) -> Any:
        return None if moment is None else EPOCH + timedelta(microseconds=moment)

    there = {"tier": row.tier, "score": row.score, "updated_at": when(row.updated)} if row.op != "delete" else {}
    own = {"_op": row.op, "_row_hash": row.hash, "_extracted_at": when(row.extracted), "_run_id": "run"}
    return {"customer_id": row.who, **there, **own}


def valid(
    rows: Iterable[Row], who: str | None, moment: int, clock: str | None, first_from: int | None
) -> tuple[str | None, int | None, int | None]:
    """Tier, score and since when, of who is meant at a moment; nothing when there is no such row then."""
    line = _line([row for row in rows if row.who == who], clock)
    found: tuple[str | None, int | None, int | None] | None = None
    is_first, answer = True, (None, None, None)
    for at, row in line:
        if row.op == "delete":
            found = None
        else:
            if is_first and first_from is not None:
                at = min(at, first_from)
            is_first = False
            if found is None or found[:2] != (row.tier, row.score):
                found = (row.tier, row.score, at)
        if at <= moment:
            answer = found or (None, None, None)
    return answer


def _line(rows: list[Row], clock: str | None) -> list[tuple[int, Row]]:
    """Of each instant the row that counts, in order."""

    def at(row: Row) -> int:
        updated = row.updated if clock and row.op != "delete" else None
        if updated is None:
            return row.extracted
        return updated if row.op == "upsert" else max(updated, row.extracted)

    counts: dict[int, Row] = {}
    for row in sorted(rows, key=lambda row: (row.extracted, row.op == "delete", row.hash)):
        instant = (
            at(row) if row.op == "upsert" else max(at(other) for other in rows if other.extracted <= row.extracted)
        )
        counts[instant] = row
    return sorted(counts.items())
