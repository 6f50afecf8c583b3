from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.sample import schema
from dataeng_assets.sample.rows import jsonb

pytestmark = pytest.mark.server


def test_the_trigger_sets_updated_at_from_the_session_clock_else_from_the_transaction(database: str) -> None:
    insert = (
        "insert into shop.products (sku, name, category_id, price, attributes, is_active, created_at, updated_at) "
        "values ('a', 'b', 7, 1, '{}', true, now(), '1999-01-01Z') returning updated_at"
    )
    update = "update shop.products set name = 'd', updated_at = '1999-01-01Z' returning updated_at"
    with psycopg.connect(database) as connection:
        connection.execute(schema.CREATE_TABLES)
        connection.execute(schema.create_clock())  # type: ignore[arg-type]
        connection.commit()
        now = connection.execute("select now()").fetchone()
        assert connection.execute(insert).fetchone() == now
        connection.execute("set local shop.clock = '2026-03-04T05:06:07.000008Z'")
        assert connection.execute(update).fetchone() == (datetime(2026, 3, 4, 5, 6, 7, 8, tzinfo=UTC),)
        connection.commit()
        later = connection.execute("select now()").fetchone()
        assert connection.execute(update).fetchone() == later


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-1000, max_value=1000)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_json_is_written_as_postgres_prints_it(database: str) -> None:
    with psycopg.connect(database) as connection:

        @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(JSON)
        def holds(value: Any) -> None:
            text = jsonb(value)
            assert connection.execute("select %s::jsonb::text", (text,)).fetchone() == (text,)

        holds()
