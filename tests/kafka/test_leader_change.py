"""What is read and written while a node of the cluster dies, or hands a partition over to another."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.producer import Outgoing, Producer
from dataeng_assets.kafka.reader import READERS, open_reader
from dataeng_assets.kafka.records import Range
from dataeng_assets.testing.clustered import CONTROLLER, MORTAL, KafkaCluster

pytestmark = pytest.mark.server

ONE, OTHER = MORTAL
Change = Callable[[KafkaCluster, str], None]


def die(cluster: KafkaCluster, topic: str) -> None:
    cluster.kill(ONE)
    cluster.wait_for_leader(topic, 0, besides=ONE)


def hand_over(cluster: KafkaCluster, topic: str) -> None:
    cluster.move_leader(topic, 0, OTHER)


@pytest.fixture(params=READERS)
def cluster(kafka_cluster: KafkaCluster, request: pytest.FixtureRequest) -> Cluster:
    return Cluster(kafka_cluster.bootstrap, allow_plaintext=True, reader=request.param)


@pytest.fixture
def topic(kafka_cluster: KafkaCluster, topic_name: str) -> str:
    """Two partitions, led by the node that goes and by one that stays."""
    kafka_cluster.make_topic(topic_name, {0: [ONE, OTHER, CONTROLLER], 1: [CONTROLLER, ONE, OTHER]})
    return topic_name


def send(cluster: Cluster, topic: str, numbers: range) -> None:
    with Producer(cluster, topic) as producer:
        for number in numbers:
            producer.send(number, Outgoing(b"%d" % number, partition=number % 2))


@pytest.mark.parametrize("change", [die, hand_over])
def test_a_read_goes_on_with_the_next_leader_where_it_was(
    kafka_cluster: KafkaCluster, cluster: Cluster, topic: str, change: Change
) -> None:
    send(cluster, topic, range(4000))
    with open_reader(cluster, topic) as reader, ThreadPoolExecutor(1) as pool:
        found = [reader.read({0: Range(0, 700), 1: Range(0, 1000)})]
        # it fetches from the leader that goes, and waits there for records that only the next one takes
        read = pool.submit(reader.read, {0: Range(700, 3000), 1: Range(1000, 3000)})
        change(kafka_cluster, topic)
        send(cluster, topic, range(4000, 6000))
        found += [read.result(), reader.read({0: Range(2000, 2100)})]
        assert reader.positions() == {0: 2100, 1: 3000}
    with Admin(cluster) as admin, open_reader(cluster, topic) as reader:  # the first address is that of the dead node
        ends = admin.describe(topic).ends
        assert ends == {0: 3000, 1: 3000}
        assert len(reader.read({partition: Range(0, end) for partition, end in ends.items()})) == 6000
    assert [sorted(map(int, part["value"].to_pylist())) for part in found] == [
        sorted([*range(0, 1400, 2), *range(1, 2000, 2)]),
        sorted([*range(1400, 6000, 2), *range(2001, 6000, 2)]),
        list(range(4000, 4200, 2)),
    ]


@pytest.mark.parametrize("change", [die, hand_over])
def test_records_are_delivered_once_each_over_a_change_of_leader(
    kafka_cluster: KafkaCluster, topic: str, change: Change
) -> None:
    cluster = Cluster(kafka_cluster.bootstrap, allow_plaintext=True)
    with Producer(cluster, topic) as producer, ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change, kafka_cluster, topic)
        number = 0
        while not changing.done() or number < 20_000:
            producer.send(number, Outgoing(b"%d" % number, partition=number % 2))
            number += 1
        changing.result()
    with Admin(cluster) as admin:
        ends = admin.describe(topic).ends
    assert {p: (one.records, one.first, one.last) for p, one in producer.delivered.items()} == {
        p: (end, 0, end - 1) for p, end in ends.items()
    }
    with open_reader(cluster, topic) as reader:
        found = reader.read({p: Range(0, end) for p, end in ends.items()})
    assert Counter(map(int, found["value"].to_pylist())) == Counter(range(number)), "each once"
    for partition in ends:
        ours = found.filter([one == partition for one in found["partition"].to_pylist()])
        assert ours["value"].to_pylist() == [b"%d" % n for n in range(partition, number, 2)], "in order"
