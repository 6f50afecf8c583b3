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


class NotAuthenticated(KafkaProblem):
    """A broker did not believe who we are."""


class TokenMissing(NotAuthenticated):
    """There is no token with which to prove who we are."""


class CertificateRefused(KafkaProblem):
    """We do not believe a broker's certificate, or it does not believe ours, or a file of them cannot be used."""


class NotAuthorized(KafkaProblem):
    """A broker knows who we are, and does not let us."""


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
    kind = cause.replace("_", "").upper()
    if "AUTHORIZATION" in kind:
        return _not_authorized(bootstrap, doing, cause)
    if "SASL" in kind or "AUTHENTICATION" in kind:
        return _not_authenticated(bootstrap, doing, cause, told)
    if passes:
        return BrokerUnreachable(
            f"Kafka at {bootstrap} did not answer while {doing} ({cause}). Nothing was committed; trying again is "
            "safe. The local broker is started by `dataeng up`."
        )
    return KafkaProblem(
        f"Kafka at {bootstrap} refused {doing} ({cause}): {told}. Nothing was committed. Trying again will not help; "
        "check the address, the user's rights and the topic."
    )


def _not_authorized(bootstrap: str, doing: str, cause: str) -> NotAuthorized:
    return NotAuthorized(
        f"Kafka at {bootstrap} does not let this user go on with {doing} ({cause}). Nothing was committed. Who reads a "
        "topic needs READ and DESCRIBE_CONFIGS on it, who writes it needs WRITE, and nothing else: name them "
        "in the contract's `topic` and run `dataeng topics plan`, or ask whoever looks after the cluster."
    )


def _not_authenticated(bootstrap: str, doing: str, cause: str, told: str) -> NotAuthenticated:
    return NotAuthenticated(
        f"Kafka at {bootstrap} did not believe who we are while {doing} ({cause}): {told}. Nothing was read and "
        "nothing was committed. Trying again will not help; check the mechanism, the user, and the password or token "
        "that `security` names."
    )
