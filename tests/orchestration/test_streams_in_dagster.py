"""A stream as Dagster sees it: what a tick tells and asks for, and how a run fails."""

from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from dataeng_assets.components import kafka_topic
from dataeng_assets.components.kafka_topic import KafkaTopicComponent
from dataeng_assets.components.stream_results import FEW_DEAD_LETTERS, KEEPS_UP, lag_result, planned
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.kafka.errors import BrokerUnreachable
from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.health.changes import Kind, note
from dataeng_assets.streams.lag import Lag, Tier
from dataeng_assets.streams.stream import Stream

MAIN = ("bronze", "events", "user_events")
CONTRACT = load_contract(ROOT / "tests" / "contracts" / "documents" / "user_events.yaml")


def tick(behind: Lag, cursor: str | None) -> dg.SensorResult:
    return planned(MAIN, behind, "user_events", cursor)


def test_a_tick_asks_for_one_run_when_records_wait_and_for_none_else() -> None:
    (request,) = tick(Lag(7, {0: 7}), None).run_requests or []
    assert request.tags["dataeng/lag"] == "7"
    nothing = tick(Lag(0, {0: 0}), None)
    assert not nothing.run_requests
    assert nothing.skip_reason
    assert nothing.skip_reason.skip_message == "Bronze has every record of user_events."


def test_a_change_of_the_tier_is_told_once_as_a_result_of_the_check() -> None:
    cursor, told = None, []
    for tier in (Tier.OK, Tier.BEHIND, Tier.BEHIND, Tier.FAR_BEHIND, Tier.OK, Tier.OK):
        result = tick(Lag(5, {0: 5}, tier), cursor)
        cursor = result.cursor
        told += [event for event in result.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
    assert {(event.asset_key.path[-1], event.check_name) for event in told} == {("user_events", KEEPS_UP)}
    assert [(event.metadata["tier"].value, event.passed, event.severity.value) for event in told] == [
        ("behind", False, "WARN"),
        ("far behind", False, "ERROR"),
        ("ok", True, "WARN"),
    ]


def test_the_daemon_can_store_what_a_tick_remembers() -> None:
    assert all(type(tick(Lag(5, {0: 5}, tier), None).cursor) is str for tier in Tier)


def test_a_lag_that_the_broker_does_not_tell_is_not_a_pass(lake: Lake) -> None:
    def away() -> Lag:
        raise BrokerUnreachable("Kafka at nowhere did not answer.")

    result = lag_result(Stream("user_events", "user_events", "events", CONTRACT, lake), away)
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert result.metadata["outcome"].value == "not evaluated"
    assert "did not answer" in str(result.metadata["why"].value)


@pytest.fixture
def run_settings(state: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(kafka_topic, "RETRY", dg.RetryPolicy(max_retries=1))
    return monkeypatch


def declared(topic: str) -> KafkaTopicComponent:
    return KafkaTopicComponent(topic=topic, name="", domain="events", bootstrap_variable="DATAENG_KAFKA_BOOTSTRAP",
                               window_minutes=5, batch_records=1000, run_seconds=5)  # fmt: skip


def drain(topic: str, instance: dg.DagsterInstance | None = None) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [declared(topic)._drain_assets(CONTRACT)],
        raise_on_error=False,
        instance=instance or dg.DagsterInstance.ephemeral(),
    )


def why(result: dg.ExecuteInProcessResult) -> str:
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    error = failure.step_failure_data.error
    said = failure.step_failure_data.user_failure_data
    return f"{said.description if said else ''} {error.to_string() if error else ''}"


def retries(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.is_step_up_for_retry for event in result.all_events)


def test_a_run_without_services_says_what_to_start_and_is_not_retried(run_settings: pytest.MonkeyPatch) -> None:
    run_settings.delenv("DATAENG_KAFKA_BOOTSTRAP", raising=False)
    result = drain("user_events")
    assert "`dataeng up`" in why(result)
    assert retries(result) == 0


def test_a_run_without_its_broker_says_so_and_is_retried(run_settings: pytest.MonkeyPatch) -> None:
    run_settings.setenv("DATAENG_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    result = drain("user_events")
    assert "127.0.0.1:1" in why(result)
    assert "Nothing was committed" in why(result)
    assert retries(result) == 1


@pytest.mark.server
def test_a_run_on_a_missing_topic_names_it_and_is_not_retried(
    run_settings: pytest.MonkeyPatch, kafka_broker: Kafka, topic_name: str
) -> None:
    run_settings.setenv("DATAENG_KAFKA_BOOTSTRAP", kafka_broker.bootstrap)
    result = drain(topic_name.replace("-", "_"))
    assert f"has no topic {topic_name.replace('-', '_')}" in why(result)
    assert "nothing was committed" in why(result)
    assert retries(result) == 0


@pytest.mark.server
def test_a_run_on_an_empty_topic_keeps_up_and_has_no_dead_letters_to_judge(
    run_settings: pytest.MonkeyPatch, kafka_broker: Kafka, topic_name: str
) -> None:
    topic = topic_name.replace("-", "_")
    with closing(KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)) as admin:
        admin.create_topics([NewTopic(topic, 1, 1)])
        admin.wait_for_topics([topic])
    run_settings.setenv("DATAENG_KAFKA_BOOTSTRAP", kafka_broker.bootstrap)
    result = drain(topic)
    found = {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}
    assert found[KEEPS_UP].passed
    assert found[KEEPS_UP].metadata["tier"].value == "ok"
    assert not found[FEW_DEAD_LETTERS].passed
    assert found[FEW_DEAD_LETTERS].metadata["outcome"].value == "not evaluated"


def test_a_run_that_takes_over_from_a_worker_tells_of_it(
    run_settings: pytest.MonkeyPatch, kafka_broker: Kafka, topic_name: str
) -> None:
    topic = topic_name.replace("-", "_")
    with closing(KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)) as admin:
        admin.create_topics([NewTopic(topic, 1, 1)])
        admin.wait_for_topics([topic])
    run_settings.setenv("DATAENG_KAFKA_BOOTSTRAP", kafka_broker.bootstrap)
    stream = declared(topic).stream(CONTRACT)
    note(stream, Kind.OWNERS, lambda _: {"0": "worker"}, told_by="worker")
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            assert drain(topic, instance).success
        [record] = instance.fetch_materializations(dg.AssetKey(stream.changes), limit=5).records
    assert record.asset_materialization is not None
    said = "1 of 1 partitions changed hands: 0 from worker to runs."
    assert record.asset_materialization.description == said
