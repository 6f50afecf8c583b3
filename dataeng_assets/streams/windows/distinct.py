"""Counting different values exactly without comparing most of them.

A value whose hash occurs once among the events at hand is unlike every other one there: it counts as one, and need not
be looked at again. Only the rest is compared, value by value. That is nearly nothing where values are keys, or hardly
repeat within a window; a table of all keys would be most of what a publication costs, in time and in memory.
"""

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from dataeng_assets.contracts.checks.sql import listed
from dataeng_assets.contracts.model import Contract
from dataeng_assets.streams.windows.aggregates import compared, is_whole, value_sql
from dataeng_assets.streams.windows.definition import Function, Windows

_BITS = 20  # of a hash; a value that has them in common with a repeated one is compared as well


def counted(windows: Windows) -> list[int]:
    """Positions of the aggregates that count different values."""
    return [number for number, one in enumerate(windows.aggregates) if one.function is Function.DISTINCT]


def alone(
    connection: duckdb.DuckDBPyConnection, windows: Windows, contract: Contract, near: Sequence[str]
) -> "dict[str, pa.Array[Any]]":
    """Columns `once0, once1, …` by an aggregate's position: whether it is certain that no other event has the value.

    Args:
        connection: with the relation `taken` of all events at hand; and keeps their order.
        windows: whose different values are counted.
        contract: of the events.
        near: SQL of what is the same for all events of a window; a value has to stand alone only beside these.
    """
    columns: dict[str, pa.Array[Any]] = {}
    for number in counted(windows):
        values = [value_sql(contract, name) for name in windows.aggregates[number].columns]
        hashes = connection.sql(f"SELECT hash({listed([*near, *values])}) AS h FROM taken").to_arrow_table()
        columns[f"once{number}"] = pa.array(_once(np.asarray(hashes["h"])))
    return columns


def compared_again(windows: Windows, contract: Contract, keys: Sequence[str]) -> str:
    """A query over `assigned` that counts, by window, what does not stand alone: `d0, d1, …`, by comparing values."""
    rest = {
        number: f"NOT once{number} AND {is_whole(windows.aggregates[number], contract)}" for number in counted(windows)
    }
    told = [
        f"{compared(windows.aggregates[number], contract)} FILTER (WHERE {which}) AS d{number}"
        for number, which in rest.items()
    ]
    where = " OR ".join(f"({which})" for which in rest.values())
    return f"SELECT {listed([*keys, *told])} FROM assigned WHERE {where} GROUP BY {listed(keys)}"


def _once(hashes: "np.ndarray[Any, np.dtype[np.uint64]]") -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Of each hash whether it, and every one that ends with the same bits, occurs once."""
    in_order = np.sort(hashes)
    repeated = in_order[1:][in_order[1:] == in_order[:-1]]
    mask = np.uint64((1 << _BITS) - 1)
    occurs = np.zeros(1 << _BITS, dtype=np.bool_)
    occurs[repeated & mask] = True
    found: np.ndarray[Any, np.dtype[np.bool_]] = ~occurs[hashes & mask]
    return found
