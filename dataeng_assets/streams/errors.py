"""Why a stream stops by itself: each says what happened, what is safe and how to go on."""

GO_ON = (
    "Everything committed so far is safe. To go on without what is missing, look at it with `dataeng stream accept-gap "
    "{0} --dry-run`, then accept it with `dataeng stream accept-gap {0} --reason TEXT`."
)


class StreamStopped(Exception):
    """A stream cannot go on without a person. What was committed stays as it is.

    Attributes:
        retryable: whether doing the same again later can succeed.
    """

    retryable = False


class OffsetsLost(StreamStopped):
    """The broker no longer has records that the stream has not read."""


class OffsetsBehind(StreamStopped):
    """The broker's end lies before what the stream has committed: it was truncated, or another cluster answers."""


class TopicRecreated(StreamStopped):
    """The topic was deleted and made again, or another cluster answers: its offsets mean other records."""


class ProgressGap(StreamStopped):
    """A side table lacks what the main table has passed: it was deleted or restored."""


class RuleUndecided(StreamStopped):
    """A rule of the contract fails on a record instead of judging it."""


class ReleaseOvertaken(StreamStopped):
    """Other replays committed each time that this one was about to."""

    retryable = True


class RoutingChanged(StreamStopped):
    """A side table is ahead of the main table by another version of the rules than the one in force."""


class RowsRemoved(StreamStopped):
    """Somebody removed rows from a table of the stream, whose progress says that they are there."""


class RewindRefused(StreamStopped):
    """The stream cannot go back to what was asked for, or not now. Nothing was written."""


class NothingToAccept(StreamStopped):
    """The stream has no gap, or none in the partitions asked for."""
