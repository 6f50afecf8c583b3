"""A stream over a secured broker in Dagster: what is stored of a run and a tick holds no secret, whatever happens."""

import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from dataeng_assets.components import kafka_topic
from dataeng_assets.components.kafka_topic import KafkaTopicComponent
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.kafka.access import Role
from dataeng_assets.kafka.acl import needed
from dataeng_assets.kafka.producer import Outgoing, Producer
from dataeng_assets.kafka.reader import READERS
from dataeng_assets.kafka.topic_admin import TopicAdmin
from dataeng_assets.local import secure_kafka
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.verify import verify
from dataeng_assets.testing.secured import SecuredBroker

CONTRACT = load_contract(ROOT / "tests" / "contracts" / "documents" / "user_events.yaml")
HUSH = "Hush-Hush-Password-7"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance whose event log and compute logs are files."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as made:
        yield made


@pytest.fixture
def stream(
    secure_broker: SecuredBroker, topic_name: str, state: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> KafkaTopicComponent:
    """A declared stream over the broker, with one good record and a broken one in its topic."""
    monkeypatch.setattr(kafka_topic, "RETRY", dg.RetryPolicy(max_retries=0))
    kafka, topic = secure_broker.kafka, topic_name.replace("-", "_")
    monkeypatch.setenv("SECURED_BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("SECURED_PASSWORD", kafka.password(secure_kafka.READER))
    for role, user in ((Role.PRODUCER, secure_kafka.PRODUCER), (Role.ADMIN, secure_kafka.ADMIN)):
        monkeypatch.setenv(f"SECURED{role}", str(secure_kafka.login(kafka, user)))
    component = KafkaTopicComponent(
        topic=topic,
        domain="events",
        bootstrap_variable="SECURED_BOOTSTRAP",
        security_variable="SECURED",
        reader=reader,
        run_seconds=20,
        security={
            "mechanism": "SCRAM-SHA-512",
            "username": secure_kafka.READER,
            "password_variable": "SECURED_PASSWORD",
            "ca_file": str(kafka.access / "ca.pem"),
        },
    )  # fmt: skip
    with closing(KafkaAdminClient(**kafka.admin_options())) as admin:
        admin.create_topics([NewTopic(topic, 1, 1)])
    with TopicAdmin(component.cluster(Role.ADMIN)) as rights:
        rights.grant(needed(topic, reader=secure_kafka.READER, producer=secure_kafka.PRODUCER))
    with Producer(component.cluster(Role.PRODUCER), topic) as producer:
        producer.send(0, Outgoing(b"{}", b"k"))
        producer.send(1, Outgoing(b"no json", b"k"))
    return component


def run(component: KafkaTopicComponent, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize([component._drain_assets(CONTRACT)], raise_on_error=False, instance=instance)


def kept(instance: dg.DagsterInstance) -> bytes:
    """Everything that the instance has written."""
    files = [path for path in Path(instance.root_directory).rglob("*") if path.is_file()]
    assert len(files) > 3
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.server
@pytest.mark.parametrize("reader", READERS)
def test_a_run_over_a_secured_broker_succeeds_or_says_why_and_stores_no_secret(
    stream: KafkaTopicComponent,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    password = stream.cluster().password.encode().decode()
    good = run(stream, instance)
    assert {event.node_name for event in good.all_events if event.is_step_failure} == set()
    assert verify(stream.stream(CONTRACT), stream.cluster()).holds

    monkeypatch.setenv("SECURED_PASSWORD", HUSH)
    sensor = stream._sensor(CONTRACT, dg.define_asset_job("none"))
    with pytest.raises(Exception, match="did not believe who we are") as caught:
        sensor(dg.build_sensor_context(instance=instance))
    bad = run(stream, instance)
    [failure] = [event for event in bad.all_events if event.is_step_failure]
    assert "check the mechanism, the user, and the password" in str(failure)

    stored = kept(instance)
    assert b"did not believe who we are" in stored
    printed = "".join(capfd.readouterr())
    for secret in (password, HUSH):
        assert secret.encode() not in stored
        assert secret not in printed
        assert secret not in "".join(traceback.format_exception(caught.value))


def loading(**attributes: Any) -> str:
    """What is told when a location with such a topic is loaded, with everything that it came from; "" when it loads."""
    given = {"topic": "clicks", "domain": "clicks", "bootstrap_variable": "CLICKS_BOOTSTRAP", **attributes}
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(
            component_cls=KafkaTopicComponent,
            defs_path="clicks",
            defs_yaml_contents={"type": "dataeng_assets.components.KafkaTopicComponent", "attributes": given},
        )
        try:
            with sandbox.load_component_and_build_defs(defs_path=path):
                return ""
        except ComponentTreeException as error:
            return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("place", ["local", "staging", "prod"])
def test_an_insecure_topic_does_not_load_outside_of_the_local_environment(
    place: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAENG_ENV", place)
    monkeypatch.delenv("DATAENG_KAFKA_SECURITY", raising=False)
    unencrypted = loading()
    assert ("the connection would be unencrypted" in unencrypted) == (place != "local")
    assert ("docs/how-to/secure-kafka.md" in unencrypted) == (place != "local")
    login = {"mechanism": "PLAIN", "username": "a", "password_variable": "B"}
    assert "allowed are SASL_SSL" in loading(security={**login, "protocol": "SASL_PLAINTEXT"})
    assert bool(loading(security={**login, "protocol": "PLAINTEXT"})) == (place != "local")
    assert not loading(security=login)


def test_a_secret_in_a_declaration_is_refused_and_not_printed(state: Path) -> None:
    for literal in ({"password": HUSH}, {"password_variable": HUSH}, {"password_variable": 7_654_321}):
        told = loading(security={"mechanism": "PLAIN", "username": "a", **literal})
        assert "secret" in told or "is not a text" in told
        assert HUSH not in told
        assert "7654321" not in told
