"""`dataeng sample remove --data` drops what the sample has written, and nothing that anyone else has."""

from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.sample.data import drop_data, drop_source
from dataeng_assets.sample.fill import fill
from dataeng_assets.sample.topic import ends

SAMPLES = [
    ("bronze", "shop", "orders"),
    ("bronze", "events", "user_events_late"),
    ("silver", "events", "user_events_5m"),
    ("gold", "fct_orders"),
    ("gold", "daily_order_status"),
    ("ledger", "changes"),
]
MINE = [("bronze", "crm", "orders"), ("gold", "fct_invoices"), ("silver", "clicks", "clicks_5m")]


def test_tables_of_other_sources_stay_and_what_is_derived_from_all_is_made_anew(lake: Lake, tmp_path: Path) -> None:
    for key in (*SAMPLES, *MINE):
        append(lake.create(key, pa.schema([("n", pa.int64())])), pa.table({"n": [1]}), transactions={})
    warehouse, truth = tmp_path / "warehouse.duckdb", tmp_path / "truth"
    warehouse.touch()
    truth.mkdir()
    said = list(drop_data(lake, warehouse, truth))
    assert len(said) == len(SAMPLES) + 2
    assert lake.tables() == sorted(MINE)
    assert not warehouse.exists()
    assert not truth.exists()
    assert list(drop_data(lake, warehouse, truth)) == []


@pytest.mark.server
def test_the_shop_and_its_topic_are_dropped_if_they_are_the_samples(
    database: str, kafka_broker: Kafka, topic_name: str, state: Path
) -> None:
    assert list(drop_source(database, kafka_broker.bootstrap)) == []
    fill(database, kafka_broker.bootstrap, truth=state / "truth", days=2, scale=0.001, topic=topic_name)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table public.mine (id int)")
        said = list(drop_source(database, kafka_broker.bootstrap))
        schemas = connection.execute("select nspname from pg_namespace where nspname in ('shop', 'sample')").fetchall()
        assert connection.execute("select count(*) from public.mine").fetchone() == (0,)
    assert said == [f"topic {topic_name}", "schemas shop and sample in Postgres"]
    assert schemas == []
    assert ends(kafka_broker.bootstrap, topic_name) is None
