"""Several real brokers that are one cluster, for tests of what happens when a leader dies or is replaced.

The first node is the controller too, and stays; the others are brokers alone, and may be killed. The fixture over it
belongs in `servers`, how one broker is started in `local.kafka`.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaConnectionError

from dataeng_assets.local import kafka, process
from dataeng_assets.local.kafka import Kafka, Listeners

CONTROLLER = 1
MORTAL = (2, 3)
"""Nodes that may be killed: the cluster goes on without one of them."""

Guard = Callable[[int, Path], AbstractContextManager[None]]

_ANSWER_SECONDS = 60
_PREFERRED = 0  # the kind of election in which the first replica that is in sync wins
_JAVA = ("-Xmx256m",)

# A broker that died is noticed after three seconds instead of nine.
_FIRST = """\
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
broker.session.timeout.ms=3000
"""
_OTHER = """\
process.roles=broker
node.id=<node>
controller.quorum.bootstrap.servers=<controller>
listeners=PLAINTEXT://{host}:{port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
broker.heartbeat.interval.ms=500
"""


class KafkaCluster:
    """Three brokers of one cluster, in one folder.

    Args:
        folder: an empty one.
        guard: given a process id and the folder, ends the process with this one.

    Attributes:
        nodes: those that run, by id.
    """

    def __init__(self, folder: Path, guard: Guard) -> None:
        self._folder, self._guard = folder, guard
        self._guards: dict[int, ExitStack] = {}
        self._addresses: dict[int, str] = {}
        self.nodes: dict[int, Kafka] = {}

    @property
    def bootstrap(self) -> str:
        """The addresses of all nodes, also of one that is dead: first those that may die."""
        return ",".join(self._addresses[node] for node in (*MORTAL, CONTROLLER))

    def start(self, *nodes: int) -> None:
        """Start nodes, all at once, and wait until the cluster counts on them."""
        with ThreadPoolExecutor(len(nodes)) as pool:
            for node, broker in zip(nodes, pool.map(self._start, nodes), strict=True):
                self.nodes[node], self._addresses[node] = broker, broker.bootstrap
                self._guards[node] = ExitStack()
                self._guards[node].enter_context(self._guard(broker.pid, self._folder))

    def start_dead(self) -> None:
        """Start those that were killed again."""
        if dead := [node for node in MORTAL if node not in self.nodes]:
            self.start(*dead)

    def kill(self, node: int) -> None:
        """End one of `MORTAL` as the kernel or a power cut would."""
        broker = self.nodes.pop(node)
        self._guards.pop(node).close()
        os.kill(broker.pid, signal.SIGKILL)
        if not process.wait_until(lambda: not process.lives(broker.home), _ANSWER_SECONDS):
            raise process.ServiceError(f"Node {node} of the cluster in {self._folder} outlived SIGKILL.")

    def close(self) -> None:
        """End every node; the controller last."""
        for guard in self._guards.values():
            guard.close()
        for node in (*MORTAL, CONTROLLER):
            kafka.stop(self._home(node))

    def make_topic(self, name: str, replicas: Mapping[int, Sequence[int]]) -> None:
        """Make a topic that takes a record when two nodes have it, and that keeps records of any age.

        Args:
            name: of the topic.
            replicas: nodes by partition, the leader first.
        """
        configs = {"min.insync.replicas": "2", "retention.ms": "-1"}
        assignments = {partition: list(nodes) for partition, nodes in replicas.items()}
        with self._admin() as admin:
            admin.create_topics({name: {"assignments": assignments, "configs": configs}}, wait_for_metadata=True)
        for partition in replicas:
            self._wait_for(name, partition, lambda found: set(found["isr_nodes"]) == set(found["replica_nodes"]))

    def wait_for_leader(self, topic: str, partition: int, *, besides: int) -> None:
        """Wait until another node than one leads a partition."""
        self._wait_for(topic, partition, lambda found: found["leader_id"] not in (-1, besides))

    def move_leader(self, topic: str, partition: int, node: int) -> None:
        """Have another replica lead a partition, as an operator does who balances load."""
        place = TopicPartition(topic, partition)
        others = [one for one in self._partition(topic, partition)["replica_nodes"] if one != node]
        [refused] = self._asked(lambda admin: admin.alter_partition_reassignments({place: [node, *others]})).values()
        if refused is not None:
            raise refused
        self._asked(lambda admin: admin.elect_leaders(_PREFERRED, {topic: [partition]}))
        self._wait_for(topic, partition, lambda found: found["leader_id"] == node)

    def _start(self, node: int) -> Kafka:
        first = self.nodes.get(CONTROLLER)
        log = self._folder / f"kafka-{node}.log"
        if first is None:
            return kafka.start(self._home(node), log=log, listeners=self._listeners(node, _FIRST))
        properties = _OTHER.replace("<node>", str(node)).replace("<controller>", _controller(first))
        joins = kafka.cluster_id(first.home)
        return kafka.start(self._home(node), log=log, listeners=self._listeners(node, properties), joins=joins)

    def _listeners(self, node: int, properties: str) -> Listeners:
        home, log = self._home(node), self._folder / f"kafka-{node}.log"
        return Listeners(properties, _JAVA, lambda pid, port: Kafka(home, log, pid, port))

    def _home(self, node: int) -> Path:
        return self._folder / f"kafka-{node}"

    def _partition(self, topic: str, partition: int) -> dict[str, Any]:
        [described] = self._asked(lambda admin: admin.describe_topics([topic]))
        return next(one for one in described["partitions"] if one["partition_index"] == partition)

    def _wait_for(self, topic: str, partition: int, holds: Callable[[dict[str, Any]], bool]) -> None:
        found: dict[str, Any] = {}

        def asked() -> bool:
            found.update(self._partition(topic, partition))
            return holds(found)

        if not process.wait_until(asked, _ANSWER_SECONDS):
            raise process.ServiceError(f"Partition {partition} of {topic} in {self._folder} stays at {found}.")

    def _asked(self, ask: Callable[[KafkaAdminClient], Any]) -> Any:
        """What the cluster answers; the client asks any node, also one that has just died, and then is tried anew."""
        answers = list[Any]()

        def answered() -> bool:
            try:
                with self._admin() as admin:
                    answers.append(ask(admin))
            except KafkaConnectionError:
                return False
            return True

        if not process.wait_until(answered, _ANSWER_SECONDS):
            raise process.ServiceError(f"No node of the cluster in {self._folder} answers.")
        return answers[0]

    @contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        client = KafkaAdminClient(bootstrap_servers=self.nodes[CONTROLLER].bootstrap)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def kafka_cluster_in(folder: Path, guard: Guard) -> Iterator[KafkaCluster]:
    """A cluster of three nodes in an empty folder, on free ports, each of them guarded."""
    cluster = KafkaCluster(folder, guard)
    try:
        cluster.start(CONTROLLER)
        cluster.start(*MORTAL)
        yield cluster
    finally:
        cluster.close()


def _controller(first: Kafka) -> str:
    """Address at which the first node is the controller."""
    text = (first.home / "server.properties").read_text(encoding="utf-8")
    return text.rpartition(",CONTROLLER://")[2].partition("\n")[0]
