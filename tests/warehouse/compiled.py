"""Models as dbt compiles them, over bronze tables in memory: a hundred builds in the time of one dbt run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_runs import Environment, days, folders, messages
from small_shop import Bronze

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.views import create_views


@dataclass(frozen=True)
class Compiled:
    """A daily model and what it is made from.

    Attributes:
        connection: has the bronze tables, empty at first.
        above: relation -> SQL of what the daily model reads, in building order; views stay views.
        whole: SQL of the daily model for all days.
        by_day: the same for one day.
        touched: dotted bronze table -> SQL over `changes` that yields the touched days.
    """

    connection: duckdb.DuckDBPyConnection = field(repr=False)
    above: Mapping[str, str] = field(repr=False)
    whole: str = field(repr=False)
    by_day: Mapping[date, str] = field(repr=False)
    touched: Mapping[str, str] = field(repr=False)

    def begin(self) -> None:
        """Empty all bronze tables; nothing is built."""
        for dotted in self.touched:
            self.connection.execute(f"delete from {_view(dotted)}")
        self.build_above()
        self.connection.execute(f"create or replace table incremental as from ({self.whole})")

    def build_above(self) -> None:
        for relation, sql in self.above.items():
            self.connection.execute(f"create or replace {relation} as {sql}")

    def rebuild(self) -> list[tuple[Any, ...]]:
        """The daily model, built from nothing."""
        return self.connection.execute(f"from ({self.whole}) order by all").fetchall()

    def append(self, dotted: str, rows: Iterable[Mapping[str, Any]]) -> set[date]:
        """Append rows to a bronze table; gives the days that they touch."""
        name = _view(dotted)
        self.connection.execute(f"create or replace temp table changes as from {name} limit 0")
        appended = [dict(row) for row in rows]
        if appended:
            columns = list(dict.fromkeys(column for row in appended for column in row))
            table = pa.table({column: [row.get(column) for row in appended] for column in columns})
            self.connection.register("appended", table)
            self.connection.execute("insert into changes by name from appended")
            self.connection.unregister("appended")
        self.connection.execute(f"insert into {name} from changes")
        return {
            found for (found,) in self.connection.execute(
                f"select cast(day as date) from ({self.touched[dotted]}) where day is not null"
            ).fetchall()
        }  # fmt: skip

    def replace(self, days: Iterable[date], column: str) -> list[tuple[Any, ...]]:
        """Build some days, each by itself; gives all rows of the incremental table."""
        for day in days:
            self.connection.execute(f"delete from incremental where {column} = ?", [day])
            self.connection.execute(f"insert into incremental from ({self.by_day[day]})")
        return self.connection.execute("from incremental order by all").fetchall()


@contextmanager
def compile_daily(manifest: Manifest, folder: Path, model: str, wanted: Sequence[date]) -> Iterator[Compiled]:
    """Compile a daily model for all days and for each of some days, and make its bronze tables.

    Args:
        manifest: of the project.
        folder: an empty one, for what dbt writes.
        model: name of the daily model.
        wanted: days that it is to be built for.
    """
    bronze = Bronze(Lake(str(folder / "lake")))
    bronze.everything()
    with Environment(folder / "warehouse.duckdb", bronze.lake):
        every = _dbt(manifest, folder, "compile", f"+{model}")
        # only models that run know of days
        _dbt(manifest, folder, "run", f"+{model}")
        by_day = {day: _dbt(manifest, folder, "run", model, *_only(day))[model] for day in wanted}
    nodes = {node.name: node for node in manifest.nodes.values()}
    above = {
        f"{'view' if nodes[name].config.materialized == 'view' else 'table'} {nodes[name].schema}.{name}": sql
        for name, sql in every.items() if name != model
    }  # fmt: skip
    touched = nodes[model].config.meta["dataeng"]["touched"]
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
        create_views(connection, bronze.lake)
        for schema in ("staging", "intermediate", "marts"):
            connection.execute(f"create schema {schema}")
        for dotted in touched:
            name = _view(dotted)
            connection.execute(f"create temp table types as from {name} limit 0; drop view {name}")
            connection.execute(f"create table {name} as from types; drop table types")
        yield Compiled(connection, above, every[model], by_day, touched)


def _dbt(manifest: Manifest, folder: Path, command: str, select: str, *flags: str) -> dict[str, str]:
    """SQL of the selected models, by name."""
    tests = ["--indirect-selection", "empty"] if command == "compile" else []
    result = dbtRunner(manifest=manifest).invoke([command, "--select", select, *tests, *flags, *folders(folder)])
    assert result.success, messages(result)
    return {run.node.name: str(run.node.compiled_code) for run in result.result.results}


def _only(day: date) -> list[str]:
    return days(day.isoformat(), day.isoformat())


def _view(dotted: str) -> str:
    return dotted.replace(".", "_", 1)
