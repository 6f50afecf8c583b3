"""`dataeng up --secure`: another broker beside the unsecured one, reached by what `up` recorded, its secrets kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataeng_assets import settings
from dataeng_assets.cli import app
from dataeng_assets.kafka.access import Role, cluster_at
from dataeng_assets.kafka.acl import needed
from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.errors import NotAuthorized
from dataeng_assets.local import secure_kafka, services
from dataeng_assets.local.process import ServiceError
from dataeng_assets.sample import topic
from dataeng_assets.sample.events import PARTITIONS, Event

pytestmark = pytest.mark.server


@pytest.fixture
def only_kafka(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder for which Postgres is somebody else's."""
    monkeypatch.setenv(services.POSTGRES_URL, "postgresql://db.example:5432/mine")
    monkeypatch.setattr(settings, "ROOT", state)  # no addresses of others
    for name in (services.KAFKA_BOOTSTRAP, *(f"{services.KAFKA_SECURITY}{role}" for role in Role)):
        monkeypatch.delenv(name, raising=False)
    yield state
    services.down(state)


def test_a_secured_broker_is_reached_by_what_up_recorded_and_its_secrets_are_kept(only_kafka: Path) -> None:
    printed = CliRunner().invoke(app, ["up", "--secure"])
    assert printed.exit_code == 0, printed.output
    bootstrap = settings.variable(services.KAFKA_BOOTSTRAP)
    topic.recreate(bootstrap, "clicks")
    event = Event(0, b"k", b"{}", 1_000_000, *[None] * (len(Event._fields) - 4))  # type: ignore[arg-type]
    assert topic.send(bootstrap, "clicks", [event, event]) == [0, 1]
    reader, producer = cluster_at(bootstrap), cluster_at(bootstrap, role=Role.PRODUCER)
    with Admin(reader) as admin:
        assert sum(admin.describe("clicks").ends.values()) == 2
        assert len(admin.describe("clicks").ends) == PARTITIONS
    with Admin(producer) as admin, pytest.raises(NotAuthorized):
        admin.compacts("clicks")
    assert {reader.username, producer.username} == {
        acl.principal[5:] for acl in needed("x", reader="reader", producer="producer")
    }

    home = only_kafka / "kafka-secure"
    secrets = [(home / "access" / f"{user}.password").read_text() for user in secure_kafka.USERS]
    shown = printed.output + CliRunner().invoke(app, ["status"]).output
    shown += "".join(path.read_text(errors="replace") for path in (only_kafka / "logs").iterdir())
    shown += (only_kafka / "local.env").read_text() + (home / "server.properties").read_text()
    assert "reader.yaml" in shown
    assert not [secret for secret in secrets if secret in shown]
    assert {path.stat().st_mode & 0o077 for path in (home, home / "access", *(home / "access").iterdir())} == {0}

    assert services.up(only_kafka).kafka_bootstrap == bootstrap, "what runs is left alone"
    assert services.down(only_kafka) == ("Kafka",)
    assert settings.recorded(services.KAFKA_SECURITY) is None


def test_a_broker_is_never_turned_into_the_other_kind(only_kafka: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = r"`dataeng down`, then `dataeng up --secure`"
    # held as a broker holds it
    with services.process.exclusive(only_kafka / "kafka"), pytest.raises(ServiceError, match=said):
        services.up(only_kafka, secure=True)
    monkeypatch.setenv(services.KAFKA_BOOTSTRAP, "kafka.example:9092")
    with pytest.raises(ServiceError, match="Unset it"):
        services.up(only_kafka, secure=True)
    assert not (only_kafka / "kafka-secure").exists()
