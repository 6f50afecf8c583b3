"""Which days of the shop's facts must be rebuilt when rows were appended to bronze: a day too few is an error."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_runs import Environment, folders, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from small_shop import Bronze, category, customer, order, order_item, payment, product, shipment

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.views import create_views
from dataeng_assets.orchestration.ledger.targets import Targets, read_targets

pytestmark = pytest.mark.warehouse

START = datetime(2026, 1, 1, tzinfo=UTC)
DAILY = ["fct_orders", "fct_order_items", "fct_payments", "fct_shipments", "agg_daily_revenue"]
Row = dict[str, Any]


def moment(day: int) -> datetime:
    return START + timedelta(days=day)


def rows(key: tuple[str, ...], made: SearchStrategy[Row]) -> SearchStrategy[list[Row]]:
    """Few rows of one extraction, each key once, of a delete the key alone."""

    def with_op(row: Row, op: str) -> Row:
        kept = {name: row[name] for name in key} if op == "delete" else row
        return {**kept, "_op": op}

    ops = st.sampled_from(["upsert", "upsert", "upsert", "delete", "return"])
    return st.lists(st.builds(with_op, made, ops), max_size=3, unique_by=lambda row: tuple(row[name] for name in key))


def _customer(key: int, day: int, city: str) -> Row:
    return {**customer(key, "2026-01-01", city=city), "updated_at": moment(day)}


def _product(key: int, day: int, category_id: int, cents: int) -> Row:
    changes = {"category_id": category_id, "price": Decimal(cents) / 100}
    return {**product(key, **changes), "updated_at": moment(day)}


def _category(key: int, name: str) -> Row:
    return category(key, name=name)


def _order(key: int, day: int, who: int, cents: int) -> Row:
    return {**order(key, "2026-01-01", customer_id=who, discount_amount=Decimal(cents)), "ordered_at": moment(day)}


def _item(key: int, line: int, what: int, amount: int) -> Row:
    return order_item(key, line, str(amount), product_id=what)


def _payment(key: int, day: int, order_id: int, status: str) -> Row:
    return {**payment(key, order_id, "2026-01-01", "5.00", status=status), "created_at": moment(day)}


def _shipment(key: int, day: int, order_id: int, carrier: str) -> Row:
    return {**shipment(key, order_id, "2026-01-01", "2026-01-04", carrier=carrier), "shipped_at": moment(day)}


few, days, orders = st.integers(1, 2), st.integers(0, 6), st.integers(1, 3)
TABLES: dict[str, SearchStrategy[list[Row]]] = {
    "customers": rows(("customer_id",), st.builds(_customer, few, days, st.sampled_from(["Bonn", "Ulm"]))),
    "product_categories": rows(("category_id",), st.builds(_category, few, st.sampled_from(["Tools", "Toys"]))),
    "products": rows(("product_id",), st.builds(_product, few, days, few, few)),
    "orders": rows(("order_id",), st.builds(_order, orders, days, few, few)),
    "order_items": rows(("order_id", "line_number"), st.builds(_item, orders, few, few, few)),
    "payments": rows(
        ("payment_id", "created_at"),
        st.builds(_payment, few, days, orders, st.sampled_from(["captured", "failed"])),
    ),
    "shipments": rows(("shipment_id",), st.builds(_shipment, few, days, orders, st.sampled_from(["north", "south"]))),
}


@dataclass
class Rebuild:
    """The models as a rebuild makes them, over bronze tables in memory, and the days that the ledger would touch."""

    connection: duckdb.DuckDBPyConnection = field(repr=False)
    marts: Mapping[str, str] = field(repr=False)
    targets: Targets = field(repr=False)

    def begin(self) -> None:
        for table in TABLES:
            self.connection.execute(f"create or replace table bronze_shop.{table} as from types_{table}")
        self.run()

    def run(self) -> None:
        for name, sql in self.marts.items():
            self.connection.execute(f"create or replace table marts.{name} as {sql}")

    def append(self, table: str, appended: list[Row], number: int) -> None:
        """The rows of one extraction; they are the table's changes, too."""
        self.connection.execute(f"create or replace temp table changes_{table} as from types_{table}")
        for row in appended:
            values = {**row, "_extracted_at": moment(2 * number), "_row_hash": number}
            marks = ", ".join("?" for _ in values)
            self.connection.execute(
                f"insert into changes_{table} ({', '.join(values)}) values ({marks})", list(values.values())
            )
        self.connection.execute(f"insert into bronze_shop.{table} from changes_{table}")

    def days_touched(self, model: str) -> set[date]:
        found: set[date] = set()
        for dotted, sql in self.targets.by_name[f"marts.{model}"].touched.items():
            self.connection.execute(f"create or replace temp view changes as from changes_{dotted.split('.')[-1]}")
            found |= {day for (day,) in self.connection.execute(str(sql)).fetchall()}
        return found

    def remember(self) -> None:
        for name in DAILY:
            self.connection.execute(f"create or replace temp table before_{name} as from marts.{name}")

    def days_changed(self, model: str) -> set[date]:
        day = "order_day" if model.startswith(("fct_order", "agg")) else f"{model[4:-1]}_day"
        one = "(from marts.{0} except all from before_{0}) union all (from before_{0} except all from marts.{0})"
        return {found for (found,) in self.connection.execute(f"select {day} from ({one.format(model)})").fetchall()}


@pytest.fixture(scope="session")
def rebuild(parsed: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rebuild]:
    folder = tmp_path_factory.mktemp("rebuild")
    bronze = Bronze(Lake(str(folder / "lake")))
    bronze.everything()
    with Environment(folder / "warehouse.duckdb", bronze.lake):
        select = ["compile", "--select", *(f"+{name}" for name in DAILY), *folders(folder)]
        result = dbtRunner(manifest=parsed).invoke(select)
    assert result.success, messages(result)
    models = [run.node for run in result.result.results if run.node.resource_type == "model"]
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
        create_views(connection, bronze.lake)
        for table in TABLES:
            connection.execute(f"create table types_{table} as from bronze_shop.{table} limit 0")
            connection.execute(f"drop view bronze_shop.{table}")
            connection.execute(f"create table bronze_shop.{table} as from types_{table}")
        for schema in ("staging", "intermediate", "marts"):
            connection.execute(f"create schema {schema}")
        for node in models:
            if node.config.materialized == "view":
                connection.execute(f"create view {node.schema}.{node.name} as {node.compiled_code}")
        marts = {node.name: str(node.compiled_code) for node in models if node.config.materialized != "view"}
        yield Rebuild(connection, marts, read_targets(parsed.writable_manifest().to_dict()))


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(extractions=st.lists(st.fixed_dictionaries(TABLES), min_size=2, max_size=4))
def test_every_day_that_a_rebuild_would_change_is_among_the_days_touched(
    rebuild: Rebuild, extractions: list[dict[str, list[Row]]]
) -> None:
    rebuild.begin()
    for number, extraction in enumerate(extractions):
        rebuild.remember()
        for table, appended in extraction.items():
            rebuild.append(table, appended, number)
        rebuild.run()
        for model in DAILY:
            assert rebuild.days_changed(model) <= rebuild.days_touched(model), model
