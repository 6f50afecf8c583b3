"""Which version of a customer an order is joined to, and which days must be rebuilt when customers change."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_runs import Environment, Warehouse, folders, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_shop import Bronze, at, customer, order

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.views import create_views

JOINED = """
    select facts.order_id, versions.city
    from marts.fct_orders as facts inner join marts.dim_customers as versions using (customer_key)
    order by 1
"""
pytestmark = pytest.mark.warehouse

DAILY = ["fct_orders", "agg_daily_revenue"]
MADE = ["stg_shop__customers_history", "stg_shop__orders", "dim_customers", *DAILY]
START = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_order_finds_the_version_that_was_valid_when_it_was_placed(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop("customers", [customer(1, "2026-01-10T12:00:00", city="Köln")])
    bronze.shop("customers", [customer(2, "2026-01-01", city="Ulm")])
    bronze.extracted_at = at("2026-01-20")
    gone = bronze.shop("customers", [customer(2, "2026-01-01", city="Ulm")], op="delete")
    bronze.shop(
        "orders",
        [
            order(1, "2025-06-01T00:00:00"),  # before the first version: the oldest that is known
            order(2, "2026-01-10T11:59:59.999999"),
            order(3, "2026-01-10T12:00:00"),  # exactly on the boundary: the newer one
            order(4, "2026-01-12T00:00:00", customer_id=2),
            order(5, gone.replace(tzinfo=None).isoformat(), customer_id=2),  # exactly when it was deleted
            order(6, "2026-01-10T00:00:00", customer_id=404),
        ],
    )
    warehouse.run()
    assert warehouse.query(JOINED) == [
        (1, "Bonn"),
        (2, "Bonn"),
        (3, "Köln"),
        (4, "Ulm"),
        (5, "unknown"),
        (6, "unknown"),
    ]


def test_an_order_whose_customer_arrived_late_is_repaired(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop("orders", [order(1, "2026-01-03", customer_id=7)])
    warehouse.run()
    assert warehouse.query(JOINED) == [(1, "unknown")]
    bronze.shop("customers", [customer(7, "2026-01-09", city="Jena")])
    warehouse.run("2026-01-03", "2026-01-03")
    assert warehouse.query(JOINED) == [(1, "Jena")]


def test_history_brought_up_to_date_equals_a_rebuild(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    warehouse.run(select="+dim_customers")
    bronze.shop("customers", [customer(n, f"2026-01-0{n}", city="Ulm") for n in range(1, 5)])
    warehouse.run(select="+dim_customers")
    bronze.shop("customers", [customer(1, "2025-12-01", tier="gold"), customer(2, "2026-01-08", email="new@x.org")])
    bronze.shop("customers", [customer(3, "2026-01-03")], op="delete")
    warehouse.run(select="+dim_customers")
    bronze.shop("customers", [customer(3, "2026-01-03")], op="return")
    warehouse.run(select="+dim_customers")
    found = warehouse.query("from marts.dim_customers order by all")
    assert len(found) == 8
    assert warehouse.dbt("run", "--select", "+dim_customers", "--full-refresh").success
    assert warehouse.query("from marts.dim_customers order by all") == found
    result = warehouse.dbt("test", "--select", "dim_customers")
    assert result.success, messages(result)


def test_a_customer_erased_from_bronze_leaves_nothing_behind(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    bronze.shop("customers", [customer(2, "2026-01-01"), customer(3, "2026-01-01")])
    warehouse.run(select="+dim_customers")
    bronze.lake.open(("bronze", "shop", "customers")).delete("customer_id = 2")
    warehouse.run(select="+dim_customers")
    assert warehouse.query("select customer_id from marts.dim_customers order by 1 nulls last") == [(1,), (3,), (None,)]


def test_a_warehouse_rebuilt_from_nothing_is_the_same(
    bronze: Bronze, make_warehouse: Callable[[Lake, str], Warehouse]
) -> None:
    bronze.everything()
    old = make_warehouse(bronze.lake, "old")
    old.run()
    for day in range(2, 5):
        bronze.shop("customers", [customer(day, f"2026-01-0{day}"), customer(1, f"2026-01-0{day}", city=f"City {day}")])
        bronze.shop(
            "orders", [order(day, f"2026-01-0{day}T12:00:00"), order(day + 10, f"2026-01-0{day}", customer_id=day)]
        )
        old.run(f"2026-01-0{day}", f"2026-01-0{day}")
    new = make_warehouse(bronze.lake, "new")
    new.run()
    for table in ("dim_customers", "fct_orders", "agg_daily_revenue"):
        assert new.query(f"from marts.{table} order by all") == old.query(f"from marts.{table} order by all")


@dataclass
class Rebuild:
    """The models as a rebuild makes them, over bronze tables in memory, and the days that the ledger would touch."""

    connection: duckdb.DuckDBPyConnection = field(repr=False)
    models: Mapping[str, str] = field(repr=False)
    touched: Mapping[str, str] = field(repr=False)

    def begin(self) -> None:
        for table in ("customers", "orders"):
            self.connection.execute(f"create or replace table bronze_shop.{table} as from types_{table}")
        self.run()

    def run(self) -> None:
        for name in MADE:
            schema = "staging" if name.startswith("stg_") else "marts"
            self.connection.execute(f"create or replace table {schema}.{name} as {self.models[name]}")

    def append(self, table: str, rows: list[dict[str, Any]], number: int) -> None:
        """The rows of one extraction; they are the table's changes, too."""
        self.connection.execute(f"create or replace temp table changes_{table} as from types_{table}")
        for row in rows:
            values = {**row, "_extracted_at": moment(2 * number), "_row_hash": number}
            marks = ", ".join("?" for _ in values)
            self.connection.execute(
                f"insert into changes_{table} ({', '.join(values)}) values ({marks})", list(values.values())
            )
        self.connection.execute(f"insert into bronze_shop.{table} from changes_{table}")

    def days_touched(self) -> set[date]:
        days: set[date] = set()
        for dotted, sql in self.touched.items():
            self.connection.execute(f"create or replace temp view changes as from changes_{dotted.split('.')[-1]}")
            days |= {day for (day,) in self.connection.execute(sql).fetchall()}
        return days

    def remember(self) -> None:
        for name in DAILY:
            self.connection.execute(f"create or replace temp table before_{name} as from marts.{name}")

    def days_changed(self) -> set[date]:
        one = "(from marts.{0} except all from before_{0}) union all (from before_{0} except all from marts.{0})"
        differences = [self.connection.execute("from (" + one.format(name) + ")").fetchall() for name in DAILY]
        return {value for rows in differences for row in rows for value in row if type(value) is date}


@pytest.fixture(scope="session")
def rebuild(parsed: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rebuild]:
    folder = tmp_path_factory.mktemp("rebuild")
    bronze = Bronze(Lake(str(folder / "lake")))
    bronze.everything()
    with Environment(folder / "warehouse.duckdb", bronze.lake):
        result = dbtRunner(manifest=parsed).invoke(["compile", "--select", *MADE, *folders(folder)])
    assert result.success, messages(result)
    models = {run.node.name: str(run.node.compiled_code) for run in result.result.results}
    touched = parsed.nodes["model.dataeng.fct_orders"].config.meta["dataeng"]["touched"]
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
        create_views(connection, bronze.lake)
        connection.execute("create schema staging; create schema marts")
        for table in ("customers", "orders"):
            connection.execute(f"create table types_{table} as from bronze_shop.{table} limit 0")
            connection.execute(f"drop view bronze_shop.{table}")
        yield Rebuild(connection, models, touched)


def moment(day: int) -> datetime:
    return START + timedelta(days=day)


def _customer(key: int, day: int, city: str, op: str) -> dict[str, Any]:
    return {**customer(key, "2026-01-01", city=city), "updated_at": moment(day), "_op": op}


def _order(key: int, day: int, who: int, cents: int, op: str) -> dict[str, Any]:
    amount = Decimal(cents) / 100
    return {**order(key, "2026-01-01", customer_id=who, total_amount=amount), "ordered_at": moment(day), "_op": op}


OPS = st.sampled_from(["upsert", "upsert", "upsert", "delete", "return"])
CUSTOMERS = st.builds(_customer, st.integers(1, 3), st.integers(0, 6), st.sampled_from(["Bonn", "Ulm"]), OPS)
ORDERS = st.builds(_order, st.integers(1, 4), st.integers(0, 6), st.integers(1, 4), st.integers(0, 1), OPS)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    extractions=st.lists(
        st.tuples(
            st.lists(CUSTOMERS, max_size=3, unique_by=lambda row: row["customer_id"]),
            st.lists(ORDERS, max_size=4, unique_by=lambda row: row["order_id"]),
        ),
        min_size=2,
        max_size=4,
    )
)
def test_every_day_that_a_rebuild_would_change_is_among_the_days_touched(
    rebuild: Rebuild, extractions: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]
) -> None:
    rebuild.begin()
    for number, (customers, orders) in enumerate(extractions):
        rebuild.remember()
        rebuild.append("customers", customers, number)
        rebuild.append("orders", orders, number)
        rebuild.run()
        assert rebuild.days_changed() <= rebuild.days_touched()
