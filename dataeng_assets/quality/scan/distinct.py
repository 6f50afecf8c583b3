"""Which values may occur more than once, in a fraction of the time that grouping them all takes.

Whole numbers are marked in a string of bits, and once more in memory when they turn out not to be unique; of anything
else the hashes are sorted, which spills to disk, and neighbours compared. Equal hashes prove nothing: the values that
have them must be grouped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataeng_assets.contracts.checks.predicates import is_integer
from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.quality.scan.subject import Subject

_BITS = 100_000_000
_BATCH = 100_000
_NAMED = 100_000


@dataclass(frozen=True)
class Candidates:
    """What may occur more than once.

    Attributes:
        rows: how many there are in all.
        condition: true for each row whose values may be those of another; empty when all are proven to be different.
    """

    rows: int
    condition: str


class _Repeated:
    """Values that were met more than once, as long as they are few enough to be named."""

    def __init__(self) -> None:
        self._named: NDArray[Any] = np.empty(0, np.int64)
        self._too_many = False

    def add(self, values: NDArray[Any]) -> None:
        if len(values) and not self._too_many:
            self._named = np.union1d(self._named, values) if len(self._named) else np.unique(values)
            self._too_many = len(self._named) > _NAMED

    def add_neighbours(self, ordered: NDArray[Any]) -> None:
        self.add(ordered[1:][ordered[1:] == ordered[:-1]])

    def rows(self, expression: str, offset: int = 0) -> str:
        """The condition of `Candidates` on what was hashed or marked."""
        if self._too_many:
            return "true"
        return (
            f"{expression} in ({listed(str(int(value) + offset) for value in self._named)})" if len(self._named) else ""
        )


def candidates(subject: Subject, columns: Sequence[str], rows: str) -> Candidates:
    """The rows that may share the values of the columns.

    Args:
        subject: what is judged.
        columns: together unique, or not.
        rows: the rows, as SQL from FROM on.
    """
    if subject.elsewhere:
        return Candidates(subject.ask(f"select count(*) {rows}")[0][0], "true")
    if len(columns) == 1 and is_integer(subject.types[columns[0]]):
        name = quoted(columns[0])
        low, high, count, there = subject.ask(f"select min({name}), max({name}), count(*), count({name}) {rows}")[0]
        if count and there == count and high - low < _BITS:
            marked = f"bit_count(bitstring_agg({name}, {low}, {high}))"
            if subject.ask(f"select {marked} {rows}")[0][0] == count:
                return Candidates(count, "")
            return Candidates(count, _seen_again(subject, name, rows, low, high).rows(name, low))
    return _of_equal_hashes(subject, f"hash({listed(map(quoted, columns))})", rows)


def _seen_again(subject: Subject, name: str, rows: str, low: int, high: int) -> _Repeated:
    seen, again = np.zeros(high - low + 1, bool), _Repeated()
    # the distance of two numbers of a signed type need not fit into that type; between unsigned ones it does
    wide = name if low >= 0 else f"{name}::hugeint"
    for distance in _batches(subject, f"select ({wide} - ({low}))::bigint {rows}"):
        distance.sort()
        again.add(distance[seen[distance]])
        again.add_neighbours(distance)
        seen[distance] = True
    return again


def _of_equal_hashes(subject: Subject, hashed: str, rows: str) -> Candidates:
    count, last, equal = 0, np.empty(0, np.uint64), _Repeated()
    for hashes in _batches(subject, f"select {hashed} as h {rows} order by h"):
        equal.add_neighbours(np.concatenate([last, hashes]))
        count, last = count + len(hashes), hashes[-1:]
    return Candidates(count, equal.rows(hashed))


def _batches(subject: Subject, sql: str) -> Iterator[NDArray[Any]]:
    for batch in subject.connection.sql(sql).to_arrow_reader(_BATCH):
        yield batch.column(0).to_numpy().copy()
