from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from made_source import LOWER, SHORT, TREE, Shop, contract, quarantining, source_table, whole_table

from dataeng_assets.extract import plan
from dataeng_assets.lake.location import Lake


@pytest.fixture
def shop(database: str, lake: Lake, state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    # without it, a test of a few seconds would find late rows by the margin alone
    monkeypatch.setattr(plan, "MARGIN", timedelta(0))
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("SET TimeZone = 'UTC'")
        admin.execute("CREATE SCHEMA shop")
        admin.execute(
            "CREATE TABLE shop.items"
            " (item_id bigint PRIMARY KEY, value text, updated_at timestamptz NOT NULL DEFAULT now())"
        )
        made = Shop(database, lake, admin, [source_table(contract("items"))])
        yield made
        for connection in made.opened:
            connection.close()


@pytest.fixture
def role(shop: Shop) -> Iterator[str]:
    """A role that may read the shop and nothing else; runs use it."""
    name = "reader_" + shop.url.rsplit("_", 1)[-1].split("?")[0]
    shop.do(f"CREATE ROLE {name} LOGIN PASSWORD 'not-to-be-seen'")
    shop.do(f"GRANT USAGE ON SCHEMA shop TO {name}")
    shop.do(f"GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {name}")
    shop.run_url = psycopg.conninfo.make_conninfo(shop.url, user=name, password="not-to-be-seen")
    yield name
    shop.do(f"DROP OWNED BY {name}")
    shop.do(f"DROP ROLE {name}")


@pytest.fixture
def items(shop: Shop) -> Shop:
    """The shop, with two rules that set rows aside."""
    shop.tables = [source_table(quarantining(contract("items"), SHORT, LOWER))]
    return shop


@pytest.fixture
def guarded_tree(shop: Shop) -> Shop:
    """The same, of a table that is read whole."""
    shop.do("ALTER TABLE shop.items DROP COLUMN updated_at")
    shop.tables = [whole_table(quarantining(contract("items", TREE), SHORT, LOWER), max_vanished=1)]
    return shop
