"""Streams join the versions that dbt's dimensions show: the macro `scd2` and `validity` agree on every history."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.streams.derived.validity import validity

pytestmark = pytest.mark.warehouse

FIRST_FROM = "1900-01-01 00:00:00+00:00"
KINDS = [("updated_at", None), ("updated_at", FIRST_FROM), ("_extracted_at", FIRST_FROM)]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def macros(compile_macro: Callable[[str], str]) -> dict[tuple[str, str | None], str]:
    def macro(clock: str, first_from: str | None) -> str:
        first = f"'{first_from}'" if first_from else "none"
        columns = {"c0": 2, "c1": 2}
        return compile_macro(f"{{{{ scd2_sql('history', none, 'thing', ['k'], {columns}, '{clock}', {first}) }}}}")

    return {kind: macro(*kind) for kind in KINDS}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


VALUES = st.sampled_from([None, "", "u", "v"])
MINUTES = st.integers(0, 12).map(lambda minutes: START + timedelta(minutes=minutes))
ROWS = st.tuples(
    st.sampled_from(["a", "b"]),
    VALUES,
    VALUES,
    st.none() | MINUTES,
    st.sampled_from(["upsert", "upsert", "upsert", "delete", "return"]),
    MINUTES,
    st.integers(0, 3),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, min_size=1, max_size=14, unique_by=lambda row: (row[0], *row[4:])))
@pytest.mark.parametrize("kind", KINDS)
def test_a_version_is_valid_for_a_stream_when_it_is_in_the_dimension(
    connection: duckdb.DuckDBPyConnection,
    macros: dict[tuple[str, str | None], str],
    kind: tuple[str, str | None],
    rows: list[tuple[Any, ...]],
) -> None:
    clock, first_from = kind
    connection.execute(
        "create or replace table history (k varchar, c0 varchar, c1 varchar, updated_at timestamptz, _op varchar, "
        "_extracted_at timestamptz, _row_hash bigint)"
    )
    # a deleted row has its key and nothing else
    alone = [row if row[4] != "delete" else (row[0], None, None, None, *row[4:]) for row in rows]
    connection.executemany("insert into history values (?, ?, ?, ?, ?, ?, ?)", alone)
    own = "null::bigint" if clock == "_extracted_at" else f"epoch_us({clock})"
    connection.execute(
        f"create or replace view versions as select k as k0, c0 as v0, c1 as v1, {own} as clock, _op as op, "
        "epoch_us(_extracted_at) as extracted, _row_hash as hash from history"
    )
    first = None if first_from is None else (datetime.fromisoformat(first_from) - EPOCH) // EPOCH.resolution
    line = validity("versions", keys=1, columns=2, first_from=first)
    ours = f"""
        select k0, v0, v1, valid_from, valid_to
        from (select *, lead(since) over (partition by k0 order by since) as valid_to from ({line}))
        where valid_from is not null order by all"""
    dbts = f"select k, c0, c1, epoch_us(valid_from), epoch_us(valid_to) from ({macros[kind]}) order by all"
    assert connection.execute(ours).fetchall() == connection.execute(dbts).fetchall()
