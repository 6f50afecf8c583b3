"""The table that the statements make takes what the rules take, and refuses what they refuse."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import psycopg
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_suites import COLUMNS, OTHER_CHECKS, ROW_CHECKS, suites

from dataeng_assets.contracts.checks.kinds import HasColumns, NotNull, Nulls, OfType, References, RowCheck, Unique
from dataeng_assets.contracts.checks.predicates import violation_sql
from dataeng_assets.contracts.checks.rule import Rule, Suite, SuiteColumn
from dataeng_assets.contracts.checks.words import in_words
from dataeng_assets.contracts.convert.column_types import DIALECTS, kind_of, sql_type
from dataeng_assets.contracts.convert.ddl import ddl_text

KINDS = {"a": "VARCHAR", "b": "BIGINT", "c": "DECIMAL(12,2)", "d": "DATE", "e": "JSON"}
rows = st.tuples(
    st.none() | st.sampled_from(["x", "xz", "it's", "q", "é\\", "long enough"]),
    st.none() | st.integers(-1, 6),
    st.none() | st.sampled_from([0.25, 0.5, 3, 5]),
    st.none() | st.just(date(2021, 1, 1)),
    st.none(),
)


def said(suite: Suite, dialect: str) -> list[Rule]:
    """The rules that are in the statements."""
    told = [left.said for left in ddl_text(suite, dialect).unsaid]
    return [rule for rule in suite.rules if not any(one.startswith(in_words(rule.check)) for one in told)]


def breaks(connection: duckdb.DuckDBPyConnection, suite: Suite, row: tuple[Any, ...], rules: list[Rule]) -> bool:
    sql = [violation_sql(rule, KINDS) for rule in rules if isinstance(rule.check, RowCheck)]
    values = ", ".join(f"cast(? as {KINDS[column.name]}) as {column.name}" for column in suite.columns)
    found = connection.execute(f"select {' or '.join(sql) or 'false'} from (select {values})", list(row)).fetchone()
    return bool(found and found[0])


@given(suite=suites([*ROW_CHECKS], firm=True), row=rows)
@settings(max_examples=60)
def test_duckdb_takes_a_row_exactly_when_no_rule_refuses_it(suite: Suite, row: tuple[Any, ...]):
    with duckdb.connect() as connection:
        connection.execute(ddl_text(suite, "duckdb").text)
        refused = breaks(connection, suite, row, said(suite, "duckdb"))
        try:
            connection.execute('insert into "t" values (?, ?, ?, ?, ?)', list(row))
        except duckdb.ConstraintException:
            assert refused
        else:
            assert not refused


@pytest.fixture(scope="module")
def postgres(postgres_server: Any) -> Iterator[psycopg.Connection[Any]]:
    from dataeng_assets.testing.servers import new_database

    with new_database(postgres_server) as url, psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.mark.server
@given(suite=suites([*ROW_CHECKS], firm=True), row=rows)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_postgres_takes_a_row_exactly_when_no_rule_refuses_it(
    postgres: psycopg.Connection[Any], suite: Suite, row: tuple[Any, ...]
):
    postgres.execute('drop table if exists "t"')
    postgres.execute(ddl_text(suite, "postgres").text.encode())
    with duckdb.connect() as connection:
        refused = breaks(connection, suite, row, said(suite, "postgres"))
    try:
        postgres.execute('insert into "t" values (%s, %s, %s, %s, %s)', row)
    except psycopg.errors.IntegrityError:
        assert refused
    else:
        assert not refused


KEYED = Suite(
    name="orders",
    columns=(SuiteColumn("id", physical="bigint"), SuiteColumn("line", "integer"), SuiteColumn("who", "string")),
    rules=(
        Rule(NotNull("id"), "r1"), Rule(NotNull("line"), "r2"), Rule(Unique(("id", "line")), "r3"),
        Rule(Unique(("who",)), "r4"), Rule(References(("who",), "people", ("name",)), "r5"),
        Rule(HasColumns(("id", "line", "who")), "r6"), Rule(OfType("id", physical="bigint"), "r7"),
    ),
    key=("id", "line"),
)  # fmt: skip


def assert_keys_are_enforced(execute: Any, error: type[Exception]) -> None:
    execute('create table "people" ("name" varchar primary key)')
    execute("insert into people values ('ann'), ('bob')")
    execute("insert into orders values (1, 1, 'ann'), (1, 2, null), (1, 3, null)")
    for row in ("(1, 1, null)", "(null, 4, null)", "(1, 4, 'ann')", "(1, 4, 'eve')"):
        with pytest.raises(error):
            execute(f"insert into orders values {row}")


def test_keys_are_enforced_by_duckdb():
    with duckdb.connect() as connection:
        connection.execute('create table "people" ("name" varchar primary key)')
        connection.execute(ddl_text(KEYED, "duckdb").text)
        connection.execute("drop table orders; drop table people")
        statements = iter([lambda: connection.execute(ddl_text(KEYED, "duckdb").text)])

        def execute(sql: str) -> None:
            connection.execute(sql)
            if sql.startswith("create table"):
                next(statements)()

        assert_keys_are_enforced(execute, duckdb.ConstraintException)
    assert not ddl_text(KEYED, "duckdb").unsaid


@pytest.mark.server
def test_keys_are_enforced_by_postgres(postgres: psycopg.Connection[Any]):
    def execute(sql: str) -> None:
        postgres.execute(sql.encode())
        if sql.startswith("create table"):
            postgres.execute(ddl_text(KEYED, "postgres").text.encode())

    assert_keys_are_enforced(execute, psycopg.errors.IntegrityError)


@pytest.mark.server
def test_postgres_can_say_that_missing_values_are_equal(postgres: psycopg.Connection[Any]):
    suite = Suite("pairs", COLUMNS[:2], (Rule(Unique(("a", "b"), Nulls.EQUAL), "r"),))
    postgres.execute(ddl_text(suite, "postgres").text.encode())
    postgres.execute("insert into pairs values ('x', null)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        postgres.execute("insert into pairs values ('x', null)")
    assert "never equal" in ddl_text(suite, "duckdb").unsaid[0].reason


@given(suite=suites([*ROW_CHECKS, *OTHER_CHECKS]), dialect=st.sampled_from(DIALECTS))
def test_every_dialect_can_be_parsed_and_every_rule_is_said_or_told(suite: Suite, dialect: str):
    written = ddl_text(suite, dialect)
    parsed = [statement for statement in sqlglot.parse(written.text, dialect=dialect) if statement]
    assert isinstance(parsed[0], sqlglot.exp.Create)
    assert {column.this.name for column in parsed[0].find_all(sqlglot.exp.ColumnDef)} == {c.name for c in COLUMNS}
    for rule in suite.rules:
        is_said = rule in said(suite, dialect)
        is_structure = isinstance(rule.check, NotNull | HasColumns | OfType)
        assert is_said or rule.name not in written.text or is_structure


ODD = 'say "hi"; drop table t; --`\\'


@pytest.mark.parametrize("dialect", DIALECTS)
def test_names_and_texts_that_attack_sql_are_names_and_texts(dialect: str):
    suite = Suite(ODD, (SuiteColumn(ODD, "string", description="it's \\ `so`\n--"),), (), description="it's '' \\")
    parsed = [statement for statement in sqlglot.parse(ddl_text(suite, dialect).text, dialect=dialect) if statement]
    assert {type(statement) for statement in parsed} <= {sqlglot.exp.Create, sqlglot.exp.Comment}
    (column,) = parsed[0].find_all(sqlglot.exp.ColumnDef)
    assert column.this.name.replace("\\\\", "\\") == ODD


def test_duckdb_keeps_names_and_comments_as_they_are():
    suite = Suite("t", (SuiteColumn(ODD, "string", description="it's \\ so"),), (), description="it's '' \\")
    with duckdb.connect() as connection:
        connection.execute(ddl_text(suite, "duckdb").text)
        query = "select column_name, comment from duckdb_columns() where table_name = 't'"
        assert connection.execute(query).fetchall() == [(ODD, "it's \\ so")]


@pytest.mark.parametrize(
    ("physical", "types"),
    [
        ("numeric(12,2)", ["numeric(12,2)", "decimal(12,2)", "number(12,2)", "numeric(12,2)", "decimal(12,2)"]),
        (
            "DECIMAL(38, 10)",
            ["numeric(38,10)", "decimal(38,10)", "number(38,10)", "bignumeric(38,10)", "decimal(38,10)"],
        ),
        ("timestamp with time zone", ["timestamptz", "timestamptz", "timestamp_tz", "timestamp", "timestamp"]),
        ("timestamp without time zone", ["timestamp", "timestamp", "timestamp_ntz", "datetime", "timestamp_ntz"]),
        ("timestamp(6) with time zone", ["timestamptz", "timestamptz", "timestamp_tz", "timestamp", "timestamp"]),
        ("character varying(20)", ["varchar(20)", "varchar(20)", "varchar(20)", "string(20)", "varchar(20)"]),
        ("text[]", ["text[]", "varchar[]", "array", "array<string>", "array<string>"]),
        ("ARRAY<INT64>", ["bigint[]", "bigint[]", "array", "array<int64>", "array<bigint>"]),
        ("double precision", ["double precision", "double", "double", "float64", "double"]),
        ("jsonb", ["jsonb", "json", "variant", "json", "string"]),
        ("uuid", ["uuid", "uuid", "varchar(36)", "string(36)", "string"]),
        ("bytea", ["bytea", "blob", "binary", "bytes", "binary"]),
    ],
)
def test_a_type_is_the_same_in_every_dialect(physical: str, types: list[str]):
    kind = kind_of(SuiteColumn("c", physical=physical))
    assert kind
    assert [sql_type(kind, dialect) for dialect in DIALECTS] == types


def test_a_type_that_nobody_knows_is_told():
    written = ddl_text(Suite("t", (SuiteColumn("c", physical="geometry"),)), "postgres")
    assert '"c" text' in written.text
    assert "geometry" in written.unsaid[0].said
