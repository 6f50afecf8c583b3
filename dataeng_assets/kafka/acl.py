"""The rights that a stream and its producer need on their topic, and no others.

Granting them belongs in the commands on topics. Kafka's READ and WRITE each include DESCRIBE: finding partitions and
offsets needs no right of its own. Partitions are assigned and progress lives in the table, so that a reader needs no
right on any group; an idempotent producer needs none on the cluster.
"""

from dataclasses import dataclass

TOPIC = "TOPIC"
_READER = ("READ", "DESCRIBE_CONFIGS")  # the second tells whether the topic is compacted
_PRODUCER = ("WRITE",)
_USER = "User:"


@dataclass(frozen=True, order=True)
class Acl:
    """One right, as Kafka's `kafka-acls` spells it: allowed, from every host.

    Attributes:
        principal: `User:` and a name; the name of a client certificate is its whole subject, `User:CN=reader`.
        operation: READ, WRITE, DESCRIBE_CONFIGS …
        resource_type: TOPIC.
        name: of the resource, literally and never a prefix.
    """

    principal: str
    operation: str
    resource_type: str
    name: str


def needed(topic: str, *, reader: str | None, producer: str | None) -> tuple[Acl, ...]:
    """The rights on one topic.

    Args:
        topic: its name.
        reader: user of the stream that reads it, with or without `User:`; none is granted anything when None.
        producer: user that writes it, likewise.

    Returns:
        The smallest set with which the stream drains, verifies and measures its lag and the producer sends, sorted.

    Raises:
        ValueError: a name is empty or `*`, which would grant the right to everybody.
    """
    asked = [(reader, _READER), (producer, _PRODUCER)]
    return tuple(
        sorted(
            Acl(_principal(user), operation, TOPIC, topic)
            for user, operations in asked
            if user is not None
            for operation in operations
        )
    )


def _principal(user: str) -> str:
    name = user.removeprefix(_USER)
    if name.strip() in ("", "*"):
        raise ValueError(f"{user!r} names nobody or everybody. Nothing was granted. Name one user.")
    return f"{_USER}{name}"
