"""A topic on the real broker for each test."""

import pytest
from stream_kit import Topic, stream

from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.streams.stream import Stream


@pytest.fixture
def topic(kafka_broker: Kafka, topic_name: str) -> Topic:
    return Topic(kafka_broker.bootstrap, topic_name)


@pytest.fixture
def events(topic: Topic, lake: Lake) -> Stream:
    return stream(lake, topic.name)
