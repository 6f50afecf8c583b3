"""The sensor of the sample's topic: it never fails, and says why it asks for nothing."""

from pathlib import Path

import dagster as dg
import pytest

from dataeng_assets.definitions import defs
from dataeng_assets.local.kafka import Kafka


@pytest.fixture
def instance(state: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def test_without_services_the_stream_sensor_says_what_to_start(instance: dg.DagsterInstance) -> None:
    skip = tick_of_the_topic(instance)
    assert isinstance(skip, dg.SkipReason)
    assert "`dataeng up`" in str(skip.skip_message)


@pytest.mark.server
def test_without_its_broker_the_stream_sensor_says_so(
    instance: dg.DagsterInstance, kafka_broker: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAENG_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    skip = tick_of_the_topic(instance)
    assert isinstance(skip, dg.SkipReason)
    assert "127.0.0.1:1" in str(skip.skip_message)


def tick_of_the_topic(instance: dg.DagsterInstance) -> object:
    topic = next(found for found in defs().sensors or () if found.name == "user_events_lag")
    assert isinstance(topic, dg.SensorDefinition)
    context = dg.build_sensor_context(instance=instance, sensor_name="user_events_lag")
    return topic(context)
