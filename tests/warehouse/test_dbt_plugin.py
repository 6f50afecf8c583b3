"""The lake's views inside dbt: on an object store, on every cursor, and when dbt dies in the middle."""

import subprocess
import sys
from pathlib import Path

import pytest
from dbt_runs import Warehouse, days, folders
from small_shop import Bronze, customer, order

from dataeng_assets.lake.location import Lake

pytestmark = pytest.mark.warehouse

# Runs dbt, and dies as soon as the statement given has been executed: inside the materialization's transaction.
DYING_DBT = """
import os, sys
from dbt.adapters.duckdb.environments import local
from dbt.cli.main import dbtRunner

deadly, *arguments = sys.argv[1:]
execute = local.DuckDBCursorWrapper.execute

def execute_and_die(self, sql, bindings=None):
    before, statement, after = sql.partition(deadly)
    if not statement:
        return execute(self, sql, bindings)
    execute(self, before + statement + after.partition(";")[0], bindings)
    os._exit(9)

local.DuckDBCursorWrapper.execute = execute_and_die
dbtRunner().invoke(arguments)
"""


@pytest.mark.crash
@pytest.mark.parametrize(
    ("model", "statement"),
    [
        ("fct_orders", 'delete from "warehouse"."marts"."fct_orders"'),
        ("fct_orders", 'insert into "warehouse"."marts"."fct_orders"'),
        ("dim_customers", 'delete from "warehouse"."marts"."dim_customers"'),
    ],
)
def test_a_run_that_dies_half_way_leaves_the_table_as_it_was(
    bronze: Bronze, warehouse: Warehouse, tmp_path: Path, model: str, statement: str
) -> None:
    bronze.everything()
    bronze.shop("orders", [order(1, "2026-01-02"), order(2, "2026-01-03")])
    warehouse.run()
    before = warehouse.query(f"from marts.{model} order by all")
    bronze.shop("orders", [order(1, "2026-01-02"), order(3, "2026-01-02")])
    bronze.shop("customers", [customer(1, "2026-01-02", city="Ulm"), customer(2, "2026-01-01")])
    arguments = ["run", "--select", model, *days("2026-01-02", "2026-01-02"), *folders(tmp_path)]
    with warehouse.environment():
        died = subprocess.run(
            [sys.executable, "-c", DYING_DBT, statement, *arguments], capture_output=True, check=False
        )
    assert died.returncode == 9, died.stdout
    assert warehouse.query(f"from marts.{model} order by all") == before
    warehouse.run("2026-01-02", "2026-01-02")
    assert len(warehouse.query(f"from marts.{model}")) == len(before) + (1 if model == "fct_orders" else 2)


def test_a_lake_on_an_object_store_is_read_through_its_datasets(
    bronze: Bronze, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    bronze.everything()
    bronze.shop("orders", [order(1, "2026-01-02")])
    monkeypatch.setattr(Lake, "folder", None)  # what it is for a bucket
    warehouse.run()
    assert warehouse.query("select order_id from marts.fct_orders") == [(1,)]
    bronze.shop("orders", [order(2, "2026-01-02")])
    warehouse.run("2026-01-02", "2026-01-02")
    assert warehouse.query("select order_id from marts.fct_orders order by 1") == [(1,), (2,)]


def test_a_process_that_goes_on_after_dbt_lets_go_of_the_warehouse(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    warehouse.run(select="+stg_shop__customers")
    opened = f"import duckdb; duckdb.connect({str(warehouse.file)!r}).close()"
    assert subprocess.run([sys.executable, "-c", opened], check=False).returncode == 0
