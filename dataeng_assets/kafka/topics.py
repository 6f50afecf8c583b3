"""How a topic differs from what its contract demands, and which of the differences may be mended by a machine.

Topics only grow: one is made, gets partitions, keeps records longer, lets somebody in. What would delete a record,
weaken its safety or change what it means is told to a person instead. A pure function of both sides; asking a cluster
and changing it belong in `topic_admin`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dataeng_assets.contracts.topic import TopicTerms
from dataeng_assets.kafka.acl import Acl, needed

UNLIMITED = "-1"
_RETENTION = ("retention.ms", "retention.bytes")
_MAY_ONLY_GROW = (
    *_RETENTION,
    "delete.retention.ms",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "min.compaction.lag.ms",
    "min.insync.replicas",
)
_MEANING = ("message.timestamp.type",)
_POLICY, _IN_SYNC, _UNCLEAN = "cleanup.policy", "min.insync.replicas", "unclean.leader.election.enable"
PARTITIONS, REPLICAS = "partitions", "replication.factor"


class Kind(StrEnum):
    """What a step changes."""

    CREATE = "create"
    PARTITIONS = "partitions"
    CONFIG = "config"
    ACL = "acl"


@dataclass(frozen=True)
class PartitionFound:
    """One partition as its cluster describes it; `end` is its last stable offset, exclusive, `leader` -1 for none."""

    index: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    earliest: int
    end: int


@dataclass(frozen=True)
class TopicFound:
    """One topic as its cluster describes it.

    Attributes:
        configs: every setting in force, also those that nobody set.
        own_configs: names of the settings that were set for this topic.
    """

    name: str
    id: str
    partitions: tuple[PartitionFound, ...]
    configs: Mapping[str, str]
    own_configs: frozenset[str] = frozenset()

    @property
    def replicas(self) -> int:
        """Of the partition that has the fewest."""
        return min((len(partition.replicas) for partition in self.partitions), default=0)


@dataclass(frozen=True)
class ClusterFacts:
    """What a plan must know of the cluster.

    Attributes:
        brokers: how many there are.
        acls: rights that are granted literally on topics; None where the cluster has no authorizer.
        is_local: whether a contract's number of replicas may be more than there are brokers.
    """

    brokers: int
    acls: frozenset[Acl] | None = None
    is_local: bool = False


@dataclass(frozen=True)
class Step:
    """A change that loses nothing.

    Attributes:
        what: is changed: a setting, the partitions, or a right.
        before: None where there was nothing.
        warning: what it means for others.
        acl: the right that is granted.
    """

    kind: Kind
    what: str
    before: str | None
    after: str
    warning: str = ""
    acl: Acl | None = None


@dataclass(frozen=True)
class LeftAlone:
    """A difference that is never mended by a machine, and what a person can do."""

    what: str
    found: str
    wanted: str
    advice: str


@dataclass(frozen=True)
class TopicPlan:
    """What is to be done to one topic.

    Attributes:
        topic_id: of the topic that was compared; None when it is to be made.
        notes: what was decided differently than the contract says, because this is a local cluster.
    """

    topic: str
    topic_id: str | None
    steps: tuple[Step, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def agrees(self) -> bool:
        """Whether the topic is as its contract says."""
        return not self.steps and not self.left_alone


def plan_topic(name: str, terms: TopicTerms | None, found: TopicFound | None, cluster: ClusterFacts) -> TopicPlan:
    """Compare one topic with its terms.

    Args:
        name: of the topic.
        terms: what its contract demands; None when that says nothing of the topic itself.
        found: the topic, if there is one.
        cluster: where it is.

    Returns:
        Steps in the order in which they are to be done; none when nothing can or need be done.
    """
    wanted, notes = _within_reach(terms or TopicTerms(), cluster)
    acls, missing_authorizer = _acl_steps(name, wanted, cluster)
    if missing_authorizer:
        notes = (*notes, missing_authorizer)
    if found is None:
        return _new(name, wanted, acls, notes, cluster)
    partition_steps, left = _partitions(wanted, found)
    differences = [_config(config, value, found) for config, value in sorted(wanted.configs.items())]
    steps = [*partition_steps, *(one for one in differences if isinstance(one, Step)), *acls]
    left += [one for one in differences if isinstance(one, LeftAlone)]
    return TopicPlan(name, found.id, tuple(steps), tuple(left), notes)


def _within_reach(terms: TopicTerms, cluster: ClusterFacts) -> tuple[TopicTerms, tuple[str, ...]]:
    """On a local cluster, no more replicas than it has brokers."""
    replicas, in_sync = terms.replication_factor, int(terms.configs.get(_IN_SYNC, 0))
    if not cluster.is_local or max(replicas or 0, in_sync) <= cluster.brokers:
        return terms, ()
    configs = dict(terms.configs)
    if in_sync > cluster.brokers:
        configs[_IN_SYNC] = str(cluster.brokers)
    capped = min(replicas, cluster.brokers) if replicas else None
    note = (
        f"The contract asks for {max(replicas or 0, in_sync)} replicas; the local cluster can hold {cluster.brokers}."
    )
    return TopicTerms(terms.partitions, capped, configs, terms.readers, terms.producers), (note,)


def _new(name: str, wanted: TopicTerms, acls: list[Step], notes: tuple[str, ...], cluster: ClusterFacts) -> TopicPlan:
    if wanted.partitions is None:
        left = LeftAlone(
            PARTITIONS, "no topic", "not said",
            "say in the contract's custom property `topic` how many partitions it shall have: their number decides how "
            "far the stream can be shared, and later growth moves keys",
        )  # fmt: skip
        return TopicPlan(name, None, (), (left,), notes)
    replicas = wanted.replication_factor
    if replicas is not None and replicas > cluster.brokers:
        left = LeftAlone(
            REPLICAS, f"{cluster.brokers} brokers", str(replicas),
            "add brokers, or ask for fewer replicas in the contract; nothing of the topic is made before",
        )  # fmt: skip
        return TopicPlan(name, None, (), (left,), notes)
    steps = [Step(Kind.CREATE, PARTITIONS, None, str(wanted.partitions))]
    if replicas is not None:
        steps.append(Step(Kind.CREATE, REPLICAS, None, str(replicas)))
    steps += [Step(Kind.CREATE, config, None, value) for config, value in sorted(wanted.configs.items())]
    return TopicPlan(name, None, (*steps, *acls), (), notes)


def _partitions(wanted: TopicTerms, found: TopicFound) -> tuple[list[Step], list[LeftAlone]]:
    steps, left, have = [], [], len(found.partitions)
    if wanted.partitions is not None and wanted.partitions > have:
        steps.append(
            Step(
                Kind.PARTITIONS,
                PARTITIONS,
                str(have),
                str(wanted.partitions),
                "a key may move to another partition, so the order of its old and new records is lost; the stream "
                "takes the new partitions from offset 0",
            )
        )
    if wanted.partitions is not None and wanted.partitions < have:
        left.append(
            LeftAlone(
                PARTITIONS,
                str(have),
                str(wanted.partitions),
                "Kafka cannot take partitions away: write the number it has into the contract, or make a new topic",
            )
        )
    if wanted.replication_factor is not None and wanted.replication_factor != found.replicas:
        left.append(
            LeftAlone(
                REPLICAS,
                str(found.replicas),
                str(wanted.replication_factor),
                "copying partitions loads the brokers, so a person chooses the moment: kafka-reassign-partitions.sh",
            )
        )
    return steps, left


def _config(name: str, wanted: str, found: TopicFound) -> Step | LeftAlone | None:
    """The step to a setting, why it is not taken, or None where it is in force."""
    if name not in found.configs:
        return LeftAlone(name, "unknown to the broker", wanted, "correct the name in the contract's `configs`")
    have = found.configs[name]
    if _settled(name, have) == _settled(name, wanted):
        return None
    refusal = _refusal(name, have, wanted, found)
    if refusal:
        return LeftAlone(name, have, wanted, refusal)
    return Step(Kind.CONFIG, name, have, wanted)


def _settled(name: str, value: str) -> str:
    if name == _POLICY:
        return ",".join(sorted(value.replace(" ", "").split(",")))
    return value.lower()


def _refusal(name: str, have: str, wanted: str, found: TopicFound) -> str:
    """Why a change is a person's decision; empty when it loses nothing."""
    command = f"if it is meant: kafka-configs.sh --alter --entity-type topics --entity-name {found.name}"
    by_hand = f"{command} --add-config '{name}={wanted if ',' not in wanted else f'[{wanted}]'}'"
    if name in _MAY_ONLY_GROW and _is_less(name, wanted, have):
        weakened = name == _IN_SYNC
        meaning = "an acknowledged record would be on fewer brokers" if weakened else "records would go, or be refused"
        return f"{meaning}; {by_hand}"
    if name == _IN_SYNC and _number(wanted) > found.replicas:
        return f"the topic has {found.replicas} replicas, so every producer that waits for all would be refused"
    if name == _POLICY and not set(_settled(name, wanted).split(",")) <= set(_settled(name, have).split(",")):
        return f"the broker would begin to remove records that it keeps now; {by_hand}"
    if name == _UNCLEAN and wanted == "true":
        return f"a broker that lacks acknowledged records could become leader, and they would be gone; {by_hand}"
    if name in _MEANING:
        return f"records before and after would have timestamps of different meaning; {by_hand}"
    return ""


def _is_less(name: str, one: str, other: str) -> bool:
    if name in _RETENTION and UNLIMITED in (one, other):
        return other == UNLIMITED and one != UNLIMITED
    return _number(one) < _number(other)


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("inf")  # the broker says what is wrong with it


def _acl_steps(name: str, wanted: TopicTerms, cluster: ClusterFacts) -> tuple[list[Step], str]:
    """The rights that are missing; a note where the cluster checks none."""
    asked = sorted(set(_rights(name, wanted)))
    if not asked or cluster.acls is None:
        said = f"The cluster checks no rights, so none is granted to {', '.join(sorted({a.principal for a in asked}))}."
        return [], said if asked else ""
    missing: Collection[Acl] = [acl for acl in asked if acl not in cluster.acls]
    return [Step(Kind.ACL, f"{acl.operation} {acl.name}", None, acl.principal, acl=acl) for acl in missing], ""


def _rights(name: str, wanted: TopicTerms) -> Iterator[Acl]:
    for reader in wanted.readers:
        yield from needed(name, reader=reader, producer=None)
    for producer in wanted.producers:
        yield from needed(name, reader=None, producer=producer)
