"""Asking a cluster about topics in full, and making the changes that a plan of `topics` allows. Never deletes anything.

What a stream asks while it runs belongs in `admin`.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from kafka import IsolationLevel, KafkaAdminClient, TopicPartition
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    OffsetSpec,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import KafkaError, SecurityDisabledError, TopicAuthorizationFailedError, for_code

from dataeng_assets.contracts.topic import TopicTerms
from dataeng_assets.kafka.acl import Acl
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import BrokerUnreachable, KafkaProblem, named
from dataeng_assets.kafka.handshake import shake_hands
from dataeng_assets.kafka.topics import (
    PARTITIONS,
    REPLICAS,
    ClusterFacts,
    Kind,
    PartitionFound,
    TopicFound,
    TopicPlan,
    plan_topic,
)

_UNKNOWN_TOPIC = 3  # error code UNKNOWN_TOPIC_OR_PARTITION of a metadata response
_EVERY_HOST = "*"
_SHOWN_WITHIN_SECONDS = 15


class PlanOutdated(KafkaProblem):
    """The cluster is no longer as it was when the plan was made; what the plan says was not done."""

    retryable = True


class TopicAdmin:
    """One connection for looking at topics and changing them. Use it as a context."""

    def __init__(self, cluster: Cluster, *, timeout: timedelta = timedelta(seconds=15)) -> None:
        milliseconds = int(timeout.total_seconds() * 1000)
        self._bootstrap = cluster.bootstrap
        self._is_local = cluster.allow_plaintext
        shake_hands(cluster)
        try:
            self._client = KafkaAdminClient(
                **cluster.options(), request_timeout_ms=milliseconds, bootstrap_timeout_ms=milliseconds
            )
        except KafkaError as error:
            raise named(self._bootstrap, "connecting", error) from error

    def __enter__(self) -> "TopicAdmin":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def find(self, topic: str) -> TopicFound | None:
        """A topic with partitions, offsets and settings; None when there is none.

        Raises:
            KafkaProblem: with `retryable`.
        """
        try:
            [said] = self._client.describe_topics([topic])
            if said["error_code"] == _UNKNOWN_TOPIC:
                return None
            if said["error_code"]:
                raise for_code(said["error_code"])
            configs = self._configs(topic)
            return TopicFound(
                topic,
                str(said["topic_id"]),
                self._partitions(topic, said["partitions"]),
                {name: str(one["value"]) for name, one in configs.items()},
                frozenset(name for name, one in configs.items() if one["config_source"] == "DYNAMIC_TOPIC_CONFIG"),
            )
        except KafkaError as error:
            raise named(self._bootstrap, f"describing topic {topic}", error) from error

    def sizes(self, topic: str) -> dict[int, int]:
        """Bytes of each partition on its largest replica; empty where the cluster does not tell this user."""
        try:
            brokers: list[dict[str, Any]] = self._client.describe_log_dirs([topic])
        except KafkaError:
            return {}
        sizes: dict[int, int] = {}
        for folder in (folder for broker in brokers for folder in broker["log_dirs"]):
            for partition in (one for found in folder["topics"] for one in found["partitions"]):
                index = int(partition["partition_index"])
                sizes[index] = max(sizes.get(index, 0), int(partition["partition_size"]))
        return sizes

    def facts(self, topic: str, *, with_acls: bool) -> ClusterFacts:
        """What a plan for a topic must know of the cluster.

        Args:
            topic: whose rights are of interest.
            with_acls: whether to ask for them, which takes the right to describe the cluster.

        Raises:
            KafkaProblem: with `retryable`.
        """
        try:
            brokers = len(self._client.describe_cluster()["brokers"])
            return ClusterFacts(brokers, self._acls(topic) if with_acls else None, self._is_local)
        except KafkaError as error:
            raise named(self._bootstrap, f"describing the cluster and the rights on topic {topic}", error) from error

    def plan(self, topic: str, terms: TopicTerms | None) -> TopicPlan:
        """Compare a topic with its terms; a topic that is to be made is tried out on the broker without making it.

        Raises:
            KafkaProblem: with `retryable`.
        """
        principals = bool(terms and (terms.readers or terms.producers))
        plan = plan_topic(topic, terms, self.find(topic), self.facts(topic, with_acls=principals))
        if plan.topic_id is None and plan.steps:
            self._create(plan, validate_only=True)
        return plan

    def apply(self, plan: TopicPlan, terms: TopicTerms | None) -> None:
        """Do a plan's steps, when the topic still is as it was when the plan was made.

        Raises:
            PlanOutdated: it is not; nothing was done.
            KafkaProblem: the broker refused a step; the steps before it are done, and planning again shows the rest.
        """
        if self.plan(plan.topic, terms) != plan:
            raise PlanOutdated(
                f"Topic {plan.topic} was changed after the plan was made. Nothing was done. Plan again, and look at "
                "what the plan says now: `dataeng topics plan`."
            )
        if any(step.kind is Kind.CREATE for step in plan.steps):
            self._create(plan, validate_only=False)
        for step in plan.steps:
            if step.kind is Kind.PARTITIONS:
                self._change(plan.topic, lambda to=step.after: self._client.create_partitions({plan.topic: int(to)}))
        configs = {step.what: step.after for step in plan.steps if step.kind is Kind.CONFIG}
        if configs:
            resource = ConfigResource(ConfigResourceType.TOPIC, plan.topic, configs)
            # the older way would set back every setting that is not named
            self._change(plan.topic, lambda: self._client.alter_configs([resource], incremental=True))
        self.grant([step.acl for step in plan.steps if step.acl])
        self._await(plan.topic, terms)

    def _await(self, topic: str, terms: TopicTerms | None) -> None:
        """Wait until the brokers show what the controller has taken, which they may hear of a moment later."""
        deadline = time.monotonic() + _SHOWN_WITHIN_SECONDS
        while not self._shows(topic, terms):
            if time.monotonic() > deadline:
                raise BrokerUnreachable(
                    f"Kafka at {self._bootstrap} took the changes to topic {topic} and does not show them after "
                    f"{_SHOWN_WITHIN_SECONDS} s. Nothing is lost; look again with `dataeng topics plan`."
                )
            time.sleep(0.05)

    def _shows(self, topic: str, terms: TopicTerms | None) -> bool:
        try:
            return not self.plan(topic, terms).steps
        except KafkaProblem as error:
            if not error.retryable:
                raise
            return False  # a new partition has no leader for a moment

    def _create(self, plan: TopicPlan, *, validate_only: bool) -> None:
        said = {step.what: step.after for step in plan.steps if step.kind is Kind.CREATE}
        topic = {
            "num_partitions": int(said.pop(PARTITIONS)),
            "replication_factor": int(said.pop(REPLICAS, -1)),
            "configs": said,
        }
        self._change(
            plan.topic,
            lambda: self._client.create_topics(
                {plan.topic: topic}, validate_only=validate_only, wait_for_metadata=not validate_only
            ),
        )

    def grant(self, acls: Sequence[Acl]) -> None:
        """Grant rights; those that are there already stay.

        Raises:
            KafkaProblem: with `retryable`.
        """
        if not acls:
            return
        try:
            done = self._client.create_acls([_of_ours(acl) for acl in acls])
        except KafkaError as error:
            raise named(self._bootstrap, f"granting rights on topic {acls[0].name}", error) from error
        for failure in done["failed"]:
            raise named(self._bootstrap, f"granting rights on topic {acls[0].name}", failure())

    def _change(self, topic: str, change: Any) -> None:
        try:
            change()
        except KafkaError as error:
            raise named(self._bootstrap, f"changing topic {topic}", error) from error
        except ValueError as error:  # how kafka-python says that the broker knows no such setting
            raise KafkaProblem(
                f"Kafka at {self._bootstrap} refused changing topic {topic}: {error}. Correct the contract's `topic`."
            ) from error

    def _configs(self, topic: str) -> dict[str, dict[str, Any]]:
        asked = ConfigResource(ConfigResourceType.TOPIC, topic)
        found = self._client.describe_configs([asked], config_filter="all")
        if not found["topic"][topic]:  # all that is told to somebody who may not see the settings
            raise TopicAuthorizationFailedError("DESCRIBE_CONFIGS")
        return dict(found["topic"][topic])

    def _partitions(self, topic: str, said: Iterable[dict[str, Any]]) -> tuple[PartitionFound, ...]:
        places = sorted((TopicPartition(topic, one["partition_index"]), one) for one in said)
        earliest, ends = (
            self._client.list_partition_offsets(
                dict.fromkeys((place for place, _ in places), spec), isolation_level=IsolationLevel.READ_COMMITTED
            )
            for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
        )
        return tuple(
            PartitionFound(
                place.partition,
                int(one["leader_id"]),
                tuple(one["replica_nodes"]),
                tuple(one["isr_nodes"]),
                int(earliest[place].offset),
                int(ends[place].offset),
            )
            for place, one in places
        )

    def _acls(self, topic: str) -> frozenset[Acl] | None:
        of_topic = ResourcePatternFilter(ResourceType.TOPIC, topic, ACLResourcePatternType.LITERAL)
        try:
            found, _ = self._client.describe_acls(
                ACLFilter(None, _EVERY_HOST, ACLOperation.ANY, ACLPermissionType.ALLOW, of_topic)
            )
        except SecurityDisabledError:
            return None
        return frozenset(Acl(one.principal, one.operation.name, ResourceType.TOPIC.name, topic) for one in found)


def _of_ours(acl: Acl) -> ACL:
    return ACL(
        acl.principal,
        _EVERY_HOST,
        ACLOperation[acl.operation],
        ACLPermissionType.ALLOW,
        ResourcePattern(ResourceType[acl.resource_type], acl.name),
    )
