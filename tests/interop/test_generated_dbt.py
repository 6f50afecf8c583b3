"""A generated dbt project is built and tested by dbt, on DuckDB, Delta and Postgres, and follows its source exactly."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
import psycopg
import pytest
from deltalake import DeltaTable, write_deltalake

from dataeng_assets.contracts.checks.kinds import OneOf
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.model import Column, Contract, EventTime, implied
from dataeng_assets.contracts.types import event_type, postgres_type
from dataeng_assets.contracts.write import contract_yaml
from dataeng_assets.generate.asked import Asked, request_of
from dataeng_assets.generate.dbt.models import computing
from dataeng_assets.generate.kinds import kind_module
from dataeng_assets.generate.pipeline import Pipeline, Table
from dataeng_assets.generate.request import Destination, Mode, Source
from dataeng_assets.generate.warehouse.types import type_name
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.settings import ROOT
from dataeng_assets.testing.servers import new_database

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

DBT = Path(sys.executable).parent / "dbt"
Ask = Callable[[str], Any]
CLOCK = "timestamp with time zone"
TABLES: dict[str, dict[str, str]] = {
    "customers": {"customer_id": "bigint", "email": "text", "tier": "text", "updated_at": CLOCK},
    "Orders": {
        "orderId": "bigint", "group": "text", "email": "text", "amount": "numeric(12,2)", "ordered_at": CLOCK,
        "updated_at": CLOCK,
    },
    "countries": {"code": "text", "label": "text"},
    # no watermark: read and built whole
    "visits": {"visit_id": "bigint", "started_at": CLOCK},
}  # fmt: skip
ROWS = """
insert into sales.customers values (1, 'a@example.com', 'gold', '2026-01-01 10:00+00');
insert into sales.countries values ('DE', 'Germany');
insert into sales."Orders" values
    (1, 'x', 'a@example.com', 19.99, '2026-01-01 23:30-02', '2026-01-05 10:00+00'),
    (2, 'y', 'a@example.com', 5, '2026-01-02 10:00+00', '2026-01-05 11:00+00');
insert into sales.visits values (1, '2026-01-01 10:00+00'), (2, '2026-01-02 10:00+00');
insert into sales.clicks values ('e1', 'open', '2026-01-01 10:00+00', null, 0, 7);
insert into sales.clicks values ('e1', 'close', '2026-01-01 10:00+00', null, 0, 8);
insert into sales.clicks values ('e2', 'open', '2026-01-02 00:00+00', '{}', 1, 0);
"""
KINDS = Rule(OneOf("kind", ("open", "close")), "kinds")
# what the loaders that are generated for topics add to the columns of the contract
LANDED = ["_rescued text", "_kafka_partition bigint", "_kafka_offset bigint"]
# an order that was committed late, with a watermark before those seen; one that changed; a customer that changed;
# a visit that vanished
CHANGES = """
insert into sales."Orders" values (3, 'z', 'b@example.com', 7, '2026-01-03 10:00+00', '2026-01-04 09:00+00');
update sales."Orders" set amount = 6, updated_at = '2026-01-06 10:00+00' where "orderId" = 2;
delete from sales.visits where visit_id = 1;
insert into sales.visits values (3, '2026-01-01 10:00+00');
update sales.customers set tier = 'silver', updated_at = '2026-01-06 10:00+00';
insert into sales.clicks values ('e2', 'close', '2026-01-02 00:00+00', null, 1, 1);
insert into sales.clicks values ('e3', 'open', '2026-01-02 00:04:59+00', null, 0, 9);
"""


def tables() -> list[Table]:
    made = []
    for name, types in TABLES.items():
        columns = tuple(
            Column(one, postgres_type(kind), kind, False, one == "email", f"The {one}.") for one, kind in types.items()
        )
        made.append(table(name, columns, (columns[0].name,)))
    click = Column("click_id", event_type("string"), "string", False, False, "The event.")
    kind = Column("kind", event_type("string"), "string", False, False, "What was done.")
    time = Column("clicked_at", event_type("timestamp"), "timestamp", False, False, "When.")
    return [
        *made,
        table("clicks", (click, kind, time), ("click_id",), EventTime("clicked_at", *[timedelta(minutes=5)] * 2)),
    ]


def table(name: str, columns: tuple[Column, ...], key: tuple[str, ...], time: EventTime | None = None) -> Table:
    contract = Contract(
        Path(), name, name, "1.0.0", f"The {name}.", "data", "sales", (), columns, key,
        event_time=time, rules=implied(columns, () if time else key) + ((KINDS,) if time else ()),
    )  # fmt: skip
    watermark = "updated_at" if any(one.name == "updated_at" for one in columns) else None
    return Table(
        contract, "sales", Mode.INCREMENTAL if watermark or time else Mode.FULL, watermark, contract_yaml(contract)
    )


def ddl(destination: Destination) -> Iterator[str]:
    yield "create schema sales"
    for one in tables():
        columns = [
            f'"{column.name}" {type_name(column.type, computing(destination))}' for column in one.contract.columns
        ]
        columns += LANDED if one.contract.event_time else []
        yield f'create table sales."{one.name}" ({", ".join(columns)})'


def generated(destination: Destination, source: Source, *tables: Table) -> Mapping[PurePosixPath, str]:
    request = request_of(Asked("dbt", source, destination, "incremental"), "extract_sales")
    return kind_module(request.kind).files(Pipeline(request, "sales", tables, "DATAENG_SALES_URL")).files


def project(folder: Path, destination: Destination) -> None:
    for path, text in generated(destination, Source.POSTGRES, *tables()).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.fixture(params=[Destination.DUCKDB, Destination.DELTA, Destination.POSTGRES])
def destination(request: pytest.FixtureRequest) -> Destination:
    return Destination(request.param)


def of_lake(connection: duckdb.DuckDBPyConnection, lake: Path, statement: str) -> Any:
    """Ask the lake's tables; what changes a table of the source lands it there anew, as a loader would."""
    connection.execute("set TimeZone = 'UTC'")
    if statement.startswith("select"):
        connection.execute("create schema if not exists marts")
        for log in lake.glob("marts/*/_delta_log"):
            name = log.parent.name
            connection.register(f"read_{name}", DeltaTable(log.parent).to_pyarrow_dataset())
            connection.execute(f"create or replace view marts.{name} as from read_{name}")
        return connection.execute(statement).fetchall()
    connection.execute(statement)
    for one in connection.execute("select table_name from duckdb_tables() where schema_name = 'sales'").fetchall():
        rows = connection.sql(f'from sales."{one[0]}"').to_arrow_table()
        write_deltalake(lake / "sales" / one[0], rows, mode="overwrite")
    return []


@contextmanager
def warehouse(
    destination: Destination, folder: Path, server: Postgres | None
) -> Iterator[tuple[Ask, dict[str, str], Path]]:
    """A way to ask it, the variables of the profile, and the dbt that has its adapter."""
    if destination is Destination.DUCKDB:
        path = folder / "warehouse.duckdb"

        def ask(statement: str) -> Any:
            with duckdb.connect(path) as connection:
                return connection.execute(statement).fetchall()

        yield ask, {"WAREHOUSE_PATH": str(path)}, DBT
        return
    if destination is Destination.DELTA:
        with duckdb.connect() as landing:
            yield partial(of_lake, landing, folder / "lake"), {"LAKE_PATH": str(folder / "lake")}, DBT
        return
    assert server
    dbt = ROOT / ".venv-dbt" / "bin" / "dbt"
    assert dbt.exists(), f"{dbt} is missing. `make test-interop` installs it; by hand: `make .venv-dbt/.ready`."
    with new_database(server) as url, psycopg.connect(url, autocommit=True) as connection:
        told = connection.info
        said = {"HOST": told.host, "PORT": str(told.port), "USER": told.user, "PASSWORD": told.password or "none"}

        def answer(statement: str) -> Any:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

        variables = {f"WAREHOUSE_{name}": value for name, value in said.items()}
        yield answer, {**variables, "WAREHOUSE_DATABASE": told.dbname, "WAREHOUSE_SSLMODE": "disable"}, dbt


def run_dbt(dbt: Path, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
    done = subprocess.run(
        [dbt, *command, "--profiles-dir", "."],
        cwd=folder, env={**os.environ, **variables, "TZ": "UTC"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_events_of_a_topic_are_built_by_the_models_that_are_tried_here(destination: Destination) -> None:
    tried = generated(destination, Source.POSTGRES, *tables())
    (clicks,) = (one for one in tables() if one.name == "clicks")
    of_topic = generated(destination, Source.KAFKA, clicks)
    models = {path: text for path, text in of_topic.items() if path.suffix == ".sql" and path.parts[0] == "models"}
    assert len(models) == 3
    assert {path: tried[path] for path in models} == models


def versions(lake: Path) -> dict[str, int]:
    """Of the tables that dbt has written."""
    logs = [log for layer in ("marts", "snapshots") for log in lake.glob(f"{layer}/*/_delta_log")]
    return {log.parent.name: DeltaTable(log.parent).version() for log in logs}


def test_what_was_generated_is_built_and_tested(
    destination: Destination, tmp_path: Path, postgres_server: Postgres
) -> None:
    project(tmp_path, destination)
    with warehouse(destination, tmp_path, postgres_server) as (ask, variables, dbt):

        def build() -> None:
            run_dbt(dbt, ["build"], tmp_path, variables)

        for statement in (*ddl(destination), *ROWS.split(";\n")[:-1]):
            ask(statement)
        build()
        orders = "select order_id, amount, cast(ordered_day as text) from marts.fct_orders order by 1"
        assert [(one, float(two), day) for one, two, day in ask(orders)] == [
            (1, 19.99, "2026-01-02"),
            (2, 5.0, "2026-01-02"),
        ]
        assert ask("select click_id, kind from marts.fct_clicks order by 1") == [("e1", "open"), ("e2", "open")]
        assert ask("select count(*) from marts.dim_countries") == [(1,)]
        assert ask("select visit_id from marts.fct_visits order by 1") == [(1,), (2,)]
        for statement in CHANGES.split(";\n")[:-1]:
            ask(statement)
        build()
        assert [(one, float(two)) for one, two, _ in ask(orders)] == [(1, 19.99), (2, 6.0), (3, 7.0)]
        assert ask("select click_id, kind from marts.fct_clicks order by 1") == [
            ("e1", "open"),
            ("e2", "open"),
            ("e3", "open"),
        ]
        windows = "select kind, events from marts.fct_clicks_windows order by window_start"
        assert ask(windows) == [("open", 1), ("open", 2)]
        assert ask("select visit_id from marts.fct_visits order by 1") == [(2,), (3,)]
        tiers = "select tier, is_current from marts.dim_customers order by valid_from"
        assert ask(tiers) == [("gold", False), ("silver", True)]
        shown = ask("select table_name from information_schema.columns where column_name = 'email'"
                    " and table_schema = 'marts'")  # fmt: skip
        assert shown == []
        if destination is Destination.DELTA:
            made = versions(tmp_path / "lake")
            assert len(made) == 8
            # what lies between the tables is no part of what is kept
            (tmp_path / "workspace.duckdb").unlink()
            build()
            assert versions(tmp_path / "lake") == made
