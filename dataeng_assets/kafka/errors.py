"""What can go wrong between us and a cluster, by name."""


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
