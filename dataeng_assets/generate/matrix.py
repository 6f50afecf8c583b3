"""Which combinations of kind, source, destination and mode exist, how each is shown to work, and what is nearest.

Those of a kind stand in its own folder, as `ROWS` and `REFUSALS`; which kinds there are stands in `kinds`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dataeng_assets.generate.request import Destination, Mode, Source


class Standing(StrEnum):
    """How a combination is shown to work."""

    EXECUTED = "executed here"
    PARSED = "parsed in its dialect"


@dataclass(frozen=True)
class Row:
    """Combinations that exist: each source with each destination in each mode.

    Attributes:
        shown_by: the test that runs or parses them, such as `tests/interop/test_x.py::test_it_runs`.
    """

    sources: tuple[Source, ...]
    destinations: tuple[Destination, ...]
    modes: tuple[Mode, ...]
    standing: Standing
    shown_by: str

    def combinations(self) -> Iterator["Combination"]:
        """Each of them."""
        for source in self.sources:
            for destination in self.destinations:
                for mode in self.modes:
                    yield Combination(source, destination, mode)


@dataclass(frozen=True)
class Combination:
    """What is asked of a kind."""

    source: Source
    destination: Destination
    mode: Mode

    def __str__(self) -> str:
        """As the options that ask for it."""
        return f"--source {self.source} --destination {self.destination} --mode {self.mode}"


@dataclass(frozen=True)
class Refusal:
    """Why combinations do not exist.

    Attributes:
        source, destination, mode: those that the reason is about; None for any.
    """

    reason: str
    source: Source | None = None
    destination: Destination | None = None
    mode: Mode | None = None

    def is_about(self, asked: Combination) -> bool:
        """Whether it is the reason for a combination."""
        pairs = ((self.source, asked.source), (self.destination, asked.destination), (self.mode, asked.mode))
        return all(about in (None, one) for about, one in pairs)


@dataclass(frozen=True)
class Refused:
    """A combination that does not exist.

    Attributes:
        nearest: the combination that exists and differs least.
    """

    reason: str
    nearest: Combination


def look_up(rows: Sequence[Row], refusals: Sequence[Refusal], asked: Combination) -> Row | Refused:
    """The row that holds a combination, or why there is none and what is nearest."""
    for row in rows:
        if asked in row.combinations():
            return row
    reason = next((one.reason for one in refusals if one.is_about(asked)), "nothing of this kind was made and tried")
    existing = [one for row in rows for one in row.combinations()]
    return Refused(reason, max(existing, key=lambda one: _likeness(one, asked)))


def _likeness(one: Combination, asked: Combination) -> int:
    """How much of what was asked for stays: the source counts most, then the destination, then the mode."""
    return 4 * (one.source == asked.source) + 2 * (one.destination == asked.destination) + (one.mode == asked.mode)
