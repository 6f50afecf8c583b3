"""The kinds of windows, in microseconds since 1970: where their borders lie, and which rows depend on which events.

A window is half-open. A kind says which span of rows an event can change and which events a span of rows needs, so that
a publication reads and replaces no more than that. Putting events into windows belongs in `assign`.

Rows of a grid are told apart by `window_start`, those of sessions and panes by `window_end`: what has ended lies before
the watermark and stays where it is, while an end that is still to come decides nothing yet.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dataeng_assets.streams.derived.spans import DAY, Span

_FOR_EVER = 1 << 62
_MOST_PER_EVENT = 1_000


@dataclass(frozen=True)
class Grid:
    """Windows of one size that start on a grid: tumbling ones when a window starts where the one before it ends.

    Attributes:
        size: length of a window.
        every: distance between two starts; at most the size, so that no event lies in no window.
        offset: where the grid lies: a window starts at `offset` microseconds after 1970 began in UTC.
    """

    size: int
    every: int
    offset: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.every <= self.size:
            raise ValueError("a window's size must be above zero, and `every` above zero and at most the size")
        if self.size > self.every * _MOST_PER_EVENT:
            raise ValueError(
                f"an event would lie in more than {_MOST_PER_EVENT} windows; let windows start less often, or be "
                "shorter"
            )

    @property
    def column(self) -> Literal["window_start", "window_end"]:
        """By which rows are told apart and replaced."""
        return "window_start"

    def cells(self, moments: "np.ndarray[Any, Any]") -> list[int]:
        """The events' moments, those that change the same rows taken as one."""
        return _floors(moments, self.every, self.offset)

    def align(self, moment: int) -> int:
        """The last border at or before a moment."""
        return moment - (moment - self.offset) % self.every

    def closed(self, mark: int) -> int:
        """End of the last window that a watermark has passed."""
        return mark - (mark - self.offset - self.size) % self.every

    def touched(self, cell: int) -> Span:
        """Rows that an event of a cell can change."""
        last = self.align(cell)
        return last - (self.size - 1) // self.every * self.every, last + self.every

    def until(self, closed: int) -> int:
        """The end of the rows that may be published up to a closed moment."""
        return closed - self.size + self.every

    def reads(self, span: Span) -> Span:
        """Events that a span of rows needs."""
        return span[0], span[1] - self.every + self.size


@dataclass(frozen=True)
class Session:
    """Windows around events that follow each other by less than a gap: from the first to the last plus the gap.

    A run of events that goes on for `longest` is cut at the first multiple of `longest` at which it has done so, and at
    each multiple after that. So nothing shorter than `longest` is cut, nothing is twice as long, and where the cuts are
    can be told from events no more than that far away.
    """

    gap: int
    longest: int = DAY

    def __post_init__(self) -> None:
        if not 0 < self.gap <= self.longest:
            raise ValueError("a session's gap must be above zero and at most `longest`")

    @property
    def column(self) -> Literal["window_start", "window_end"]:
        """By which rows are told apart and replaced."""
        return "window_end"

    def cells(self, moments: "np.ndarray[Any, Any]") -> list[int]:
        """The events' moments, those within a gap taken as one."""
        return _floors(moments, self.gap, 0)

    def align(self, moment: int) -> int:
        """The last border at or before a moment: any."""
        return moment

    def closed(self, mark: int) -> int:
        """End of the last window that a watermark has passed."""
        return mark

    def touched(self, cell: int) -> Span:
        """Rows that an event of a cell can change: its run's, up to where the cuts are the same with and without it."""
        return cell + 1, cell + 2 * self.gap + 2 * self.longest + 1

    def until(self, closed: int) -> int:
        """The end of the rows that may be published up to a closed moment."""
        return closed + 1

    def reads(self, span: Span) -> Span:
        """Events that a span of rows needs, wherever their run began."""
        return span[0] - 1 - self.farthest, span[1] - 1

    @property
    def farthest(self) -> int:
        """How far before a session's end the events lie that decide where it begins."""
        return 3 * self.longest + self.gap


@dataclass(frozen=True)
class Panes:
    """One window without an end per key, told in panes: each from the event after the pane before it.

    A pane ends with the event that makes it `count` events, with one that meets `until`, or before `every` has passed
    since its first event, whichever comes first in the order of event time, partition and offset.

    Attributes:
        every: bounds what an open pane holds, and what must be read to know it.
        count: events in a full pane; None for no such end.
        condition: SQL over the event; empty for no such end.
    """

    every: int
    count: int | None = None
    condition: str = ""

    def __post_init__(self) -> None:
        if self.every < 1_000 or (self.count is not None and self.count < 1):
            raise ValueError("`every` must be a millisecond at least, and `count` one event at least")

    @property
    def column(self) -> Literal["window_start", "window_end"]:
        """By which rows are told apart and replaced."""
        return "window_end"

    def cells(self, moments: "np.ndarray[Any, Any]") -> list[int]:
        """The first of the events' moments: every row after it is computed anew."""
        return [int(moments.min())] if len(moments) else []

    def align(self, moment: int) -> int:
        """The last border at or before a moment: any."""
        return moment

    def closed(self, mark: int) -> int:
        """End of the last window that a watermark has passed."""
        return mark

    def touched(self, cell: int) -> Span:
        """Rows that an event can change: all that end after it."""
        return cell + 1, _FOR_EVER

    def until(self, closed: int) -> int:
        """The end of the rows that may be published up to a closed moment."""
        return closed + 1

    def reads(self, span: Span) -> Span:
        """Events that a span of rows needs, beside the rows before it."""
        return span[0] - 1 - self.every, span[1] - 1


Kind = Grid | Session | Panes


def _floors(moments: "np.ndarray[Any, Any]", length: int, offset: int) -> list[int]:
    floors: list[int] = np.unique(moments - (moments - offset) % length).tolist()
    return floors
