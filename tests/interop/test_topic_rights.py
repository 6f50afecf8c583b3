"""Rights from contracts on a broker that checks them: granted once, enough to work, and none taken away."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dataeng_assets.contracts.topic import TopicTerms
from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.kafka.producer import Outgoing, Producer
from dataeng_assets.kafka.reader import open_reader
from dataeng_assets.kafka.records import Range
from dataeng_assets.kafka.topic_admin import TopicAdmin
from dataeng_assets.local import kafka, secure_kafka
from dataeng_assets.local.secure_kafka import ADMIN, PRODUCER, READER, SecureKafka
from dataeng_assets.testing.servers import _guard, server_folder

pytestmark = pytest.mark.interop
TERMS = TopicTerms(2, 1, readers=(READER,), producers=(PRODUCER,))


@pytest.fixture(scope="module")
def broker() -> Iterator[SecureKafka]:
    with server_folder() as folder:
        home: Path = folder / "secure"
        try:
            started = secure_kafka.start(home, log=folder / "kafka.log")
            with _guard(started.pid, folder):
                yield started
        finally:
            kafka.stop(home)


def as_user(broker: SecureKafka, user: str) -> Cluster:
    return Cluster(
        broker.bootstrap,
        protocol="SASL_SSL",
        mechanism="SCRAM-SHA-512",
        username=user,
        password=broker.password(user),
        ca_file=str(broker.access / "ca.pem"),
    )


def send(broker: SecureKafka, user: str, topic: str) -> None:
    with Producer(as_user(broker, user), topic) as producer:
        producer.send(1, Outgoing(b"value", partition=0))


def test_what_is_granted_is_enough_to_write_and_to_read_and_planning_again_finds_nothing(
    broker: SecureKafka, topic_name: str
) -> None:
    with TopicAdmin(as_user(broker, ADMIN)) as admin:
        nobody = replace(TERMS, readers=(), producers=())
        admin.apply(admin.plan(topic_name, nobody), nobody)
        with pytest.raises(KafkaProblem):
            send(broker, PRODUCER, topic_name)
        plan = admin.plan(topic_name, TERMS)
        assert {step.after for step in plan.steps} == {f"User:{READER}", f"User:{PRODUCER}"}
        admin.apply(plan, TERMS)
        assert admin.plan(topic_name, TERMS).agrees
        assert admin.plan(topic_name, replace(TERMS, readers=())).agrees, "a right is never taken away"
    send(broker, PRODUCER, topic_name)
    with Admin(as_user(broker, READER)) as reader:
        assert reader.describe(topic_name).ends == {0: 1, 1: 0}
    with open_reader(as_user(broker, READER), topic_name) as records:
        assert records.read({0: Range(0, 1)})["value"].to_pylist() == [b"value"]
    with pytest.raises(KafkaProblem):
        send(broker, READER, topic_name)
