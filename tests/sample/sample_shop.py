"""A small sample shop of a test's own on the session's servers, and the question whether its truth is true."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from kafka import KafkaConsumer, TopicPartition

from dataeng_assets.local.kafka import Kafka
from dataeng_assets.sample import schema, world
from dataeng_assets.sample.events import PARTITIONS
from dataeng_assets.sample.fill import FillReport, fill
from dataeng_assets.sample.tick import TickReport, tick
from dataeng_assets.sample.truth import Truth, routings

SCALE = 0.02


@dataclass(frozen=True)
class Shop:
    url: str
    bootstrap: str
    topic: str
    folder: Path

    @property
    def truth(self) -> Truth:
        return Truth(self.folder)

    def fill(self, **asked: Any) -> FillReport:
        return fill(self.url, self.bootstrap, truth=self.folder, topic=self.topic, **{"scale": SCALE, **asked})

    def tick(self, **asked: Any) -> TickReport:
        return tick(self.url, self.bootstrap, truth=self.folder, **asked)


@pytest.fixture(name="shop")
def new_shop(database: str, kafka_broker: Kafka, topic_name: str, tmp_path: Path, state: Path) -> Shop:
    return Shop(database, kafka_broker.bootstrap, topic_name, tmp_path / "truth")


def table_of(shop: Shop, table: str) -> pa.Table:
    query = f"select {schema.projection(table)} from shop.{table}"
    with psycopg.connect(shop.url) as connection:
        found = connection.execute(query).fetchall()  # type: ignore[arg-type]
    rows = sorted(found, key=lambda row: row[: len(schema.key_of(table))])
    return pa.Table.from_pylist(
        [dict(zip(schema.ARROW[table].names, row, strict=True)) for row in rows], schema=schema.ARROW[table]
    )


def records_of(shop: Shop) -> Iterator[Any]:
    places = [TopicPartition(shop.topic, partition) for partition in range(PARTITIONS)]
    consumer = KafkaConsumer(bootstrap_servers=shop.bootstrap, enable_auto_commit=False)
    try:
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        left = {place for place, end in consumer.end_offsets(places).items() if end}
        ends = consumer.end_offsets(places)
        while left:
            for batch in consumer.poll(timeout_ms=1000).values():
                yield from batch
            left = {place for place in left if consumer.position(place) < ends[place]}
    finally:
        consumer.close()


def assert_truth_is_true(shop: Shop) -> None:
    for table in schema.TABLES:
        assert shop.truth.current(table).equals(table_of(shop, table)), table
    sent = sorted(
        (record.partition, record.offset, record.key, record.value, record.timestamp) for record in records_of(shop)
    )
    events = shop.truth.events()
    recorded = [
        (row["partition"], row["offset"], row["key"], row["value"], world.micros(row["timestamp"]) // 1000)
        for row in events.to_pylist()
    ]
    assert recorded == sent
    columns = {name: events[name].cast(pa.int64()).to_pylist() for name in ("partition", "event_time", "timestamp")}
    assert routings(**{f"{name}s": values for name, values in columns.items()}) == events["routing"].to_pylist()


def versions_after(shop: Shop, table: str, commit: int) -> list[dict[str, Any]]:
    return [row for row in shop.truth.versions(table).to_pylist() if row["_commit"] > commit]
