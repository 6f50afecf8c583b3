"""Writes the orders that are judged, as Parquet; or the same rows as a table of SQLite.

    python data.py FILE.parquet ROWS SEED
    python data.py FILE.sqlite ROWS FILE.parquet

A process of its own, so that what it needs of memory is not taken for a contestant's.
"""

import sqlite3
import sys
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow.parquet as pq
from rules import COLUMNS, CURRENCIES, PLANTED, STATUSES

STORED = {
    "bigint": "INTEGER",
    "text": "TEXT",
    "decimal(12,2)": "REAL",
    "double": "REAL",
    "timestamp with time zone": "TEXT",
}


def query(rows: int, seed: int) -> str:
    """The same rows whenever the seed is the same."""

    def chance(of: str, below: int) -> str:
        return f"(hash(i, {seed}, '{of}') % {below})::bigint"

    def wrong(column: str, bad: str, good: str) -> str:
        every, first = PLANTED[column]
        return f"case when i % {every} = {first} then {bad} else {good} end as {column}"

    ordered = "timestamptz '2026-01-01 00:00:00+00' + to_seconds(i * 3)"
    shipped = f"{ordered} + to_seconds({chance('shipped', 86400)})"
    amount, discount, customer = chance("total", 1_000_000), chance("discount", 10_000), chance("customer", 200_000)
    return f"""
        select {wrong("order_id", "i - 1", "i")},
            md5('{seed} ' || i)::uuid::varchar as order_ref,
            {wrong("customer_id", "null", customer)},
            {wrong("status", "'lost'", f"{list(STATUSES)}[{chance('status', len(STATUSES))} + 1]")},
            {list(CURRENCIES)}[{chance("currency", len(CURRENCIES))} + 1] as currency,
            ({amount} / 100)::decimal(12, 2) as total_amount,
            case when {chance("discounted", 3)} = 0 then ({discount} / 100)::decimal(12, 2) end as discount_amount,
            {wrong("email", "'nobody'", f"'customer' || {customer} || '@example.com'")},
            case when i % 10 = 0 then 'note ' || i end as note,
            {wrong("score", "1.5", f"{chance('score', 10_000)} / 10000.0::double")},
            {ordered} as ordered_at,
            {wrong("shipped_at", f"{ordered} - to_seconds(60)", shipped)}
        from range({rows}) numbers(i)"""


def write_parquet(path: str, rows: int, seed: int) -> None:
    with duckdb.connect(config={"memory_limit": "1GB"}) as connection:
        connection.execute(f"copy ({query(rows, seed)}) to '{path}' (format parquet, compression zstd)")


def write_sqlite(path: str, parquet: str) -> None:
    """SQLite has no decimals and no times: numbers become doubles, times texts that sort as they do."""
    columns = ", ".join(f"{name} {STORED[physical]}" for name, (_, physical) in COLUMNS.items())
    with sqlite3.connect(path) as database, pq.ParquetFile(parquet) as file:
        database.execute(f"create table orders ({columns})")
        insert = f"insert into orders values ({', '.join('?' * len(COLUMNS))})"
        for batch in file.iter_batches(50_000):
            database.executemany(insert, zip(*(map(stored, column.to_pylist()) for column in batch), strict=True))


def stored(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime) else value


if __name__ == "__main__":
    target, count, other = sys.argv[1:]
    if target.endswith(".sqlite"):
        write_sqlite(target, other)
    else:
        write_parquet(target, int(count), int(other))
