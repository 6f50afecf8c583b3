"""The main table of a stream as what rows depend on that lie at an event time.

Windows lie by their own kinds of time, and tell themselves what an event touches.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.spans import Span

GRAIN = 60_000_000  # events of one minute are told as one, in microseconds


@dataclass(frozen=True)
class MainInput:
    """The main table as an input.

    Attributes:
        back: how long before an event the rows lie that it can change, in microseconds.
        forth: how long after it.
    """

    events: Events
    back: int = 0
    forth: int = 0
    name: str = "main"

    @property
    def version(self) -> int:
        """The version that is read."""
        return self.events.version

    def touched(self, covered: int, before: int) -> Iterator[Span]:
        """Where rows can be others because of the events that came or went since a version.

        Raises:
            ChangesGone: the table no longer tells.
        """
        minutes: set[int] = set()
        for moments in self.events.touched(covered):
            near = moments[moments - self.back < before]
            minutes.update(np.unique(near - near % GRAIN).tolist())
        for minute in sorted(minutes):
            yield minute - self.back, minute + GRAIN + self.forth
