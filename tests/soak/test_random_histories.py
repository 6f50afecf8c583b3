"""Random life in the shop, random work on it, random kills; then every table equals the truth."""

import random
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psycopg
import pytest
from step import stream

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.views import create_views
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.sample.fill import fill
from dataeng_assets.sample.tick import tick
from dataeng_assets.sample.truth import Truth
from dataeng_assets.streams.verify import verify

KINDS = ("extract", "drain", "windows")
KEYS = {"customers": "customer_id", "products": "product_id", "orders": "order_id"}
SIDES = {"main": "", "late": "_late", "dead_letter": "_dead_letters"}


@pytest.mark.soak
@pytest.mark.server
@pytest.mark.crash
@pytest.mark.timeout(0)
def test_after_any_history_with_kills_every_table_equals_the_truth(
    request: pytest.FixtureRequest, state: Path, lake: Lake, postgres_server: Postgres, kafka_broker: Kafka
) -> None:
    seed = request.config.getoption("--soak-seed")
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    print(f"\nseed {seed}: make soak SEED={seed}")
    chance, until = random.Random(seed), time.monotonic() + request.config.getoption("--soak-seconds")
    truth = Truth(state / "truth")
    url, bootstrap = postgres_server.url, kafka_broker.bootstrap
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop schema if exists shop cascade")
        connection.execute("drop schema if exists sample cascade")
    fill(url, bootstrap, truth=truth.folder, scale=0.02, seed=seed % 1000, anew=True)
    kills = 0
    while time.monotonic() < until:
        if chance.random() < 0.2:
            tick(url, bootstrap, truth=truth.folder)
        steps = [start(chance.choice(KINDS), lake, url, bootstrap) for _ in range(chance.randint(1, 2))]
        for step in steps:
            if chance.random() < 0.5:
                time.sleep(chance.random() * 2)
                kills += step.poll() is None
                step.kill()
            step.communicate()
    for kind in KINDS:
        output, _ = (step := start(kind, lake, url, bootstrap)).communicate()
        assert step.returncode == 0, output
    print(f"{kills} kills")
    assert_equals(truth, lake)
    assert verify(stream(lake), Cluster(bootstrap, allow_plaintext=True)).holds


def start(kind: str, lake: Lake, url: str, bootstrap: str) -> subprocess.Popen[str]:
    """Start a step, and wait until it is about to work."""
    program = [sys.executable, str(Path(__file__).with_name("step.py")), kind, lake.uri, url, bootstrap]
    step = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert step.stdout is not None
    step.stdout.readline()
    return step


def assert_equals(truth: Truth, lake: Lake) -> None:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_views(connection, lake)
        for table, key in KEYS.items():
            rows = truth.current(table)
            newest = connection.sql(
                f"select {', '.join(rows.column_names)} from bronze_shop.{table} "
                f"qualify row_number() over (partition by {key} order by _extracted_at desc) = 1 order by {key}"
            ).to_arrow_table()
            assert newest.cast(rows.schema).to_pylist() == rows.to_pylist(), table
            ((doubled,),) = connection.execute(
                f"select count(*) - count(distinct ({key}, _row_hash)) from bronze_shop.{table}"
            ).fetchall()
            assert doubled == 0, table
        events = truth.events().to_pylist()
        for side, suffix in SIDES.items():
            found = connection.execute(
                f"select _kafka_partition, _kafka_offset from bronze_events.user_events{suffix} order by all"
            ).fetchall()
            assert found == [(row["partition"], row["offset"]) for row in events if row["routing"] == side], side
