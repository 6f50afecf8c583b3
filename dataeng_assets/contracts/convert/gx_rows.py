"""Expectations about several values of a row, which judge rows that lack some of them: conditions that say the same."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dataeng_assets.contracts.checks.kinds import Check, Compare, DifferInRow, Holds, Operator, SumsTo, TupleOneOf
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.contracts.convert.conditions import all_of, any_of
from dataeng_assets.contracts.convert.gx_arguments import Arguments, NotSaid

Reader = Callable[[Arguments], Iterator[Rule]]


def present(columns: tuple[str, ...]) -> str:
    """A condition: at least one of the columns has a value."""
    return any_of([f"{quoted(name)} is not null" for name in columns])


def _across(simple: Callable[[Arguments], Check], exact: Callable[[Arguments], str]) -> Reader:
    """An expectation about several values of a row.

    A check of ours judges no row that lacks one of them; where GX does, a condition says the same as GX.
    """

    def read(said: Arguments) -> Iterator[Rule]:
        ignored = said.ignored_rows("all")
        if ignored == "any":
            yield Rule(simple(said), "", said.tolerance)
            return
        where = present(_pair(said)) if ignored == "all" else ""
        yield Rule(Holds(exact(said)), "", said.tolerance, where=where)

    return read


def _pair(said: Arguments) -> tuple[str, ...]:
    if said.get("column_list"):
        return said.columns
    return tuple(str(said.need(name, str, "the name of a column")) for name in ("column_A", "column_B"))


def _greater(said: Arguments) -> Check:
    left, right = _pair(said)
    return Compare(left, Operator.AT_LEAST if said.get("or_equal") else Operator.GREATER, right)


def _greater_exact(said: Arguments) -> str:
    left, right = map(quoted, _pair(said))
    return f"coalesce({left} {'>=' if said.get('or_equal') else '>'} {right}, false)"


def _equal_values(said: Arguments) -> Check:
    columns = _pair(said)
    if len(columns) == 2:
        return Compare(columns[0], Operator.EQUAL, columns[1])
    return Holds(all_of([f"{quoted(columns[0])} = {quoted(name)}" for name in columns[1:]]))


def _equal_exact(said: Arguments) -> str:
    first, *rest = map(quoted, _pair(said))
    return all_of([f"{first} is not distinct from {other}" for other in rest])


def _tuples(said: Arguments) -> tuple[tuple[Any, ...], ...]:
    pairs = said.need("value_pairs_set", list, "a list of pairs")
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise NotSaid("value_pairs_set holds something that is no pair")
    return tuple(map(tuple, pairs))


def _pairs_exact(said: Arguments) -> str:
    columns = [quoted(name) for name in _pair(said)]
    same = [
        all_of([f"{name} is not distinct from {literal(value)}" for name, value in zip(columns, pair, strict=True)])
        for pair in _tuples(said)
    ]
    return any_of(same) if same else "false"


def _sum_exact(said: Arguments) -> str:
    total = literal(said.need("sum_total", (int, float), "a number"))
    return f"coalesce({' + '.join(map(quoted, said.columns))} = {total}, false)"


def _differ_exact(said: Arguments) -> str:
    """As many different values as columns; a missing one is a value of its own."""
    values = [f"coalesce(cast({quoted(name)} as varchar), chr(0))" for name in said.columns]
    return f"len(list_distinct([{listed(values)}])) = {len(values)}"


ACROSS: Mapping[str, Reader] = MappingProxyType(
    {
        "expect_select_column_values_to_be_unique_within_record": _across(
            lambda said: DifferInRow(said.columns), _differ_exact
        ),
        "expect_multicolumn_values_to_be_unique": _across(lambda said: DifferInRow(said.columns), _differ_exact),
        "expect_multicolumn_values_to_be_equal": _across(_equal_values, _equal_exact),
        "expect_multicolumn_sum_to_equal": _across(
            lambda said: SumsTo(said.columns, said.need("sum_total", (int, float), "a number")), _sum_exact
        ),
        "expect_column_pair_values_a_to_be_greater_than_b": _across(_greater, _greater_exact),
        "expect_column_pair_values_to_be_equal": _across(_equal_values, _equal_exact),
        "expect_column_pair_values_to_be_in_set": _across(
            lambda said: TupleOneOf(_pair(said), _tuples(said)), _pairs_exact
        ),
    }
)
"""By the name that GX 1 gives them."""
