"""How much the next batch reads: what memory and time allow, by what the last one took.

Values in, values out; reading the clock and waiting are the caller's. Moments are seconds of one monotonic clock.
"""

from dataclasses import dataclass, replace

_PROBE = 1_000  # offsets of a first batch, when nothing is known of the records yet
_GROWTH = 10.0  # at most so many times the batch before it, which may not be like the next


@dataclass(frozen=True)
class Bounds:
    """What a batch may take.

    Attributes:
        records: most offsets in it.
        bytes: most of its records in memory, as they are read; what is made of them takes a few times as much.
        seconds: from its plan to its commit.
        records_per_second: on average over the batches; None for as many as can be.
    """

    records: int = 100_000
    bytes: int = 128 * 1024 * 1024
    seconds: float = 5.0
    records_per_second: float | None = None

    def __post_init__(self) -> None:
        if self.records < 1 or self.bytes < 1 or self.seconds <= 0 or (self.records_per_second or 1) <= 0:
            raise ValueError(f"a batch of nothing was asked for: {self}; every bound must be more than zero")


@dataclass(frozen=True)
class Measured:
    """What a batch took.

    Attributes:
        started: moment of its plan.
    """

    offsets: int
    bytes: int
    started: float
    seconds: float


@dataclass(frozen=True)
class Pace:
    """What is allowed now.

    Attributes:
        bounds: that it keeps.
        most: offsets in the next batch.
        not_before: moment at which it may start.
    """

    bounds: Bounds
    most: int
    not_before: float = 0.0

    @classmethod
    def first(cls, bounds: Bounds) -> "Pace":
        """Before anything was measured."""
        return cls(bounds, min(_PROBE, _largest(bounds)))

    def after(self, batch: Measured) -> "Pace":
        """What follows a batch.

        One that was not half full says how large its records are and that it was not too slow, but not that a larger
        one would be quick enough, so it lets nothing grow.
        """
        if not batch.offsets:
            return self
        fits = float(self.most)
        if batch.seconds > self.bounds.seconds:
            fits = batch.offsets * self.bounds.seconds / batch.seconds
        elif 2 * batch.offsets >= self.most:  # partitions' shares are rounded down, each to one offset at least
            fits = max(fits, batch.offsets * min(_GROWTH, self.bounds.seconds / max(batch.seconds, 1e-3)))
        if batch.bytes:
            fits = min(fits, batch.offsets * self.bounds.bytes / batch.bytes)
        most = max(1, min(int(fits), _largest(self.bounds)))
        rate = self.bounds.records_per_second
        return replace(self, most=most, not_before=batch.started + batch.offsets / rate if rate else 0.0)


def _largest(bounds: Bounds) -> int:
    """With a limit on the rate, what it allows in a second: more would come in bursts."""
    rate = bounds.records_per_second
    return bounds.records if rate is None else max(1, min(bounds.records, int(rate)))
