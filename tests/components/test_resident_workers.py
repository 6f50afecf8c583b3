"""A resident worker as Dagster sees it: the sensor leaves it alone, and its batches are told as materializations."""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from dataeng_assets.components import stream_worker
from dataeng_assets.components.kafka_topic import KafkaTopicComponent
from dataeng_assets.components.stream_changes import tell_of_changes
from dataeng_assets.components.stream_results import KEEPS_UP
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.health.changes import changes
from dataeng_assets.streams.health.notice import notice_run
from dataeng_assets.streams.lease import Lease
from dataeng_assets.streams.resident import Told

CONTRACT = load_contract(ROOT / "tests" / "contracts" / "documents" / "user_events.yaml")

pytestmark = pytest.mark.server


@pytest.fixture
def component(
    state: Path, kafka_broker: Kafka, topic_name: str, monkeypatch: pytest.MonkeyPatch
) -> KafkaTopicComponent:
    monkeypatch.setenv("DATAENG_KAFKA_BOOTSTRAP", kafka_broker.bootstrap)
    topic = topic_name.replace("-", "_")
    with closing(KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)) as admin:
        admin.create_topics([NewTopic(topic, 2, 1)])
        admin.wait_for_topics([topic])
    with KafkaProducer(bootstrap_servers=kafka_broker.bootstrap) as producer:
        for number in range(20):
            producer.send(topic, b"{", partition=number % 2)
    return KafkaTopicComponent.model_validate(
        {"topic": topic, "domain": "events", "bootstrap_variable": "DATAENG_KAFKA_BOOTSTRAP"}
    )


def tick(component: KafkaTopicComponent) -> dg.SensorResult | dg.SkipReason:
    @dg.op
    def nothing() -> None: ...

    @dg.job
    def job() -> None:
        nothing()

    sensor = component._sensor(CONTRACT, job)
    with dg.build_sensor_context(instance=dg.DagsterInstance.ephemeral()) as context:
        found = sensor(context)
    assert isinstance(found, dg.SensorResult | dg.SkipReason)
    return found


def test_the_sensor_asks_for_no_run_while_a_lease_lasts_and_says_who_drains(component: KafkaTopicComponent) -> None:
    stream = component.stream(CONTRACT)
    with Lease(stream) as lease:
        lease.partitions(range(2))
        skipped = tick(component)
    assert isinstance(skipped, dg.SkipReason)
    assert f"drained by 1 resident worker: {lease.name} (partitions 0, 1," in str(skipped.skip_message)
    asked = tick(component)
    assert isinstance(asked, dg.SensorResult)
    assert len(asked.run_requests or []) == 1


def test_the_sensor_asks_again_when_the_lease_of_a_killed_worker_has_run_out(component: KafkaTopicComponent) -> None:
    gone = datetime.now(UTC) - timedelta(seconds=21)
    Lease(component.stream(CONTRACT), clock=lambda: gone).partitions(range(2))
    assert isinstance(tick(component), dg.SensorResult)


def test_batches_are_told_as_one_materialization_per_table_with_who_made_them(
    component: KafkaTopicComponent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setattr(stream_worker, "open_instance", lambda: instance)
        monkeypatch.setattr(stream_worker, "find_topic", lambda _: (component, CONTRACT))
        stop, troubles, names = threading.Event(), list[str](), list[str]()

        def tell(told: Told) -> None:
            if told.batch is not None:
                stop.set()

        stream_worker.work("any", stop=stop, tell=tell, trouble=troubles.append)
        stream = component.stream(CONTRACT)
        for key, rows in ((stream.main, 0), (stream.late, 0), (stream.dead_letters, 20)):
            [record] = instance.fetch_materializations(dg.AssetKey(key), limit=5).records
            told = record.asset_materialization
            assert told is not None
            assert told.metadata["rows_appended"].value == rows
            assert told.metadata["dagster/row_count"].value == rows
            assert told.metadata["lag"].value == 0
            names.append(str(told.metadata["resident_worker"].value))
        assert len(set(names)) == 1
        check = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey(stream.main), KEEPS_UP), limit=5
        )
        assert len(check) == 1
        assert troubles == []


def test_a_change_is_told_once_as_an_event_of_the_table_of_changes_and_makes_nothing_red(
    component: KafkaTopicComponent, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = component.stream(CONTRACT)
    notice_run(stream, range(2), told_by="a run")
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setattr(stream_worker, "open_instance", lambda: instance)
        monkeypatch.setattr(stream_worker, "find_topic", lambda _: (component, CONTRACT))
        for _ in range(2):
            stop = threading.Event()
            stream_worker.work("any", stop=stop, tell=lambda _, stop=stop: stop.set(), trouble=pytest.fail)
        records = instance.fetch_materializations(dg.AssetKey(stream.changes), limit=5, ascending=True).records
        events = [record.asset_materialization for record in records]
        told = [event.metadata for event in events if event is not None]
        assert [(one["tier"].value, one["kind"].value, one["changed"].value) for one in told] == [
            ("info", "rebalance", "0, 1")
        ] * 2
        assert told[0]["before"].value == "0: runs, 1: runs"
        assert told[1]["before"].value == told[0]["after"].value
        assert [event.description for event in events if event] == [change.says for change in changes(stream)]
        tell_of_changes(instance, stream)
        assert len(instance.fetch_materializations(dg.AssetKey(stream.changes), limit=5).records) == 2
