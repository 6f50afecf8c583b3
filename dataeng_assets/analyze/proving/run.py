"""Running two statements on data sets in DuckDB and telling whether their results are the same.

All data sets lie in one table per table of the statements, told apart by a number, and one query answers for all of
them: 200 take a hundredth of the time that 200 queries take.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from dataeng_assets.analyze.proving.data import Row, Table
from dataeng_assets.analyze.proving.used import table_name

_SET = "_data_set"
_DIGITS = 9  # floats are equal when these digits are: a sum depends on the order of what is added
_SHRINKS = 120
_LOOKS = 0.1  # seconds between two looks at the clock
# DuckDB failed, not the statement: nothing that it says after that means anything.
_BROKEN = (duckdb.FatalException, duckdb.InternalException)
_NUMBER = "_this_data_set"  # stands in a statement's text where the number goes

Result = Counter[tuple[object, ...]] | str  # a bag of rows, or the error's kind


@dataclass(frozen=True)
class Difference:
    """A data set on which the statements differ, as small as it could be made."""

    rows: Mapping[str, list[Row]]
    before: list[tuple[object, ...]] | str
    after: list[tuple[object, ...]] | str


class Cannot(Exception):
    """DuckDB cannot run a statement; the message is its own."""


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory that reaches no file and no network, whatever a statement asks for."""
    connection = duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": "512MB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_external_access": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")
    return connection


@contextmanager
def limited(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what runs meanwhile once this process has used that much CPU time, however busy the machine is.

    Raises:
        duckdb.InterruptException: out of the query that was running.
    """
    done, end = threading.Event(), time.process_time() + seconds

    def watch() -> None:
        while not done.wait(_LOOKS):
            if time.process_time() > end:
                connection.interrupt()  # again, as it may have come between two queries

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


class Arena:
    """Two statements beside their data sets.

    Args:
        connection: as `connect` gives it; what an arena makes there it makes under names of its own.
        name: of this arena.
        statements: before and after, in DuckDB's dialect; they are not changed.
        tables: all tables of the statements, with the columns to have; they are made empty.
        order: by which columns of the result its rows are sorted.

    Attributes:
        filled: on how many data sets the first statement gave rows.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        statements: tuple[exp.Expr, exp.Expr],
        tables: Sequence[Table],
        order: tuple[int, ...] = (),
    ) -> None:
        self._connection, self._tables, self._order = connection, tables, order
        self.filled = 0
        self._data_sets: Sequence[Mapping[str, list[Row]]] = ()
        self._to_store: dict[str, list[tuple[object, ...]]] = {table.name: [] for table in tables}
        self._stored = {table.name: f'"{name}_{place}"' for place, table in enumerate(tables)}
        self._direct = [self._sql(statement, _NUMBER) for statement in statements]
        self._together = [self._sql(statement, "_d.i") for statement in statements]
        for table in tables:
            columns = "".join(f', "{column.name}" {column.type}' for column in table.columns)
            connection.execute(f"CREATE TABLE {self._stored[table.name]} ({_SET} INTEGER{columns})")

    def fill(self, data_sets: Sequence[Mapping[str, list[Row]]]) -> None:
        """Take data sets: rows by table, one mapping each."""
        self._data_sets = data_sets
        for number, rows in enumerate(data_sets):
            self._pending(number, rows)
        self._store()

    def _pending(self, number: int, rows: Mapping[str, list[Row]]) -> None:
        for name, those in rows.items():
            self._to_store[name].extend((number, *row) for row in those)

    def _store(self) -> None:
        import pyarrow as pa

        for table in self._tables:
            rows = self._to_store[table.name]
            self._to_store[table.name] = []
            if not rows:
                continue
            names = [_SET, *(column.name for column in table.columns)]
            types = [pa.int32(), *(pa.string() for _ in table.columns)]
            arrays = [pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), types, strict=True)]
            self._connection.register("_rows", pa.table(arrays, [f"c{place}" for place in range(len(names))]))
            self._connection.execute(f"INSERT INTO {self._stored[table.name]} SELECT * FROM _rows")
            self._connection.unregister("_rows")

    def _sql(self, statement: exp.Expr, data_set: str) -> str:
        """The statement over the rows of one data set."""
        statement = statement.copy()
        bases = [
            source
            for scope in traverse_scope(statement)
            for source in scope.sources.values()
            if isinstance(source, exp.Table)
        ]
        for table in {id(base): base for base in bases}.values():
            self._replace(table, data_set)
        for column in statement.find_all(exp.Column):
            column.set("db", None)
            column.set("catalog", None)
        return statement.sql(dialect="duckdb")

    def _replace(self, table: exp.Table, data_set: str) -> None:
        known = next(one for one in self._tables if one.name == table_name(table))
        columns = ", ".join(f'"{column.name}"' for column in known.columns) or "1"
        rows: exp.Expr = exp.maybe_parse(
            f"SELECT {columns} FROM {self._stored[known.name]} WHERE {_SET} = {data_set}", dialect="duckdb"
        )
        alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name))
        taken = exp.Subquery(this=rows, alias=alias, joins=table.args.get("joins"))
        table.replace(taken)

    def check(self) -> None:
        """Let DuckDB look at both statements.

        Raises:
            Cannot: it cannot run one of them, whatever the data.
        """
        for sql in self._direct:
            self._run(sql, -1, strict=True)

    def differing(self) -> int | None:
        """The number of the first data set on which the results differ."""
        try:
            results = [self._all(sql) for sql in self._together]
        except (duckdb.InterruptException, *_BROKEN):
            raise
        except duckdb.Error:
            return self._differing_one_by_one()
        self.filled = len(results[0])
        suspects = [
            number for number in range(len(self._data_sets)) if results[0].get(number) != results[1].get(number)
        ]
        # a statement inside of another is planned in another way; some are run by themselves to be sure
        sure = range(0, len(self._data_sets), 2 if self._order else 10)
        return next((number for number in (*suspects, *sure) if self._differs(number)), None)

    def _differing_one_by_one(self) -> int | None:
        numbers = range(len(self._data_sets))
        first = (self._run(self._direct[0], number) for number in numbers)
        self.filled = sum(1 for result in first if result and not isinstance(result, str))  # an error is no row
        return next((number for number in numbers if self._differs(number)), None)

    def _all(self, sql: str) -> dict[int, Counter[tuple[object, ...]]]:
        rows = self._connection.execute(
            f"SELECT _d.i, _r.* FROM range({len(self._data_sets)}) _d(i), LATERAL ({sql}) _r"
        ).fetchall()
        bags: dict[int, Counter[tuple[object, ...]]] = {}
        for number, *row in rows:
            bags.setdefault(number, Counter())[_normal(row)] += 1
        return bags

    def _run(self, sql: str, number: int, *, strict: bool = False) -> list[tuple[object, ...]] | str:
        try:
            return self._connection.execute(sql.replace(_NUMBER, str(number))).fetchall()
        except (duckdb.InterruptException, *_BROKEN):
            raise
        except duckdb.Error as error:
            if strict:
                raise Cannot(str(error).splitlines()[0]) from None
            return type(error).__name__

    def _differs(self, number: int) -> bool:
        before, after = (self._run(sql, number) for sql in self._direct)
        if isinstance(before, str) or isinstance(after, str):
            return isinstance(before, str) != isinstance(after, str)
        one, other = [_normal(row) for row in before], [_normal(row) for row in after]
        if Counter(one) != Counter(other):
            return True
        keys = [[tuple(row[place] for place in self._order) for row in rows] for rows in (one, other)]
        return keys[0] != keys[1]

    def shrunk(self, number: int) -> Difference:
        """The data set with as few rows, and as many NULLs, as still tell the statements apart."""
        rows = {name: list(those) for name, those in self._data_sets[number].items()}
        fresh, reduced = len(self._data_sets) + 1, True
        most = fresh + _SHRINKS
        while reduced and fresh < most:
            reduced = False
            for smaller in _smaller(rows):
                fresh += 1
                self._pending(fresh, smaller)
                self._store()
                if self._differs(fresh):
                    rows, reduced = smaller, True
                    break
        self._pending(fresh + 1, rows)
        self._store()
        before, after = (self._run(sql, fresh + 1) for sql in self._direct)
        return Difference(rows, before, after)


def _smaller(rows: Mapping[str, list[Row]]) -> Iterator[dict[str, list[Row]]]:
    """The same rows without one of them; first without whole halves."""
    for name, those in rows.items():
        half = len(those) // 2
        if half > 1:
            yield {**rows, name: those[half:]}
            yield {**rows, name: those[:half]}
    for name, those in rows.items():
        for place in range(len(those)):
            yield {**rows, name: those[:place] + those[place + 1 :]}


def _normal(row: Sequence[object]) -> tuple[object, ...]:
    return tuple(_normal_value(value) for value in row)


def _normal_value(value: object) -> object:
    """A value as it is compared: exact numbers by value, floats by their first digits and apart from exact ones."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else ("float", float(f"{value:.{_DIGITS}g}") + 0.0)
    if isinstance(value, bool):
        return ("boolean", value)
    return repr(value) if isinstance(value, list | dict) else value
