"""From events in windows to the columns that tell of them, so that no order of the events shows in a value.

DuckDB collects, in SQL that only does what has no order: counts, exact sums of integers, extremes, distinct values.
Sums of doubles depend on their order, and sketches on how they are fed, so these are finished here from the values.
"""

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import pyarrow as pa
from datasketches import update_theta_sketch

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.contracts.model import Contract
from dataeng_assets.contracts.types import ColumnType
from dataeng_assets.streams.windows.definition import Aggregate, Function, sketch_column

_LG_K = 12  # 4,096 hashes: a standard error of 1.6 %, 32 kB at most
_ORDER = "moment, p, o"


def collected(aggregates: Iterable[Aggregate], contract: Contract, *, once: bool = False) -> Iterator[str]:
    """SQL expressions over the events of a window, one or two per aggregate, named by its position.

    Args:
        aggregates: in order.
        contract: of the events.
        once: count only those different values that columns `once0, once1, …` say stand alone.
    """
    for number, one in enumerate(aggregates):
        if once and one.function is Function.DISTINCT:
            yield f"count(*) FILTER (WHERE once{number} AND {is_whole(one, contract)}) AS r{number}"
        else:
            yield from (f"{sql} AS r{number}{part}" for part, sql in _collected(one, contract))


def value_sql(contract: Contract, name: str) -> str:
    """A column's value with one way to write each: zero has two among doubles, which are equal."""
    column = quoted(f"c_{name}")
    is_float = contract.column(name).type.family == "float"
    return f"CASE WHEN {column} = 0 THEN 0::DOUBLE ELSE {column} END" if is_float else column


def is_whole(one: Aggregate, contract: Contract) -> str:
    """SQL that tells whether an event has every part of the value."""
    return " AND ".join(f"{value_sql(contract, name)} IS NOT NULL" for name in one.columns)


def compared(one: Aggregate, contract: Contract) -> str:
    """SQL that counts different values by comparing them."""
    values = [value_sql(contract, name) for name in one.columns]
    if len(values) == 1:
        return f"count(DISTINCT {values[0]})"
    return f"count(DISTINCT CASE WHEN {is_whole(one, contract)} THEN row({', '.join(values)}) END)"


def _collected(one: Aggregate, contract: Contract) -> Iterator[tuple[str, str]]:
    value = value_sql(contract, one.columns[0]) if one.columns else ""
    match one.function:
        case Function.COUNT:
            yield "", f"count({value or '*'})"
        case Function.SUM | Function.MEAN if contract.column(one.columns[0]).type.family == "float":
            yield "", f"list({value}) FILTER (WHERE {value} IS NOT NULL)"
        case Function.SUM:
            yield "", f"sum({value})::DECIMAL(38, 0)"
        case Function.MEAN:
            yield "", f"sum({value})::DECIMAL(38, 0)"
            yield "n", f"count({value})"
        case Function.DISTINCT:
            yield "", compared(one, contract)
        case Function.APPROX_DISTINCT:
            text = contract.column(one.columns[0]).type.canonical_sql(value)
            yield "", f"list(DISTINCT {text}) FILTER (WHERE {value} IS NOT NULL)"
        case Function.FIRST:
            yield "", f"first({value} ORDER BY {_ORDER})"
        case Function.LAST:
            yield "", f"last({value} ORDER BY {_ORDER})"
        case Function.QUANTILE:
            share = one.share or Fraction(1)
            place = f"(count({value}) * {share.numerator} + {share.denominator - 1}) // {share.denominator}"
            yield "", f"list_sort(list({value}) FILTER (WHERE {value} IS NOT NULL))[{place}]"
        case _:
            yield "", f"{one.function}({value})"


def finished(aggregates: Iterable[Aggregate], contract: Contract, found: pa.Table) -> dict[str, Any]:
    """The aggregates' columns from what was collected."""
    columns: dict[str, Any] = {}
    for number, one in enumerate(aggregates):
        raw = found[f"r{number}"]
        kind = contract.column(one.columns[0]).type if one.columns else None
        if one.function is Function.APPROX_DISTINCT:
            sketches = [_sketch(values or ()) for values in raw.to_pylist()]
            columns[one.name] = pa.array([round(sketch.get_estimate()) for sketch in sketches], pa.int64())
            columns[sketch_column(one.name)] = pa.array([sketch.serialize() for sketch in sketches], pa.binary())
        elif one.function in (Function.SUM, Function.MEAN):
            columns[one.name] = _numbers(one, kind, number, found)
        else:
            columns[one.name] = raw
    return columns


def _numbers(one: Aggregate, kind: ColumnType | None, number: int, found: pa.Table) -> Any:
    raw = found[f"r{number}"]
    if kind is not None and kind.family == "float":
        sums = [None if values is None else exact_sum(values) for values in raw.to_pylist()]
        if one.function is Function.SUM:
            return pa.array(sums, pa.float64())
        return pa.array([_mean(values) for values in raw.to_pylist()], pa.float64())
    if one.function is Function.SUM:
        return raw
    totals: list[Any] = raw.to_pylist()
    counts: list[Any] = found[f"r{number}n"].to_pylist()
    means = [None if total is None else int(total) / count for total, count in zip(totals, counts, strict=True)]
    return pa.array(means, pa.float64())


def _mean(values: list[float] | None) -> float | None:
    return None if values is None else exact_sum(values) / len(values)


def exact_sum(values: Iterable[float]) -> float:
    """The exact sum, rounded once to a double; so it has no order. Infinite where the exact sum is out of range."""
    values = list(values)
    try:
        return math.fsum(values) + 0.0
    except ValueError:  # infinities of both signs
        return math.nan
    except OverflowError:  # on the way, or in the end
        exact = sum(map(Fraction, values), Fraction())
        try:
            return float(exact)
        except OverflowError:
            return math.inf if exact > 0 else -math.inf


def _sketch(values: Iterable[str]) -> Any:
    """A sketch in the one form that all orders of feeding lead to: the smallest hashes, sorted."""
    sketch = update_theta_sketch(_LG_K)
    for value in values:
        sketch.update(value)
    sketch.trim()
    return sketch.compact(True)
