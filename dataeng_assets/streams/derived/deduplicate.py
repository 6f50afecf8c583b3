"""Events of which each is there once within a horizon: which are repeats, and the rows that stay.

A producer that sends again what it has sent, and a topic that is written by two of them, deliver one event more than
once. An event is a repeat when another one with the same key precedes it, in the order of event time, partition and
offset, by less than the horizon. So whether it is one is decided by the events no further before it than that, and a
key that goes on being repeated stays silent until it has paused for the horizon.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.model import Contract
from dataeng_assets.streams.derived.main_input import MainInput
from dataeng_assets.streams.derived.spans import Span
from dataeng_assets.streams.derived.whole import (
    GENERATION,
    OFFSET,
    PARTITION,
    DerivedRefused,
    WholeEvents,
)
from dataeng_assets.streams.stream import Stream

_RULES = "deduplicated 1"  # raised when this code keeps other rows
_MEMORY = "1GB"  # beyond it DuckDB goes on in a temporary folder
_KEPT_APART = ("float", "list")


@dataclass(frozen=True)
class Deduplicated:
    """A table of the events of a stream without repeats, in the columns of its main table.

    Attributes:
        name: follows the stream's in the name of the table.
        key: columns by which events are the same. An event that lacks a value in one of them repeats none.
        horizon: microseconds of event time.
    """

    key: tuple[str, ...]
    horizon: int
    name: str = "deduplicated"

    def schema(self, stream: Stream) -> pa.Schema:
        """Columns of the table: those of the main table."""
        return stream.main_schema()

    def check(self, stream: Stream) -> None:
        """Raise when the repeats among the events cannot be told.

        Raises:
            DerivedRefused: says which part and why.
        """
        problems = list(self._problems(stream.contract))
        if problems:
            raise DerivedRefused(
                f"{stream.name} cannot be deduplicated as {self.name}: {'; '.join(problems)}. Nothing was "
                "published; the events are safe. Correct defs.yaml."
            )

    def _problems(self, contract: Contract) -> Iterator[str]:
        columns = {column.name: column for column in contract.columns}
        if self.horizon <= 0:
            yield "the horizon must be longer than nothing"
        if not self.key:
            yield "no column says which events are the same; name one, such as event_id"
        for name in self.key:
            if name not in columns:
                yield f"the contract has no column {name!r}{did_you_mean(name, list(columns))}"
            elif columns[name].type.family in _KEPT_APART:
                yield f"{name} is {columns[name].physical}, and equal values may be written differently; take another"


@dataclass
class Deduplication(WholeEvents):
    """The table as rows that follow from events.

    Attributes:
        repeats: how many events of the spans computed so far were left out.
    """

    definition: Deduplicated
    repeats: int = field(default=0, init=False)

    @property
    def progress(self) -> str:
        """What the names of its progress begin with."""
        return f"v1/deduplicated/{self.events.stream.name}"

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table."""
        return self.definition.schema(self.events.stream)

    @property
    def fingerprint(self) -> str:
        """Changes with the definition and with the columns of the events."""
        said = f"{_RULES} {self.column} {self.definition!r} {self.schema}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def inputs(self) -> Sequence[MainInput]:
        """The main table. An event can make repeats of those that follow it within the horizon."""
        return (MainInput(self.events, forth=self.definition.horizon),)

    def following(self, span: Span) -> Span:
        """The events themselves, and those that can repeat one."""
        return span[0], span[1] + self.definition.horizon

    def rows(self, span: Span) -> pa.RecordBatchReader:
        """The events of a span that repeat none."""
        return pa.RecordBatchReader.from_batches(self.schema, self._kept(span))

    def _kept(self, span: Span) -> Iterator[pa.RecordBatch]:
        repeats = _by_partition(self._repeats(span))
        for batch in self.read(span):
            kept = batch.filter(pa.array(~_is_in(batch, repeats)))
            self.repeats += batch.num_rows - kept.num_rows
            yield kept

    def _repeats(self, span: Span) -> pa.Table:
        """Where the repeats of a span stand: generation, partition and offset."""
        by, horizon = self.definition.key, self.definition.horizon
        names = [self.column, *by, PARTITION, OFFSET, GENERATION]
        keys = listed(f"k{number}" for number in range(len(by)))
        given = listed(f"{quoted(name)} AS k{number}" for number, name in enumerate(by))
        with tempfile.TemporaryDirectory(prefix="dataeng-repeats-") as folder:
            config: dict[str, Any] = {"threads": 2, "temp_directory": folder, "memory_limit": _MEMORY}
            with duckdb.connect(config=config) as connection:
                connection.register("events", self.read((span[0] - horizon, span[1]), names))
                found: pa.Table = connection.sql(f"""
                    WITH taken AS (
                        SELECT epoch_us({quoted(self.column)}) AS moment, {PARTITION} AS p, {OFFSET} AS o,
                            coalesce({GENERATION}, 0) AS g, {given}
                        FROM events WHERE {" AND ".join(f"{quoted(name)} IS NOT NULL" for name in by)}
                    ),
                    followed AS (
                        SELECT g, p, o, moment,
                            lag(moment) OVER (PARTITION BY {keys} ORDER BY moment, p, o, g) AS last
                        FROM taken
                    )
                    SELECT g, p, o FROM followed WHERE moment >= {span[0]} AND moment - last < {horizon}
                    """).to_arrow_table()
                return found


def _by_partition(places: pa.Table) -> "dict[tuple[int, int], np.ndarray[Any, Any]]":
    g, p, o = (np.asarray(places[name]) for name in ("g", "p", "o"))
    pairs: list[tuple[int, int]] = sorted(set(zip(g.tolist(), p.tolist(), strict=True)))
    return {(generation, partition): o[(g == generation) & (p == partition)] for generation, partition in pairs}


def _is_in(
    batch: pa.RecordBatch, places: "Mapping[tuple[int, int], np.ndarray[Any, Any]]"
) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Of each event whether it stands in one of the places."""
    g = np.asarray(batch.column(GENERATION).fill_null(0))
    p, o = np.asarray(batch.column(PARTITION)), np.asarray(batch.column(OFFSET))
    found = np.zeros(batch.num_rows, dtype=np.bool_)
    for (generation, partition), offsets in places.items():
        mine = (g == generation) & (p == partition)
        found[mine] = np.isin(o[mine], offsets)
    return found
