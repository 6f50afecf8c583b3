"""History as a pure function of the row versions: the macro `scd2` against an oracle in plain Python."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt_runs import compile_inline, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.warehouse

FIRST_FROM = "1900-01-01 00:00:00+00"
KINDS = [("updated_at", None), ("updated_at", FIRST_FROM), ("_extracted_at", FIRST_FROM)]
COLUMNS = {"c0": 0, "c1": 1, "c2": 2, "c3": 3, "c6": 6}
START = datetime(2026, 1, 1, tzinfo=UTC)
MADE = ["k1", "k2", "c0", "c1", "c2", "c3", "previous_c3", "c6", "current_c6", "valid_from", "valid_to", "is_current"]


@dataclass(frozen=True)
class Version:
    """One row of the history. Times are minutes after `START`."""

    k1: str | None
    k2: str | None
    op: str
    updated: int | None
    extracted: int
    values: tuple[str | None, ...]

    @property
    def key(self) -> tuple[str | None, str | None]:
        return self.k1, self.k2

    @property
    def hash(self) -> int:
        return int.from_bytes(md5(repr((self.values, self.updated)).encode()).digest()[:7], "big")


def oracle(rows: list[Version], first_from: str | None) -> set[tuple[Any, ...]]:
    """The dimension, key by key, by walking through each key's rows in order."""
    made: set[tuple[Any, ...]] = set()
    for key in {row.key for row in rows}:
        made |= _versions([row for row in rows if row.key == key], first_from)
    return made


def _clock(row: Version) -> int:
    if row.updated is None:
        return row.extracted
    return max(row.updated, row.extracted) if row.op != "upsert" else row.updated


def _place(row: Version, rows: list[Version]) -> int:
    if row.op == "upsert":
        return _clock(row)
    return max(_clock(other) for other in rows if other.extracted <= row.extracted)


def _versions(rows: list[Version], first_from: str | None) -> set[tuple[Any, ...]]:
    line = _one_per_instant(rows)
    live = [row.values for _, row in line if row.op != "delete"]
    if not live:
        return set()
    latest = live[-1]
    others = [values[3] for values in live if values[3] != latest[3]]
    previous = others[-1] if others else None
    made = set()
    for n, (tracked, begins, ends) in enumerate(_spans(line)):
        begin: datetime = START + timedelta(minutes=begins)
        if n == 0 and first_from:
            begin = min(begin, datetime.fromisoformat(first_from + ":00"))
        end = None if ends is None else START + timedelta(minutes=ends)
        values = (live[0][0], latest[1], tracked[0], latest[3], previous, tracked[1], latest[4])
        made.add((*rows[0].key, *values, begin, end, ends is None))
    return made


def _one_per_instant(rows: list[Version]) -> list[tuple[int, Version]]:
    winners: dict[int, Version] = {}
    for row in sorted(rows, key=lambda row: (row.extracted, row.op == "delete", row.hash)):
        winners[_place(row, rows)] = row
    return sorted(winners.items())


def _spans(line: list[tuple[int, Version]]) -> list[tuple[tuple[str | None, str | None], int, int | None]]:
    """Tracked values with their begin and end; a repeat of the values begins nothing."""
    spans: list[tuple[tuple[str | None, str | None], int, int | None]] = []
    for at, row in line:
        tracked = (row.values[2], row.values[4])
        is_open = bool(spans) and spans[-1][2] is None
        if row.op != "delete" and is_open and spans[-1][0] == tracked:
            continue
        if is_open:
            spans[-1] = (*spans[-1][:2], at)
        if row.op != "delete":
            spans.append((tracked, at, None))
    return spans


@dataclass(frozen=True)
class Macro:
    """The macro's SQL as dbt compiles it: a rebuild, and what brings an existing dimension up to date."""

    rebuild: str = field(repr=False)
    update: str = field(repr=False)
    replace: str = field(repr=False)


@pytest.fixture(scope="session")
def macros(compile_macro: Callable[[str], str]) -> dict[tuple[str, str | None], Macro]:
    keys = "['k1', 'k2']"
    names = ", ".join(["thing_key", *MADE, "_history"])
    replace_sql = compile_macro("{{ replace_versions_sql('dimension', 'fresh', " + f"{keys}, '{names}')" + " }}")

    def macro(clock: str, first_from: str | None) -> Macro:
        first = f"'{first_from}'" if first_from else "none"
        call = f"scd2_sql('history', %s, 'thing', {keys}, {COLUMNS}, '{clock}', {first})"
        return Macro(
            compile_macro("{{ " + call % "none" + " }}"),
            compile_macro("{{ " + call % "'dimension'" + " }}"),
            replace_sql,
        )

    return {kind: macro(*kind) for kind in KINDS}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def _begin(connection: duckdb.DuckDBPyConnection, macro: Macro) -> None:
    connection.execute(
        "create or replace table history (k1 varchar, k2 varchar, c0 varchar, c1 varchar, c2 varchar, c3 varchar,"
        " c6 varchar, updated_at timestamptz, _op varchar, _extracted_at timestamptz, _row_hash bigint)"
    )
    connection.execute(f"create or replace table dimension as {macro.rebuild}")


def _deliver(connection: duckdb.DuckDBPyConnection, macro: Macro, rows: list[Version]) -> None:
    for row in rows:
        updated = None if row.updated is None else START + timedelta(minutes=row.updated)
        extracted = START + timedelta(minutes=row.extracted)
        values = [row.k1, row.k2, *row.values, updated, row.op, extracted, row.hash]
        connection.execute("insert into history values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.execute(f"create or replace table fresh as {macro.update}")
    connection.execute(macro.replace)


def _made(connection: duckdb.DuckDBPyConnection, sql: str) -> set[tuple[Any, ...]]:
    rows = connection.execute(f"select {', '.join(MADE)} from ({sql})").fetchall()
    assert len(set(rows)) == len(rows)
    return set(rows)


KEYS = st.sampled_from([(None, "x"), ("", "x"), ("a|b", "c"), ("a", "b|c"), (None, None), ("a,1:b", "")])
VALUES = st.sampled_from([None, "", "u", "v"])
VERSIONS = st.builds(
    lambda key, *rest: Version(*key, *rest),
    KEYS,
    st.sampled_from(["upsert", "upsert", "upsert", "delete", "return"]),
    st.none() | st.integers(0, 12),
    st.integers(0, 12),
    st.tuples(VALUES, VALUES, VALUES, VALUES, VALUES),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(VERSIONS, min_size=1, max_size=8), min_size=1, max_size=4),
    again=st.integers(0, 3),
    kind=st.sampled_from(KINDS),
)
def test_any_batches_in_any_order_give_what_a_rebuild_gives(
    connection: duckdb.DuckDBPyConnection,
    macros: dict[tuple[str, str | None], Macro],
    batches: list[list[Version]],
    again: int,
    kind: tuple[str, str | None],
) -> None:
    macro, (clock, first_from) = macros[kind], kind
    if clock == "_extracted_at":  # a table that keeps no clock of its own
        batches = [[replace(row, updated=None) for row in batch] for batch in batches]
    _begin(connection, macro)
    for batch in [*batches, *batches[:again]]:
        _deliver(connection, macro, batch)
    expected = oracle([row for batch in batches for row in batch], first_from)
    assert _made(connection, "from dimension") == expected
    assert _made(connection, macro.rebuild) == expected
    difference = "(from dimension except from rebuilt) union all (from rebuilt except from dimension)"
    assert connection.execute(f"with rebuilt as ({macro.rebuild}) {difference}").fetchall() == []
    keys = connection.execute("select count(*), count(distinct thing_key) from dimension").fetchall()
    assert keys[0][0] == keys[0][1] == len(expected)


def test_a_key_that_is_a_floating_point_number_is_refused(parsed: Manifest, tmp_path: Path) -> None:
    call = "{{ scd2(api.Relation.create(identifier='floats'), 'thing', ['ratio'], {'city': 2}) }}"
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create table floats (ratio double, city varchar)")
    result = compile_inline(parsed, call, tmp_path)
    assert "the key column ratio" in messages(result)
