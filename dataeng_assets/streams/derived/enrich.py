"""Events with what was true of something when they happened: columns of the row version that was valid at their time.

The versions are a bronze table that is extracted from a database. An event appears when the stream is complete up to
it, whatever has been extracted by then: a version that arrives later corrects the events of its time, however long they
have been there. So a database that is down holds no stream back, and after the next extract the rows are as if the
version had always been known. What is valid when belongs in `validity`.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.model import Contract
from dataeng_assets.streams.derived.dimension import Dimension, Versions, numbered
from dataeng_assets.streams.derived.main_input import GRAIN, MainInput
from dataeng_assets.streams.derived.spans import MOMENT, Span
from dataeng_assets.streams.derived.validity import validity
from dataeng_assets.streams.derived.whole import DerivedRefused, WholeEvents
from dataeng_assets.streams.stream import Stream

_RULES = "enriched 1"  # raised when this code joins other versions
_MEMORY = "1GB"  # beyond it DuckDB goes on in a temporary folder
_JOINED = 200_000  # events at once, if there are so many


@dataclass(frozen=True)
class Enriched:
    """A table of the events of a stream, in the columns of its main table, with columns of a dimension.

    Attributes:
        name: follows the stream's in the name of the table.
        on: pairs of an event's column and the dimension's that it equals; together the dimension's key.
        columns: pairs of the name that a column gets and the dimension's column.
        first_from: microseconds from which the first version of each row is valid at the latest, so that events before
            the row was made find it; None for no such time.
    """

    name: str
    dimension: Dimension
    on: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    first_from: int | None = None

    @property
    def valid_from(self) -> str:
        """The column that says since when the joined version was valid; empty where there was none."""
        return f"{self.dimension.contract.name}_valid_from"

    def schema(self, stream: Stream) -> pa.Schema:
        """Columns of the table."""
        types = {column.name: column.type.arrow for column in self.dimension.contract.columns}
        added = [pa.field(name, types[of]) for name, of in self.columns]
        return pa.schema([*stream.main_schema(), *added, pa.field(self.valid_from, MOMENT)])

    def check(self, stream: Stream) -> None:
        """Raise when the events cannot be joined.

        Raises:
            DerivedRefused: says which part and why.
        """
        problems = [*self._key_problems(stream.contract), *self._column_problems(stream)]
        if problems:
            raise DerivedRefused(
                f"{stream.name} cannot be enriched as {self.name}: {'; '.join(problems)}. Nothing was published; the "
                "events are safe. Correct defs.yaml."
            )

    def _key_problems(self, events: Contract) -> Iterator[str]:
        versions = self.dimension.contract
        left, right = ({column.name: column for column in of.columns} for of in (events, versions))
        given = [name for _, name in self.on]
        if sorted(given) != sorted(versions.key):
            yield (
                f"`key` names {', '.join(given) or 'nothing'} of {versions.name}, and a row of it is told by "
                f"{', '.join(versions.key)}"
            )
            return
        for name, of in self.on:
            if name not in left:
                yield f"the events have no column {name!r}{did_you_mean(name, list(left))}"
            elif left[name].type.family != right[of].type.family:
                yield f"{name} is {left[name].physical}, and {of} is {right[of].physical}"
            elif right[of].type.family in ("float", "list"):
                yield f"{of} is {right[of].physical}, and equal values may be written differently"

    def _column_problems(self, stream: Stream) -> Iterator[str]:
        there = [column.name for column in self.dimension.contract.columns]
        taken = [*stream.main_schema().names, self.valid_from]
        if not self.columns:
            yield f"no column of {self.dimension.contract.name} is asked for"
        for name, of in self.columns:
            if of not in there:
                yield f"{self.dimension.contract.name} has no column {of!r}{did_you_mean(of, there)}"
            if name in taken:
                yield f"the name {name} is taken"
            taken.append(name)


@dataclass
class Enrichment(WholeEvents):
    """The table as rows that follow from events and versions."""

    definition: Enriched
    versions: Versions

    @property
    def progress(self) -> str:
        """What the names of its progress begin with."""
        return f"v1/enriched/{self.events.stream.name}"

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of the table."""
        return self.definition.schema(self.events.stream)

    @property
    def fingerprint(self) -> str:
        """Changes with the definition and with the columns of events and versions."""
        one = self.definition
        said = (self.column, one.dimension.key, one.dimension.clock, one.on, one.columns, one.first_from)
        return hashlib.sha256(f"{_RULES} {said!r} {self.schema}".encode()).hexdigest()[:16]

    @property
    def inputs(self) -> Sequence["MainInput | VersionsInput"]:
        """The main table, and the versions."""
        return (MainInput(self.events), VersionsInput(self))

    def rows(self, span: Span) -> pa.RecordBatchReader:
        """The events of a span with the version that was valid at their time."""
        return pa.RecordBatchReader.from_batches(self.schema, self._joined(span))

    def _joined(self, span: Span) -> Iterator[pa.RecordBatch]:
        with _engine() as connection:
            connection.register("events", self.read(span, self._left))
            connection.execute(f"CREATE TABLE wanted AS SELECT DISTINCT {self._named()} FROM events")
            connection.unregister("events")
            self.versions.take(connection, self._right, self._told)
            connection.execute(f"CREATE TABLE valid AS {self._validity('versions')}")
            for batches in _gathered(self.read(span)):
                yield from self._with_versions(connection, batches)

    def _with_versions(
        self, connection: duckdb.DuckDBPyConnection, batches: Sequence[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        """Events with the columns of their version; what the events hold never passes through DuckDB."""
        names = list(dict.fromkeys([self.column, *self._left]))
        narrow = pa.Table.from_batches([batch.select(names) for batch in batches])
        connection.register("batch", narrow.append_column("n", pa.array(np.arange(len(narrow)))))
        told = [*(f"v{number}" for number in range(len(self._told))), "valid_from"]
        found = connection.sql(f"""
            WITH event AS (SELECT n, epoch_us({quoted(self.column)}) AS moment, {self._named()} FROM batch)
            SELECT {listed(told)} FROM event
                ASOF LEFT JOIN valid ON {self._same("valid")} AND moment >= since
            ORDER BY n
            """).to_arrow_table()
        connection.unregister("batch")
        added = list(self.schema)[batches[0].num_columns :]
        values = [
            pa.concat_arrays(found[name].chunks).cast(field.type) for name, field in zip(told, added, strict=True)
        ]
        start = 0
        for batch in batches:
            mine = [column.slice(start, batch.num_rows) for column in values]
            yield pa.RecordBatch.from_arrays([*batch.columns, *mine], schema=self.schema)
            start += batch.num_rows

    def touched_by_versions(self, covered: int, before: int) -> Iterator[Span]:
        """Events before a time whose version is another one because of the row versions that came since.

        Raises:
            ChangesGone: the table no longer tells.
        """
        if covered == self.versions.version:
            return
        self.versions.refuse_removed(covered)
        with _engine() as connection:
            self.versions.take_came(connection, self._right, covered)
            self.versions.take(connection, self._right, self._told)
            connection.execute(
                "CREATE TABLE known AS SELECT * FROM versions "
                f"ANTI JOIN came USING ({numbered(self._right)}, extracted, op, hash)"
            )
            for name, of in (("now", "versions"), ("before", "known")):
                connection.execute(f"CREATE TABLE valid_{name} AS {self._validity(of)}")
            connection.execute(f"""
                CREATE TABLE changed AS SELECT {numbered(self._right)}, min(since) AS since FROM (
                    (FROM valid_now EXCEPT FROM valid_before) UNION (FROM valid_before EXCEPT FROM valid_now)
                ) GROUP BY {numbered(self._right)}
                """)
            [[first]] = connection.execute("SELECT min(since) FROM changed").fetchall()
            if first is not None and first < before:
                yield from self._changed(connection, (first, before))

    def _changed(self, connection: duckdb.DuckDBPyConnection, span: Span) -> Iterator[Span]:
        """The minutes of a span with events that have another version in `valid_now` than in `valid_before`."""
        connection.register("events", self.read(span, [self.column, *self._left]))
        told = [*(f"v{number}" for number in range(len(self._told))), "valid_from"]
        found = connection.execute(f"""
            WITH event AS (
                SELECT * FROM (SELECT epoch_us({quoted(self.column)}) AS moment, {self._named()} FROM events) AS event
                    SEMI JOIN changed ON {self._same("changed")} AND moment >= since
            )
            SELECT DISTINCT moment - (moment % {GRAIN} + {GRAIN}) % {GRAIN} AS minute
            FROM event ASOF LEFT JOIN valid_now ON {self._same("valid_now")} AND moment >= valid_now.since
                ASOF LEFT JOIN valid_before ON {self._same("valid_before")} AND moment >= valid_before.since
            WHERE {" OR ".join(f"valid_now.{name} IS DISTINCT FROM valid_before.{name}" for name in told)}
            ORDER BY minute
            """).fetchall()
        for (minute,) in found:
            yield minute, minute + GRAIN

    def _validity(self, versions: str) -> str:
        return validity(versions, len(self._right), len(self._told), self.definition.first_from)

    def _named(self) -> str:
        """The columns by which events find their version, by number."""
        return listed(f"{quoted(name)} AS k{number}" for number, name in enumerate(self._left))

    def _same(self, versions: str) -> str:
        return " AND ".join(f"event.k{number} = {versions}.k{number}" for number in range(len(self._right)))

    @property
    def _left(self) -> list[str]:
        return [name for name, _ in self.definition.on]

    @property
    def _right(self) -> list[str]:
        return [of for _, of in self.definition.on]

    @property
    def _told(self) -> list[str]:
        return [of for _, of in self.definition.columns]


@dataclass(frozen=True)
class VersionsInput:
    """The row versions as what rows depend on."""

    of: Enrichment
    name: str = "versions"

    @property
    def version(self) -> int:
        """The version of the bronze table that is read; -1 where nothing was extracted yet."""
        return self.of.versions.version

    def touched(self, covered: int, before: int) -> Iterator[Span]:
        """Where rows can be others because of the row versions that came since a version.

        Raises:
            ChangesGone: the table no longer tells.
        """
        return self.of.touched_by_versions(covered, before)


def _gathered(read: pa.RecordBatchReader) -> Iterator[list[pa.RecordBatch]]:
    """The events in batches that are together worth a join: each one sorts all versions, and files may be small."""
    batches, rows = list[pa.RecordBatch](), 0
    for batch in read:
        if batch.num_rows:
            batches.append(batch)
            rows += batch.num_rows
        if rows >= _JOINED:
            yield batches
            batches, rows = [], 0
    if batches:
        yield batches


@contextmanager
def _engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="dataeng-enriched-") as folder:
        config: dict[str, Any] = {"threads": 2, "temp_directory": folder, "memory_limit": _MEMORY}
        with duckdb.connect(config=config) as connection:
            yield connection
