"""What can go wrong between us and a cluster, by name."""

from kafka.errors import InvalidMetadataError, KafkaError, RetriableError


class KafkaProblem(Exception):
    """A failure of talking to Kafka.

    Attributes:
        retryable: whether doing the same again later can succeed.
    """

    retryable = False


class BrokerUnreachable(KafkaProblem):
    """No broker answered in time."""

    retryable = True


class ReadStalled(KafkaProblem):
    """A broker answered, but its records did not come in time."""

    retryable = True


class TopicMissing(KafkaProblem):
    """The cluster has no topic of this name."""


class OffsetsGone(KafkaProblem):
    """The broker no longer has, or does not yet have, an offset that was asked for."""


def named(bootstrap: str, doing: str, error: KafkaError) -> KafkaProblem:
    """What a client's error means to us."""
    cause = f"({type(error).__name__})"
    if isinstance(error, RetriableError | InvalidMetadataError):
        return BrokerUnreachable(
            f"Kafka at {bootstrap} did not answer while {doing} {cause}. Nothing was committed; trying again is safe. "
            "The local broker is started by `dataeng up`."
        )
    return KafkaProblem(
        f"Kafka at {bootstrap} refused {doing} {cause}: {error}. Nothing was committed. Trying again will not help; "
        "check the address, the user's rights and the topic."
    )
