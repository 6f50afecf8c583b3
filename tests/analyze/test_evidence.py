"""What is known of tables from contracts, the Delta log, Postgres and DuckDB, and what plans say against statements."""

import contextlib

import duckdb
import psycopg
import pyarrow as pa
import pytest

from dataeng_assets.analyze.analysis import analyze
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.evidence.contracts import contract_facts
from dataeng_assets.analyze.evidence.known import known_facts
from dataeng_assets.analyze.evidence.lake import lake_facts
from dataeng_assets.analyze.evidence.live import open_live, with_plans
from dataeng_assets.analyze.evidence.postgres import PostgresEvidence
from dataeng_assets.analyze.facts import ColumnFacts
from dataeng_assets.analyze.finding import Basis
from dataeng_assets.analyze.reading import SourceUnreadable
from dataeng_assets.analyze.rewrites import recommended

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: 1.0.0
status: active
domain: shop
description: {purpose: Orders of the shop.}
team: {name: sales}
schema:
  - name: orders
    physicalType: table
    logicalType: object
    description: One row for each order.
    properties:
      - {name: order_id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true,
         primaryKeyPosition: 1, description: Its number.}
      - {name: status, logicalType: string, physicalType: text, description: How far it is.}
"""


def test_a_contract_tells_types_keys_and_what_may_be_null(tmp_path):
    folder = tmp_path / "dataeng_assets" / "defs" / "sales" / "contracts"
    folder.mkdir(parents=True)
    (folder / "orders.yaml").write_text(CONTRACT)
    orders = contract_facts(tmp_path).of("sales.orders")
    assert orders is not None
    assert orders.keys == (frozenset({"order_id"}),)
    assert orders.columns["order_id"] == ColumnFacts("bigint", nullable=False, is_unique=True)
    assert orders.columns["status"] == ColumnFacts("varchar", nullable=True)


def test_the_delta_log_tells_sizes_partitions_and_ranges(lake):
    rows = pa.table({"day": ["a", "a", "b"], "amount": [1, None, 7]})
    table = lake.create(("bronze", "shop", "orders"), rows.schema, partition_by=["day"])
    from deltalake import write_deltalake

    write_deltalake(table, rows, mode="append")
    orders = lake_facts(lake).of("orders")
    assert orders is not None
    assert (orders.rows, orders.files, orders.partition_columns, orders.source) == (3, 2, ("day",), "Delta log")
    assert orders.bytes > 0
    amount, day = orders.columns["amount"], orders.columns["day"]
    assert (amount.type, amount.minimum, amount.maximum, round(amount.null_share, 2)) == ("bigint", "1", "7", 0.33)
    assert (day.minimum, day.maximum) == ("a", "b")
    assert not lake_facts(lake, wanted={"customers"}).tables


def test_on_postgres_contracts_speak_and_elsewhere_the_lake(lake, monkeypatch):
    rows = pa.table({"order_id": [1, 2]})
    from deltalake import write_deltalake

    write_deltalake(lake.create(("bronze", "shop", "orders"), rows.schema), rows, mode="append")
    monkeypatch.setattr("dataeng_assets.lake.location.Lake.current", lambda: lake)
    facts, reason = known_facts(["select order_id from orders"], Engine.SPARK)
    assert reason == ""
    assert facts.of("orders").rows == 2
    assert not known_facts(["select 1 from customers"], Engine.SPARK)[0].tables


@pytest.fixture
def shop(database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "create table orders (order_id bigint primary key, status text, customer_id int, ordered_at timestamp)"
        )
        connection.execute(
            "insert into orders select i, case when i % 100 = 0 then 'open' else 'done' end, i % 5000,"
            " timestamp '2024-01-01' + i * interval '1 minute' from generate_series(1, 60000) i"
        )
        connection.execute("create index on orders (ordered_at)")
        connection.execute("select pg_stat_force_next_flush()")  # else it counts as changed after the analyze
        connection.execute("select 1")
        connection.execute("analyze orders")
    return database


@pytest.mark.server
def test_postgres_tells_rows_indexes_keys_and_columns(shop):
    with PostgresEvidence(shop) as live:
        orders = live.facts().of("orders")
        assert live.stale() == {}
    assert orders is not None
    assert (orders.rows, orders.keys) == (60000, (frozenset({"order_id"}),))
    assert orders.indexes == (("order_id",), ("ordered_at",))
    assert orders.columns["order_id"].nullable is False
    assert orders.columns["status"].distinct == 2
    assert orders.columns["status"].most_common_share > 0.9


def _with_plans(sql, url, engine, *, run=False, recommend=None):
    with open_live(url, Engine(engine)) as live:
        facts = live.facts()
        analysis = analyze(sql, Engine(engine), facts=facts, recommend=recommend)
        return with_plans(analysis, live, facts, Engine(engine), run=run)


@pytest.mark.server
def test_a_scan_of_postgres_that_discards_rows_is_found_with_an_index_for_it(shop):
    sql = "select order_id from orders where customer_id = 7 and status = 'open'"
    (planned,) = [one for one in _with_plans(sql, shop, "postgres").findings if one.rule == "scan-discards-rows"]
    assert "60,000 rows of orders are read" in planned.message
    assert "create index on orders (customer_id, status)." in " ".join(planned.evidence)
    (run,) = [one for one in _with_plans(sql, shop, "postgres", run=True).findings if one.rule == "scan-discards-rows"]
    assert "Counted while it ran." in run.evidence
    fine = _with_plans("select status from orders where order_id = 7", shop, "postgres", run=True)
    assert fine.findings == ()


@pytest.mark.server
def test_work_on_disk_and_wrong_estimates_are_found_when_statements_are_run(shop):
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute(f"alter database {connection.info.dbname} set work_mem = '64kB'")
    found = _with_plans("select order_id, status from orders order by status, customer_id", shop, "postgres", run=True)
    assert "spill-to-disk" in {one.rule for one in found.findings}
    correlated = "select order_id from orders where order_id % 7 = least(order_id % 7, 10)"
    found = _with_plans(correlated, shop, "postgres", run=True)
    assert "row-misestimate" in {one.rule for one in found.findings}


@pytest.mark.server
def test_old_statistics_are_found(shop):
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("create table fresh as select i as id from generate_series(1, 5000) i")
        connection.execute("select pg_stat_force_next_flush()")
        connection.execute("select count(*) from fresh")
    found = [
        one for one in _with_plans("select id from fresh", shop, "postgres").findings if one.rule == "stale-statistics"
    ]
    assert "5,000 rows, and never analyzed" in found[0].message


@pytest.mark.server
def test_a_rewrite_is_measured_beside_the_statement(shop):
    sql = "select order_id from orders where ordered_at::date = '2024-01-05'"
    found = _with_plans(sql, shop, "postgres", run=True, recommend=recommended)
    (finding,) = [one for one in found.findings if one.rewrite is not None]
    assert finding.effect.basis is Basis.MEASURED
    assert "ms before" in finding.effect.text


@pytest.mark.server
@pytest.mark.parametrize(
    "sql",
    [
        "delete from orders",
        "with gone as (delete from orders returning 1) select * from gone",
        "select order_id from orders; drop table orders",
        "select order_id into copy from orders",
        "select order_id from orders for update",
    ],
)
def test_nothing_is_ever_written(shop, sql):
    _with_plans(sql, shop, "postgres", run=True)
    with PostgresEvidence(shop) as live, contextlib.suppress(psycopg.Error):
        live.plan(sql, run=True)
    with psycopg.connect(shop) as connection:
        assert connection.execute("select count(*) from orders").fetchone() == (60000,)
        assert connection.execute("select to_regclass('copy')").fetchone() == (None,)


def test_a_duckdb_file_tells_facts_and_plans_and_is_not_written(tmp_path):
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("create table orders (order_id bigint primary key, k int not null, v varchar)")
        connection.execute("insert into orders select i, i % 1000, 'v' || i from range(50000) t(i)")
    found = _with_plans("select order_id from orders where v like '%777'", str(path), "duckdb", run=True)
    assert "scan-discards-rows" in {one.rule for one in found.findings}
    with open_live(f"duckdb://{path}", Engine.DUCKDB) as live:
        orders = live.facts().of("orders")
        with pytest.raises(duckdb.Error):
            live.plan("select 1; drop table orders")
    assert orders is not None
    assert (orders.rows, orders.keys) == (50000, (frozenset({"order_id"}),))
    assert orders.columns["k"].nullable is False


def test_what_cannot_be_connected_to_is_said(tmp_path):
    with pytest.raises(SourceUnreadable, match="Connect to a Postgres"):
        open_live(str(tmp_path / "missing.duckdb"), Engine.DUCKDB)
    (tmp_path / "text.duckdb").write_text("no database")
    with pytest.raises(SourceUnreadable, match="cannot be opened"):
        open_live(str(tmp_path / "text.duckdb"), Engine.DUCKDB)
    with pytest.raises(SourceUnreadable, match="127"):
        open_live("postgresql://nobody@127.0.0.1:1/none", Engine.POSTGRES)
