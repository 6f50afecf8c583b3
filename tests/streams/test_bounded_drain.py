"""Memory follows the size of a batch, never the length of the topic (promise 11)."""

import json
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer
from stream_kit import START, Topic

from dataeng_assets.lake.location import Lake

pytestmark = pytest.mark.server

PARTITIONS = 4
WIDE = 1_500  # bytes of a record, about; no two are alike
SHORT = 20_000
MARGIN_MB = 180  # what is fetched and read ahead is full only in the longer one: 64 MB and 32 MB, and their copies


def fill(topic: Topic, start: int, end: int) -> None:
    producer = Producer({"bootstrap.servers": topic.bootstrap, "linger.ms": 20, "compression.type": "zstd"})
    for number in range(start, end):
        moment = START + timedelta(milliseconds=number)
        event = {
            "event_id": random.randbytes(WIDE // 2).hex(),
            "user_id": number,
            "event_type": "click",
            "timestamp": moment.isoformat().replace("+00:00", "Z"),
        }
        while True:
            try:
                producer.produce(topic.name, json.dumps(event), partition=number % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


def measured(topic: Topic, lake: Lake) -> tuple[int, int]:
    """Rows that a drain from the topic's beginning committed, and its peak memory in MB."""
    program = Path(__file__).with_name("measured_drain.py")
    command = [sys.executable, str(program), topic.bootstrap, topic.name, lake.uri]
    rows, peak = map(int, subprocess.check_output(command, text=True).split())
    return rows, peak


def test_a_drain_of_ten_times_as_many_records_takes_no_more_memory(topic: Topic, tmp_path: Path) -> None:
    topic.make(PARTITIONS)
    fill(topic, 0, SHORT)
    rows, peak = measured(topic, Lake(str(tmp_path / "short")))
    assert rows == SHORT
    fill(topic, SHORT, 10 * SHORT)
    rows, peak_of_ten_times = measured(topic, Lake(str(tmp_path / "long")))
    assert rows == 10 * SHORT
    assert peak_of_ten_times - peak < MARGIN_MB < 9 * SHORT * WIDE // 2**20, f"{peak} and {peak_of_ten_times} MB"
