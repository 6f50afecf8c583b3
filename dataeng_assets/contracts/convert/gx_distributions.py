"""Expectations about distributions that have no metric of their own, as queries for one number."""

from collections.abc import Mapping, Sequence
from typing import Any

from dataeng_assets.contracts.checks.kinds import Check, Measure, Metric, NoRows, Query, ZScore
from dataeng_assets.contracts.checks.rule import NONE, Bounds
from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.contracts.convert.conditions import all_of
from dataeng_assets.contracts.convert.gx_arguments import Arguments, NotSaid

Made = tuple[Check, Bounds]


def kl_divergence(said: Arguments) -> Made:
    """Values' shares against expected ones, or the shares of bins."""
    column, partition, threshold = said.column, said.get("partition_object"), said.get("threshold")
    said.get("bucketize_data")
    tail, internal = said.get("tail_weight_holdout", 0), said.get("internal_weight_holdout", 0)
    if not isinstance(partition, dict) or not isinstance(threshold, int | float):
        raise NotSaid("partition_object or threshold has no value, so nothing is demanded")
    weights = _weights(partition)
    limit = Bounds(upper=threshold)
    if "values" in partition:
        values = partition["values"]
        if len(values) != len(weights):
            raise NotSaid("partition_object has not as many weights as values")
        if not tail and not said.where:
            shares = tuple((value, float(weight)) for value, weight in zip(values, weights, strict=True))
            return Measure(Metric.KL_DIVERGENCE, column, shares=shares), limit
        return Query(_values_query(column, values, weights, tail, said.where)), limit
    if internal:
        raise NotSaid("internal_weight_holdout is not known for bins; give every bin a weight")
    return Query(_bins_query(column, partition, tail, said.where)), limit


def _weights(partition: Mapping[str, Any]) -> list[float]:
    weights = partition.get("weights")
    if not isinstance(weights, list) or not all(isinstance(one, int | float) and one >= 0 for one in weights):
        raise NotSaid("partition_object has no weights")
    return list(weights)


def _values_query(column: str, values: Sequence[Any], weights: Sequence[float], tail: float, where: str) -> str:
    name, condition = quoted(column), all_of([f"{quoted(column)} is not null", where])
    rows = listed(
        f"({literal(value)}, cast({weight * (1 - tail)!r} as double))"
        for value, weight in zip(values, weights, strict=True)
    )
    return (
        f"with seen as (select {name} as v, count(*) / sum(count(*)) over () as p from {{table}} "
        f"where {condition} group by 1), "
        f"wanted(v, q) as (values {rows}), both_ as (select p, q from seen left join wanted using (v)) "
        f"select sum(p * ln(p / coalesce(q, {tail!r} / (select count(*) from both_ where q is null)))) from both_"
    )


def _bins_query(column: str, partition: Mapping[str, Any], tail: float, where: str) -> str:
    edges, weights = partition.get("bins"), _weights(partition)
    if not isinstance(edges, list) or len(edges) != len(weights) + 1 or sorted(edges) != edges:
        raise NotSaid("partition_object has neither values nor rising bins, one more than weights")
    below, above = partition.get("tail_weights", [tail / 2, tail / 2])
    scale = 1 if "tail_weights" in partition else 1 - tail
    shares = [below, *(weight * scale for weight in weights), above]
    name, last = quoted(column), len(edges) - 1
    bins = [f"when {name} < {literal(edge)} then {number}" for number, edge in enumerate(edges[:-1])]
    bins.append(f"when {name} <= {literal(edges[last])} then {last}")
    rows = listed(f"({number}, cast({share!r} as double))" for number, share in enumerate(shares))
    condition = all_of([f"{name} is not null", where])
    return (
        f"with seen as (select case {' '.join(bins)} else {last + 1} end as bin, "
        f"count(*) / sum(count(*)) over () as p from {{table}} where {condition} group by 1), "
        f"wanted(bin, q) as (values {rows}) "
        "select sum(case when q = 0 then cast('infinity' as double) else p * ln(p / q) end) "
        "from seen join wanted using (bin)"
    )


def outliers(said: Arguments) -> Made:
    """Values outside of Tukey's fences, or further from the mean than so many standard deviations."""
    column, method, multiplier = said.column, said.get("method", "iqr"), said.get("multiplier", 1.5)
    if method == "std":
        return ZScore(column, multiplier), said.tolerance
    name, rows = quoted(column), f"(select * from {{table}} where {said.where})" if said.where else "{table}"
    fences = (
        f"(select quantile_cont({name}, 0.25) as low, quantile_cont({name}, 0.75) as high from {rows} as whole) as f"
    )
    outside = f"({name} < low - {multiplier!r} * (high - low) or {name} > high + {multiplier!r} * (high - low))"
    tolerated = said.tolerance
    if tolerated == NONE:
        return NoRows(f"select t.* from {rows} as t, {fences} where {outside}"), NONE
    share = f"100.0 * count(*) filter (where {outside}) / nullif(count({name}), 0)"
    return Query(f"select coalesce({share}, 0) from {rows} as t, {fences}"), Bounds(upper=tolerated.upper)
