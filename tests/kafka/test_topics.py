"""Topics from contracts: made and grown, never shrunk; on a real broker and, over many histories, by the plan alone."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from dataeng_assets.contracts.topic import TopicTerms
from dataeng_assets.kafka.acl import Acl, needed
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.kafka.topic_admin import PlanOutdated, TopicAdmin
from dataeng_assets.kafka.topics import ClusterFacts, Kind, LeftAlone, PartitionFound, TopicFound, plan_topic
from dataeng_assets.local.kafka import Kafka

DEFAULTS = {
    "retention.ms": "604800000", "retention.bytes": "-1", "cleanup.policy": "delete", "min.insync.replicas": "1",
    "compression.type": "producer", "max.message.bytes": "1048588", "unclean.leader.election.enable": "false",
    "message.timestamp.type": "CreateTime", "segment.ms": "604800000",
}  # fmt: skip
ONE, THREE = ClusterFacts(1), ClusterFacts(3)


def found(partitions: int = 3, replicas: int = 1, **configs: str) -> TopicFound:
    nodes = tuple(range(replicas))
    parts = tuple(PartitionFound(p, 0, nodes, nodes, 0, 10) for p in range(partitions))
    return TopicFound("t", "id", parts, {**DEFAULTS, **{k.replace("_", "."): v for k, v in configs.items()}})


def wanted(partitions: int | None = None, replicas: int | None = None, **configs: str) -> TopicTerms:
    return TopicTerms(partitions, replicas, {k.replace("_", "."): v for k, v in configs.items()})


def left(terms: TopicTerms, there: TopicFound, cluster: ClusterFacts = ONE) -> LeftAlone:
    plan = plan_topic("t", terms, there, cluster)
    assert not plan.steps
    [one] = plan.left_alone
    return one


@pytest.mark.parametrize(
    ("have", "want"),
    [
        (found(4), wanted(3)),
        (found(replicas=3), wanted(replicas=1)),
        (found(replicas=1), wanted(replicas=3)),
        (found(retention_ms="1000"), wanted(retention_ms="999")),
        (found(retention_ms="-1"), wanted(retention_ms="99999999999")),
        (found(retention_bytes="-1"), wanted(retention_bytes="1")),
        (found(replicas=3, min_insync_replicas="2"), wanted(min_insync_replicas="1")),
        (found(replicas=1), wanted(min_insync_replicas="2")),
        (found(), wanted(cleanup_policy="compact")),
        (found(), wanted(cleanup_policy="compact,delete")),
        (found(), wanted(unclean_leader_election_enable="true")),
        (found(), wanted(message_timestamp_type="LogAppendTime")),
        (found(), wanted(max_message_bytes="10")),
        (found(), wanted(no_such_setting="1")),
    ],
)
def test_what_would_lose_or_weaken_anything_is_left_to_a_person_with_advice(have: TopicFound, want: TopicTerms) -> None:
    assert left(want, have, THREE).advice


@pytest.mark.parametrize(
    ("have", "want"),
    [
        (found(3), wanted(4)),
        (found(), wanted(retention_ms="-1")),
        (found(retention_ms="10"), wanted(retention_ms="11")),
        (found(retention_bytes="10"), wanted(retention_bytes="-1")),
        (found(replicas=3), wanted(min_insync_replicas="2")),
        (found(cleanup_policy="compact,delete"), wanted(cleanup_policy="delete")),
        (found(cleanup_policy="compact,delete"), wanted(cleanup_policy="compact")),
        (found(), wanted(compression_type="zstd")),
        (found(unclean_leader_election_enable="true"), wanted(unclean_leader_election_enable="false")),
        (found(), wanted(segment_ms="1000")),
    ],
)
def test_what_loses_nothing_is_one_step(have: TopicFound, want: TopicTerms) -> None:
    plan = plan_topic("t", want, have, THREE)
    assert (len(plan.steps), plan.left_alone) == (1, ())


def test_more_partitions_come_with_a_warning_that_keys_move() -> None:
    [step] = plan_topic("t", wanted(4), found(3), ONE).steps
    assert "key" in step.warning
    assert "offset 0" in step.warning


def test_a_topic_without_a_number_of_partitions_is_not_made_by_guessing() -> None:
    plan = plan_topic("t", None, None, ONE)
    assert (plan.topic_id, plan.steps, [one.what for one in plan.left_alone]) == (None, (), ["partitions"])


def test_replicas_beyond_the_brokers_are_refused_except_on_a_local_cluster_which_says_so() -> None:
    terms = wanted(2, 3, min_insync_replicas="2")
    refused = plan_topic("t", terms, None, ONE)
    assert (refused.steps, [one.what for one in refused.left_alone]) == ((), ["replication.factor"])
    local = plan_topic("t", terms, None, replace(ONE, is_local=True))
    assert {step.what: step.after for step in local.steps} == {
        "partitions": "2", "replication.factor": "1", "min.insync.replicas": "1",
    }  # fmt: skip
    assert "3 replicas" in local.notes[0]


def test_rights_that_are_missing_are_granted_and_others_are_never_taken_away() -> None:
    terms = TopicTerms(readers=("dataeng",), producers=("User:web",))
    asked = {*needed("t", reader="dataeng", producer=None), *needed("t", reader=None, producer="web")}
    other = Acl("User:guest", "READ", "TOPIC", "t")
    plan = plan_topic("t", terms, found(), replace(ONE, acls=frozenset({other})))
    assert {step.acl for step in plan.steps} == asked
    again = plan_topic("t", terms, found(), replace(ONE, acls=frozenset({other, *asked})))
    assert again.agrees
    assert "checks no rights" in plan_topic("t", terms, found(), ONE).notes[0]


TERMS = st.builds(
    lambda partitions, configs: TopicTerms(partitions, None, {k: v for k, v in configs.items() if v is not None}),
    st.none() | st.integers(1, 5),
    st.fixed_dictionaries(
        {
            "retention.ms": st.none() | st.sampled_from(["-1", "60000", "604800000", "864000000"]),
            "retention.bytes": st.none() | st.sampled_from(["-1", "1000000", "2000000"]),
            "cleanup.policy": st.none() | st.sampled_from(["delete", "compact", "compact,delete"]),
            "compression.type": st.none() | st.sampled_from(["producer", "zstd", "lz4"]),
            "max.message.bytes": st.none() | st.sampled_from(["1000", "2000000"]),
            "min.insync.replicas": st.none() | st.sampled_from(["1", "2"]),
        }
    ),
)


def size(topic: TopicFound) -> dict[str, float]:
    """What must never become less."""
    configs = topic.configs
    unlimited = {
        name: float("inf") if configs[name] == "-1" else float(configs[name]) for name in DEFAULTS if "rete" in name
    }
    return {**unlimited, "partitions": len(topic.partitions), "message": float(configs["max.message.bytes"])}


@pytest.mark.server
def test_changes_in_any_order_never_shrink_a_topic_and_applying_twice_is_applying_once(kafka_broker: Kafka) -> None:
    count = iter(range(10_000))
    with TopicAdmin(Cluster(kafka_broker.bootstrap, allow_plaintext=True)) as admin:

        @given(history=st.lists(TERMS, min_size=2, max_size=4))
        @settings(max_examples=8, suppress_health_check=list(HealthCheck))
        def check(history: list[TopicTerms]) -> None:
            name, before = f"grown-{next(count)}", None
            for terms in [TopicTerms(1), *history]:
                plan = admin.plan(name, terms)
                admin.apply(plan, terms)
                after = admin.plan(name, terms)
                now = admin.find(name)
                assert now is not None
                assert not after.steps
                assert {one.what for one in after.left_alone} == {one.what for one in plan.left_alone}
                if before is not None:
                    assert all(size(now)[part] >= least for part, least in size(before).items())
                    assert before.id == now.id
                before = now

        check()


@pytest.fixture
def admin(kafka_broker: Kafka) -> Iterator[TopicAdmin]:
    with TopicAdmin(Cluster(kafka_broker.bootstrap, allow_plaintext=True)) as opened:
        yield opened


@pytest.mark.server
def test_a_topic_is_made_as_its_contract_says(admin: TopicAdmin, topic_name: str) -> None:
    terms = TopicTerms(3, 1, {"retention.ms": "-1", "cleanup.policy": "compact", "segment.ms": "3600000"})
    plan = admin.plan(topic_name, terms)
    assert admin.find(topic_name) is None, "planning makes nothing"
    admin.apply(plan, terms)
    topic = admin.find(topic_name)
    assert topic is not None
    assert len(topic.partitions) == 3
    assert terms.configs.items() <= topic.configs.items()
    assert topic.own_configs == set(terms.configs)
    assert admin.plan(topic_name, terms).agrees
    assert set(admin.sizes(topic_name)) == {0, 1, 2}


@pytest.mark.server
def test_settings_that_the_contract_does_not_name_stay(admin: TopicAdmin, topic_name: str, kafka_broker: Kafka) -> None:
    admin.apply(admin.plan(topic_name, TopicTerms(1)), TopicTerms(1))
    set_by_hand(kafka_broker, topic_name, {"segment.ms": "7200000"})
    terms = TopicTerms(2, None, {"retention.ms": "-1"})
    admin.apply(admin.plan(topic_name, terms), terms)
    topic = admin.find(topic_name)
    assert topic is not None
    assert (len(topic.partitions), topic.configs["segment.ms"], topic.configs["retention.ms"]) == (2, "7200000", "-1")


@pytest.mark.server
def test_a_plan_that_is_no_longer_true_is_not_done(admin: TopicAdmin, topic_name: str, kafka_broker: Kafka) -> None:
    admin.apply(admin.plan(topic_name, TopicTerms(1)), TopicTerms(1))
    terms = TopicTerms(1, None, {"retention.ms": "700000000"})
    plan = admin.plan(topic_name, terms)
    set_by_hand(kafka_broker, topic_name, {"retention.ms": "900000000"})
    with pytest.raises(PlanOutdated, match="Nothing was done"):
        admin.apply(plan, terms)
    topic = admin.find(topic_name)
    assert topic is not None
    assert topic.configs["retention.ms"] == "900000000"


@pytest.mark.server
def test_a_setting_that_no_broker_knows_is_refused_when_planning(admin: TopicAdmin, topic_name: str) -> None:
    with pytest.raises(KafkaProblem, match="refused"):
        admin.plan(topic_name, TopicTerms(1, None, {"retention.mss": "1"}))
    assert admin.find(topic_name) is None


@pytest.mark.server
def test_a_broker_without_an_authorizer_is_told_and_grants_nothing(admin: TopicAdmin, topic_name: str) -> None:
    terms = TopicTerms(1, readers=("dataeng",))
    plan = admin.plan(topic_name, terms)
    assert "checks no rights" in plan.notes[0]
    assert Kind.ACL not in {step.kind for step in plan.steps}


def set_by_hand(broker: Kafka, topic: str, configs: Mapping[str, str]) -> None:
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(configs))], incremental=True)
    finally:
        client.close()
