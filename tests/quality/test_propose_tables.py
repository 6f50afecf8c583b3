"""Contracts proposed from tables of databases and of the lake hold for them."""

from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from dataeng_assets.contracts.checks.rule import Suite
from dataeng_assets.contracts.convert.odcs_read import read_odcs
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.infer import profile_of
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.propose import proposal_text, propose
from dataeng_assets.quality.results import Status
from dataeng_assets.quality.scan.judge import judge


def proposed(where: str, folder: Path) -> Suite:
    """What is proposed, written and read again, after the table was judged by it."""
    with connect() as connection:
        found = profile_of(connection, where)
        path = folder / "contract.yaml"
        path.write_text(proposal_text(found, propose(found)), encoding="utf-8")
        (suite,) = read_odcs(path)
        with open_input(where, connection) as opened:
            results = judge(connection, opened, suite).results
    assert [one for one in results if one.status in (Status.VIOLATED, Status.UNDECIDED)] == []
    return suite


def test_every_type_of_duckdb_can_be_profiled_and_proposed(tmp_path: Path) -> None:
    path = tmp_path / "all.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table everything as from test_all_types()")
    names = {column.name: column.logical for column in proposed(f"duckdb:{path}#everything", tmp_path).columns}
    assert (names["int"], names["hugeint"], names["dec_4_1"], names["bool"]) == (
        "integer",
        "integer",
        "number",
        "boolean",
    )
    assert (names["timestamp_tz"], names["int_array"], names["struct"]) == ("timestamp", "array", "object")


def test_a_delta_table_keeps_its_types(tmp_path: Path) -> None:
    rows = pa.table({"id": pa.array(range(20), pa.int32()), "at": pa.array(range(20), pa.timestamp("us", "UTC"))})
    write_deltalake(str(tmp_path / "orders"), rows)
    suite = proposed(str(tmp_path / "orders"), tmp_path)
    assert [(column.physical, column.nullable) for column in suite.columns] == [
        ("integer", False),
        ("timestamp with time zone", False),
    ]
    assert suite.key == ("id",)
    assert suite.name == "orders"


@pytest.mark.server
def test_a_postgres_table_keeps_its_types(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create type mood as enum ('good', 'bad')")
        connection.execute(
            "create table people (id bigint primary key, code varchar(5) not null, amount numeric(12,2), exact numeric,"
            " feels mood, born date, tags text[], raw bytea, doc jsonb, token uuid, span interval, host inet)"
        )
        connection.execute(
            "insert into people select n, 'a' || n, n, n / 3.0, 'good', '2000-01-01', '{a}', '\\x00', '{\"a\": 1}',"
            " gen_random_uuid(), '1 day', '10.0.0.1' from generate_series(1, 50) n"
        )
    suite = proposed(f"{database}#people", tmp_path)
    types = {column.name: (column.logical, column.physical) for column in suite.columns}
    assert types["code"] == ("string", "character varying(5)")
    assert types["amount"] == ("number", "numeric(12,2)")
    assert types["token"] == ("string", "uuid")
    assert suite.key == ("id",)
    assert suite.personal >= {"born", "host"}
