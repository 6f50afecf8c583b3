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
    """What an error of kafka-python means to us."""
    passes = isinstance(error, RetriableError | InvalidMetadataError)
    return problem(bootstrap, doing, type(error).__name__, str(error), passes=passes)


def problem(bootstrap: str, doing: str, cause: str, told: str, *, passes: bool) -> KafkaProblem:
    """What a client's error means to us.

    Args:
        bootstrap: where the cluster is.
        doing: what was tried.
        cause: the error's name.
        told: what the client says about it.
        passes: whether it may be over when the same is tried again.
    """
    if passes:
        return BrokerUnreachable(
            f"Kafka at {bootstrap} did not answer while {doing} ({cause}). Nothing was committed; trying again is "
            "safe. The local broker is started by `dataeng up`."
        )
    return KafkaProblem(
        f"Kafka at {bootstrap} refused {doing} ({cause}): {told}. Nothing was committed. Trying again will not help; "
        "check the address, the user's rights and the topic."
    )
