"""What is measured of rows: counts, shares, means, freshness and columns, in one pass over a query.

What a lake table's log tells without reading a row is in `tables`; keeping measurements belongs in `history`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.quality.anomalies.schemas import schema_text

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_NUMBERS = (*_INTEGERS, *(f"U{kind}" for kind in _INTEGERS), "FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True)
class Measurement:
    """One value.

    Attributes:
        metric: `row_count`, `hours_old`, `null_share`, `distinct_share`, `mean` or `schema`.
        value: None when there was nothing to measure it of.
        column: what it is of; None for the table.
        text: the columns, of `schema`.
        day: the day that it is of; None for the table as it is.
    """

    metric: str
    value: float | None = None
    column: str | None = None
    text: str | None = None
    day: date | None = None


def measure(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    columns: Sequence[str],
    *,
    personal: Collection[str] = (),
    fresh_by: str | None = None,
    now: datetime | None = None,
) -> list[Measurement]:
    """Measure the rows of a query in one pass.

    The share of nothing is None, never 0. Distinct values are estimated (HyperLogLog, within a few percent), and are a
    share of the values that are there. A mean is of the finite values. No single value of a row is ever shown.

    Args:
        connection: where the query runs.
        query: gives the rows.
        columns: what is measured of the query's columns.
        personal: of these columns no mean is taken.
        fresh_by: a column with times (without a zone they are UTC) or days, for the hours since the newest.
        now: the moment that freshness is measured at; this one when not given.
    """
    found = connection.sql(f"from ({query}) limit 0")
    types = {name: str(kind) for name, kind in zip(found.columns, found.types, strict=True)}
    numeric = [name for name in columns if types[name].startswith(_NUMBERS) and not types[name].endswith("]")]
    means = [name for name in numeric if name not in personal]
    asked = ["count(*)", _newest(fresh_by, types[fresh_by]) if fresh_by else "null::bigint"]
    asked += [f"count({quoted(name)})" for name in columns]
    asked += [f"approx_count_distinct({quoted(name)})" for name in columns]
    asked += [f"avg({quoted(name)}::double) filter (isfinite({quoted(name)}::double))" for name in means]
    row = connection.execute(f"select {', '.join(asked)} from ({query})").fetchall()[0]
    rows, newest, there = row[0], row[1], dict(zip(columns, row[2:], strict=False))
    distinct = dict(zip(columns, row[2 + len(columns) :], strict=False))
    averages = dict(zip(means, row[2 + 2 * len(columns) :], strict=True))
    age = None if newest is None else hours_between(datetime.fromtimestamp(newest / 1e6, UTC), now or datetime.now(UTC))
    return [
        Measurement("row_count", rows),
        Measurement("schema", text=schema_text((name, types[name]) for name in columns)),
        *([Measurement("hours_old", age)] if fresh_by else []),
        *_shares(rows, there, distinct),
        *(Measurement("mean", mean, name) for name, mean in averages.items()),
    ]


def hours_between(newest: datetime, now: datetime) -> float:
    """Hours from one moment to another."""
    return (now - newest).total_seconds() / 3600


def _shares(rows: int, there: dict[str, int], distinct: dict[str, int]) -> Iterator[Measurement]:
    for name, count in there.items():
        yield Measurement("null_share", (rows - count) / rows if rows else None, name)
        # the estimate may lie above what is possible
        yield Measurement("distinct_share", min(1.0, distinct[name] / count) if count else None, name)


def _newest(column: str, kind: str) -> str:
    name = quoted(column)
    moment = name if kind == "TIMESTAMP WITH TIME ZONE" else f"{name}::timestamp"
    return f"epoch_us(max({moment}) filter (isfinite({name})))"
