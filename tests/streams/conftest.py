"""A topic on the real broker for each test, and processes that can be killed."""

from collections.abc import Iterator

import pytest
from drain_forks import Forks
from stream_kit import Topic, some_records, stream

from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.streams.stream import Stream


@pytest.fixture
def topic(kafka_broker: Kafka, topic_name: str) -> Topic:
    return Topic(kafka_broker.bootstrap, topic_name)


@pytest.fixture
def events(topic: Topic, lake: Lake) -> Stream:
    return stream(lake, topic.name)


@pytest.fixture
def filled(topic: Topic) -> Topic:
    topic.make(2).send(some_records(sum(map(ord, topic.name)), 120, 2))
    return topic


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as started:
        yield started
