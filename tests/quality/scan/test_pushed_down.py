"""A table of Postgres judged where it lies, against the same table copied and judged here."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from dataeng_assets.contracts.checks.consistent import named_columns
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Compare,
    DifferInRow,
    Format,
    HasColumns,
    Holds,
    IsNull,
    Length,
    Matches,
    Measure,
    Metric,
    MultipleOf,
    NotNull,
    Nulls,
    OfType,
    OneOf,
    Operator,
    Ordered,
    Query,
    Unique,
)
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Rule, Suite, SuiteColumn, Unit
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.inputs.opened import InputUnreadable
from dataeng_assets.quality.results import TableResult
from dataeng_assets.quality.scan.judge import judge, no_other_table
from dataeng_assets.quality.scan.pushed import judge_postgres
from dataeng_assets.quality.validate import validate
from dataeng_assets.quality.written.table import table as written_table

pytestmark = pytest.mark.server

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
# name, type, values that are read, values that no copy carries
COLUMNS: Sequence[tuple[str, str, Sequence[str], Sequence[str]]] = (
    ("small", "smallint", ("0", "1", "-32768", "32767"), ()),
    ("n", "integer", ("0", "1", "2", "-2147483648"), ()),
    ("big", "bigint", ("0", "1", "9223372036854775807", "-9223372036854775808"), ()),
    ("price", "numeric(12,2)", ("0", "0.10", "-0.01", "9999999999.99", "1"), ("NaN",)),
    ("wide", "numeric(38,10)", ("0", "0.1", "-9999999999999999999999999999.9999999999"), ("NaN",)),
    ("share", "numeric(4,4)", ("0", "0.5", "-0.25"), ("NaN",)),
    ("exact", "numeric", ("1", "1.0", "1e400", "NaN", "Infinity"), ()),
    ("ratio", "double precision", ("0", "-0", "0.1", "NaN", "Infinity", "1e308"), ()),
    ("half", "real", ("0.1", "NaN", "-Infinity"), ()),
    ("ok", "boolean", ("t", "f"), ()),
    ("day", "date", ("2026-02-28", "1969-12-31", "0001-01-01", "9999-12-31"), ("infinity", "0044-03-15 BC")),
    (
        "at",
        "timestamp with time zone",
        ("2026-02-28 01:02:03.7+01", "1969-12-31 23:59:59.999999+00", "9999-12-31 23:59:59.999999+00"),
        ("-infinity", "10000-01-01"),
    ),
    ("till", "timestamp", ("2026-02-28 01:02:03", "0001-01-01 00:00:00.000001"), ("infinity",)),
    ("name", "text", ("", "a", "A", "\u00e9", "e\u0301", "\U0001f926\U0001f3fc", " a", "a\nb", "\\'", "x" * 200), ()),
    ("label", 'text collate "blind"', ("a", "A", "\u00e9", "e\u0301"), ()),
    ("code", "varchar(5)", ("", "a ", "a"), ()),
    ("land", "character(3)", ("a", "ab", "a c", "\u00e9"), ()),
    ("blank", "bpchar", ("a ", "a"), ()),
    ("mail", "citext", ("Me", "me"), ()),
    ("status", "status", ("open", "paid"), ()),
    ("uid", "uuid", ("12345678-1234-1234-1234-123456789abc", "ffffffff-ffff-ffff-ffff-ffffffffffff"), ()),
    ("doc", "jsonb", ('{"a": 1.10}', "null"), ()),
    ("raw", "bytea", ("\\x00ff",), ()),
    ("tags", "text[]", ("{}", '{a,"",NULL}'), ("{{a},{b}}",)),
    ("span", "interval", ("1 day", "24:00:00"), ()),
    ("few", "few", ("1", "3"), ()),
    ('od"d', "integer", ("1", "2"), ()),
)
KINDS = {name: kind for name, kind, _, _ in COLUMNS}
NAMES = tuple(KINDS)
NUMBERS = (
    0,
    1,
    -1,
    0.1,
    1.5,
    1e20,
    10**18,
    10**30,
    Decimal("0.10"),
    Decimal("1E+2"),
    Decimal("0." + "1" * 30),
    math.nan,
)
DAYS = (date(1969, 12, 31), date(2026, 3, 1))
MOMENTS = (datetime.fromisoformat("2026-02-28"), datetime(2026, 2, 28, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC))
TEXTS = ("", "a", "A", "\u00e9", "a ", "a  ", "Me", "open", "\\'", "'; drop table", "1", "2026-02-28", "\0")
LITERALS = (*NUMBERS, *DAYS, *MOMENTS, *TEXTS, True)


def made(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        # a server where a backslash in a literal would mean more than itself
        connection.execute(f"alter database {connection.info.dbname} set standard_conforming_strings = off")
        connection.execute("create extension citext")
        connection.execute("create type status as enum ('paid', 'open')")
        connection.execute("create domain few as integer check (value < 10)")
        connection.execute("create collation blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in KINDS.items()
        )
        connection.execute(sql.SQL("create table rows ({})").format(columns))
        connection.execute("create view seen as select * from rows")
        connection.execute("create table parts (like rows) partition by list (n)")
        connection.execute("create table parts_1 partition of parts for values in (1)")
        connection.execute("create table parts_0 partition of parts default")


def filled(database: str, rows: Sequence[Sequence[str | None]]) -> None:
    """The same rows in a table and in one of partitions."""
    types = [sql.SQL(kind.split(" collate")[0]) for kind in KINDS.values()]
    cast = [sql.SQL("({})").format(_listed(map(_cast, row, types))) for row in rows]
    with psycopg.connect(database) as connection:
        connection.execute("truncate rows, parts")
        if cast:
            connection.execute(sql.SQL("insert into rows values {}").format(_listed(cast)))
        connection.execute("insert into parts select * from rows")


def _cast(value: str | None, kind: sql.SQL) -> sql.Composed:
    return sql.SQL("{}::{}").format(sql.Literal(value), kind)


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str | None]], set[str]]:
    """Rows with missing values and duplicates, and the columns with a value that no copy carries."""
    chance = draw(st.randoms(use_true_random=False))
    count = draw(st.sampled_from([0, 1, 3, 12, 12]))
    found = [
        [None if chance.random() < 0.2 else chance.choice(values) for _, _, values, _ in COLUMNS] for _ in range(count)
    ]
    spoilt: set[str] = set()
    if found and draw(st.integers(0, 5)) == 0:
        at = draw(st.sampled_from([place for place, column in enumerate(COLUMNS) if column[3]]))
        found[chance.randrange(count)][at] = chance.choice(COLUMNS[at][3])
        spoilt = {NAMES[at]}
    return found, spoilt


name = st.sampled_from(NAMES)
literal = st.sampled_from(LITERALS)
pairs = st.lists(name, min_size=2, max_size=3, unique=True).map(tuple)
metrics = st.sampled_from(
    [
        Metric.NULL_SHARE,
        Metric.DISTINCT_COUNT,
        Metric.DISTINCT_SHARE,
        Metric.MINIMUM,
        Metric.MAXIMUM,
        Metric.SUM,
        Metric.MEAN,
        Metric.HOURS_OLD,
    ]
)


@st.composite
def of_like(draw: st.DrawFn) -> Check:
    """A check of a column with values that suit it, which is likely to be pushed down."""
    column = draw(name)
    _, kind, good, _ = next(one for one in COLUMNS if one[0] == column)
    values: Sequence[Any] = TEXTS
    if "int" in kind or "numeric" in kind or kind == "few":
        values = NUMBERS
    elif kind == "date":
        values = DAYS
    elif kind.startswith("timestamp"):
        values = [moment for moment in MOMENTS if (moment.tzinfo is not None) == ("with" in kind)]
    elif kind == "boolean":
        values = (True, False)
    else:
        values = (*TEXTS, *good)
    one = st.sampled_from(values)
    return draw(
        st.one_of(
            st.builds(OneOf, st.just(column), st.lists(one, max_size=3).map(tuple), st.booleans()),
            st.builds(Between, st.just(column), one, st.none() | one, st.booleans(), st.booleans()),
            st.builds(NotNull, st.just(column), st.lists(st.sampled_from(TEXTS), max_size=2).map(tuple)),
        )
    )


alike = st.sampled_from(
    [
        ("small", "n"),
        ("n", "big"),
        ("n", "price"),
        ("big", "wide"),
        ("price", "wide"),
        ("name", "code"),
        ("land", "code"),
        ("mail", "status"),
        ("name", "label"),
        ("few", "n"),
        ("day", "at"),
        ("ratio", "n"),
        ("at", "till"),
        ("ok", "ok"),
    ]
)
checks: st.SearchStrategy[Check] = st.one_of(
    of_like(),
    of_like(),
    st.builds(NotNull, name),
    st.builds(IsNull, name),
    st.builds(Between, name, st.none() | literal, st.none() | literal),
    st.builds(OneOf, name, st.lists(literal, max_size=2).map(tuple)),
    st.builds(Length, name, st.integers(0, 3), st.none() | st.integers(0, 3)),
    alike.flatmap(lambda two: st.builds(Compare, st.just(two[0]), st.sampled_from(Operator), st.just(two[1]))),
    alike.map(DifferInRow),
    st.builds(Unique, st.one_of(name.map(lambda one: (one,)), pairs), st.sampled_from(Nulls)),
    st.builds(Measure, metrics, name),
    st.sampled_from(
        [
            Measure(Metric.ROW_COUNT),
            Measure(Metric.COLUMN_COUNT),
            Matches("name", ("^a",)),
            Format("uid", "uuid"),
            MultipleOf("n", 2),
            Holds("n > 0 or name = 'a'"),
            Query("select count(*) from {table}"),
            Ordered("n"),
            NotNull("nowhere"),
            OfType("n", "integer", "integer"),
            OfType("exact", "number"),
            OfType("status", "string"),
            HasColumns(NAMES, exactly=True),
        ]
    ),
)
bounds = st.sampled_from(
    [NONE, NONE, Bounds(upper=50, unit=Unit.PERCENT), Bounds(1, 1), Bounds(lower=1, excluded=True)]
)


@st.composite
def suites(draw: st.DrawFn) -> Suite:
    scopes = st.sampled_from(["", "", "", "", "", "n > 0", "N is null"])
    found = draw(st.lists(st.tuples(checks, bounds, scopes), min_size=1, max_size=12))
    rules = tuple(Rule(check, f"rule_{at}", allowed, where=where) for at, (check, allowed, where) in enumerate(found))
    key = draw(st.sampled_from([(), (), ("n",), ("name",), ("uid", "day"), ("land",), ("ratio",), ("price", "status")]))
    personal = draw(st.sets(st.sampled_from(["name", "mail", "n", "price"]), max_size=2))
    return Suite("rows", tuple(SuiteColumn(name, personal=True) for name in sorted(personal)), rules, key)


def pushed(database: str, suite: Suite, table: str = "rows") -> TableResult | None:
    with connect() as connection:
        try:
            return judge_postgres(connection, f"{database}#{table}", suite, other=no_other_table, now=NOW)
        except InputUnreadable:
            return None


def copied(database: str, suite: Suite, table: str = "rows") -> TableResult | None:
    with connect() as connection:
        try:
            with open_input(f"{database}#{table}", connection) as opened:
                return judge(connection, opened, suite, other=no_other_table, now=NOW)
        except (InputUnreadable, duckdb.Error):
            return None


def told(result: TableResult) -> tuple[Any, ...]:
    """All that a result says but for times; with the types of its numbers, as documents differ in them."""
    return (
        replace(result, seconds=0, read="", data_version=""),
        [(one.rule.name, repr(one.value), repr(dict(one.numbers)), one.samples) for one in result.results],
    )


@pytest.fixture(scope="module")
def hostile(postgres_server: Any) -> Iterator[str]:
    from dataeng_assets.testing.servers import new_database

    with new_database(postgres_server) as url:
        made(url)
        yield url


def spoken_of(suite: Suite) -> set[str]:
    """The columns that rules name which look at rows, and the key."""
    names = {name for rule in suite.rules for name in named(rule.check)}
    return names | (set(suite.key) if names else set())


def named(check: Check) -> tuple[str, ...]:
    about_columns = isinstance(check, OfType) or check == Measure(Metric.COLUMN_COUNT)
    return () if about_columns or "nowhere" in named_columns(check) else named_columns(check)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables(), suite=suites(), kind=st.sampled_from(["rows", "rows", "seen", "parts"]))
def test_what_is_pushed_down_says_what_a_copy_of_the_table_would_say(hostile, table, suite, kind):
    rows, spoilt = table
    filled(hostile, rows)
    whole, here = copied(hostile, suite, kind), pushed(hostile, suite, kind)
    if whole is not None:
        assert here is not None
        assert told(here) == told(whole)
    if spoilt & spoken_of(suite):
        assert here is None


def suite_of(*checks: Check, **more: Any) -> Suite:
    rules = tuple(Rule(check, f"rule_{at}") for at, check in enumerate(checks))
    return Suite("rows", rules=rules, **more)


def rows_of(*values: dict[str, str]) -> list[list[str | None]]:
    return [[row.get(name) for name in NAMES] for row in values]


EDGES: Sequence[Check] = (
    OfType("status", "string"),
    Measure(Metric.MINIMUM, "status"),
    Ordered("n"),
    IsNull("share"),
    Between("share", 0),
    OneOf("name", ()),
    IsNull("name"),
    OneOf("name", ("x",), negated=True),
    Between("price", 1e20, None),
    OneOf("big", (0.1, 10**18)),
    OneOf("land", ("a", "a  ")),
    Length("land", 2, 2),
    Length("name", 1, 1),
    Between("name", "B", "\u00e9"),
    NotNull("mail", ("me",)),
    Unique(("label",)),
    Unique(("mail", "land"), Nulls.EQUAL),
    Unique(("price", "day"), Nulls.REFUSED),
    Measure(Metric.SUM, "big"),
    Measure(Metric.SUM, "small"),
    Measure(Metric.MAXIMUM, "price"),
    Measure(Metric.HOURS_OLD, "at"),
    Measure(Metric.HOURS_OLD, "day"),
    Measure(Metric.NULL_SHARE, "exact"),
    OfType("exact", "number"),
    DifferInRow(("name", "code", "land")),
)


@pytest.mark.parametrize("key", [(), ("n",), ("land", "name"), ("ratio",)])
def test_at_the_edges_both_say_the_same(hostile, key):
    every = [(name, values) for name, _, values, _ in COLUMNS]
    filled(hostile, rows_of(*({name: v[at % len(v)] for name, v in every if at % 7} | {"n": "1"} for at in range(12))))
    for kind in ("rows", "seen"):
        found, whole = (
            pushed(hostile, suite_of(*EDGES, key=key), kind),
            copied(hostile, suite_of(*EDGES, key=key), kind),
        )
        assert found is not None
        assert whole is not None
        assert told(found) == told(whole)


@pytest.mark.parametrize("check", [Between("wide", Decimal("0." + "1" * 30)), Between("big", Decimal("0." + "1" * 37))])
def test_a_number_that_no_decimal_holds_beside_the_column_is_left_to_the_copy(hostile, check):
    filled(hostile, rows_of({"n": "1", "wide": "9999999999999999999999999999.9999999999", "big": "1"}))
    found, whole = pushed(hostile, suite_of(check)), copied(hostile, suite_of(check))
    assert (found and told(found)) == (whole and told(whole))
    assert found is None or found.read.startswith("0 of 1 rules")


def test_when_every_rule_is_pushed_down_nothing_is_copied(hostile):
    filled(hostile, rows_of({"n": "1", "name": "a"}, {"n": "1", "name": ""}))
    found = pushed(
        hostile,
        suite_of(
            NotNull("doc"),
            Unique(("n",)),
            Between("price", 0),
            OneOf("name", ("a",)),
            Compare("n", Operator.LESS, "big"),
        ),
    )
    assert found is not None
    assert found.read == "5 of 5 rules were answered by Postgres, nothing was copied"
    assert [one.failing for one in found.results] == [2, 2, 0, 1, 0]
    assert [sample.identity for sample in found.results[3].samples] == [{"_row": "(0,2)"}]


@pytest.mark.parametrize(
    ("check", "where", "columns"),
    [
        (Matches("name", ("^a",)), "", 1),
        (NotNull("price"), "n > 0 and OK", 3),
        (Unique(("ratio", "n")), "", 2),
        (Ordered("n"), "", 1),
        (Between("day", "2026-01-01"), "", 1),
        (Between("exact", 0), "", 1),
        (Query("select 1 from {table}"), "", len(NAMES)),
        (Holds("n > 0"), "", len(NAMES)),
    ],
)
def test_only_the_columns_that_are_needed_are_copied(hostile, check, where, columns):
    filled(hostile, rows_of({"n": "1", "name": "a", "ok": "t", "day": "2026-02-28"}))
    suite = Suite("rows", rules=(Rule(NotNull("n"), "there"), Rule(check, "here", where=where)))
    found = pushed(hostile, suite)
    assert found is not None
    assert found.read.startswith(f"1 of 2 rules were answered by Postgres, {columns} of {len(NAMES)} columns were")
    assert told(found) == told(copied(hostile, suite))


def test_a_backslash_or_a_quote_in_a_contract_ends_no_literal(hostile):
    texts = ("\\", "\\'", "\\') or true) --", "'", "a")
    filled(hostile, rows_of(*({"n": "1", "name": text} for text in (*texts, "b"))))
    suite = suite_of(OneOf("name", texts), Compare("name", Operator.AT_LEAST, "code"), key=("name",))
    found = pushed(hostile, suite)
    assert found is not None
    assert (found.results[0].failing, found.results[0].samples[0].identity) == (1, {"name": "b"})


def test_what_no_copy_carries_is_refused_where_a_rule_speaks_of_it_and_nowhere_else(hostile):
    filled(hostile, rows_of({"n": "1", "at": "infinity", "price": "NaN", "day": "0044-03-15 BC"}))
    for check in (NotNull("at"), Between("price", 0), Measure(Metric.HOURS_OLD, "at"), Unique(("day",))):
        with connect() as connection, pytest.raises(InputUnreadable) as refused:
            judge_postgres(connection, f"{hostile}#rows", suite_of(check), other=no_other_table, now=NOW)
        assert "infinit" in str(refused.value)
        assert "BC" not in str(refused.value)
    assert pushed(hostile, suite_of(NotNull("n"), Matches("name", ("a",)))) is not None


def test_of_personal_columns_nothing_is_shown(hostile):
    filled(hostile, rows_of(*({"n": str(at), "name": "Ann"} for at in range(5))))
    hidden = (SuiteColumn("name", personal=True),)
    found = pushed(hostile, suite_of(OneOf("name", ("Bob",)), Unique(("name",)), IsNull("name"), columns=hidden))
    assert found is not None
    assert found.read.endswith("nothing was copied")
    assert "Ann" not in repr(found)


def test_a_command_on_a_table_of_postgres_asks_the_server(hostile):
    filled(hostile, rows_of({"n": "1"}, {"n": "2"}))
    with connect() as connection:
        found = validate(connection, f"{hostile}#rows", suite_of(NotNull("n"), Unique(("n",))))
    assert found.read == "2 of 2 rules were answered by Postgres, nothing was copied"
    assert found.data_version.startswith("20")
    assert "nothing was copied" in written_table([found])


def test_a_table_with_as_many_columns_as_postgres_takes_is_judged(hostile):
    names = [f"c{at}" for at in range(1_500)]
    with psycopg.connect(hostile) as connection:
        columns = ", ".join(f"{name} smallint" for name in names)
        connection.execute(f"create table broad ({columns})")
        connection.execute("insert into broad (c0) values (1), (null)")
    found = pushed(hostile, suite_of(*(NotNull(name) for name in names[:3]), Between("c0", 2)), "broad")
    assert found is not None
    assert [one.failing for one in found.results] == [1, 2, 2, 1]
    assert len(found.columns) == 1_500
