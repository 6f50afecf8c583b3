"""What the comparison of two versions of a schema says. Finding the changes belongs to the module of each language."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Breaks(StrEnum):
    """Who is broken by a change."""

    BACKWARD = "backward"
    """Readers with the new schema cannot read what was written under the old one."""
    FORWARD = "forward"
    """Readers with the old schema cannot read what is written under the new one."""


class Mode(StrEnum):
    """What is promised, in the words of the Confluent schema registry."""

    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    FULL = "FULL"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @property
    def forbids(self) -> frozenset[Breaks]:
        """What a change must not do in this mode."""
        one = self.value.removesuffix("_TRANSITIVE")
        return frozenset(Breaks) if one == "FULL" else frozenset({Breaks(one.lower())})

    @property
    def is_transitive(self) -> bool:
        """Whether the newest version is compared with all earlier ones, not with the last alone."""
        return self.value.endswith("_TRANSITIVE")


@dataclass(frozen=True)
class Change:
    """One difference between two versions.

    Attributes:
        kind: a short code, such as `required_property_added`; stable, for machines.
        place: where it is in the schema, as a path people can follow: `#/properties/amount` or `orders.amount`.
        reason: one sentence: what changed, from what to what, and why that breaks somebody or not.
        breaks: whom it breaks; empty when it breaks nobody.
        migration: the safe way to the same end; empty for a change that breaks nobody.
        affected: consumers, as the contract lists them, that use what has changed.
    """

    kind: str
    place: str
    reason: str
    breaks: frozenset[Breaks] = frozenset()
    migration: str = ""
    affected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """All changes from one version to another, and whether a mode allows them."""

    mode: Mode
    changes: tuple[Change, ...]

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The changes that the mode does not allow."""
        return tuple(change for change in self.changes if change.breaks & self.mode.forbids)

    @property
    def compatible(self) -> bool:
        """Whether the mode allows every change."""
        return not self.breaking


def judge(compare: Callable[[T, T], Iterable[Change]], earlier: Sequence[T], new: T, mode: Mode) -> Verdict:
    """Compare a new version with those before it.

    Args:
        compare: all changes from the first to the second.
        earlier: versions before the new one, oldest first.
        new: the new version.
        mode: what is promised; a transitive one compares with all earlier versions, any other with the last.
    """
    against = earlier if mode.is_transitive else earlier[-1:]
    changes = [change for old in against for change in compare(old, new)]
    return Verdict(mode, tuple(dict.fromkeys(changes)))
