"""The local schema registry: a real one, started for who asks for it, its schemas there again after an end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataeng_assets import settings
from dataeng_assets.kafka.registry.opened import registry_at
from dataeng_assets.kafka.registry.schemas import Kind, Schema
from dataeng_assets.local import services
from dataeng_assets.settings import variable

pytestmark = pytest.mark.server


@pytest.fixture
def only_registry(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder for which neither Postgres nor Kafka is started."""
    monkeypatch.setenv(services.POSTGRES_URL, "postgresql://db.example:5432/mine")
    monkeypatch.setenv(services.KAFKA_BOOTSTRAP, "kafka.example:9092")
    monkeypatch.setattr(settings, "ROOT", state)  # no addresses of others
    monkeypatch.delenv(services.REGISTRY_URL, raising=False)
    yield state
    services.down(state)


def registry_states(state: Path) -> list[str]:
    return [one.state for one in services.status(state) if one.name == "Schema registry"]


def test_a_registry_is_started_for_who_asks_and_keeps_its_schemas(only_registry: Path) -> None:
    assert services.up(only_registry).registry_url == ""
    assert registry_states(only_registry) == []

    url = services.up(only_registry, with_registry=True).registry_url
    assert variable(services.REGISTRY_URL) == url
    assert registry_states(only_registry) == ["running"]
    written = registry_at(url).add("orders-value", Schema(Kind.AVRO, '"string"'))
    assert services.up(only_registry).registry_url == url, "what runs is left alone, and its address stays known"

    assert services.down(only_registry) == ("Schema registry",)
    assert registry_states(only_registry) == ["stopped"]
    again = services.up(only_registry, with_registry=True).registry_url
    assert registry_at(again).by_id(written.id) == written
