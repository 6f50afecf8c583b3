"""How what is allowed has changed: more, less, or something else; and what each means for stored rows and consumers."""

from enum import Enum

from dataeng_assets.contracts.compatibility.verdict import Breaks, Change


class Moved(Enum):
    """How the set of what is allowed has changed."""

    SAME = "is the same"
    WIDER = "allows more"
    NARROWER = "allows less"
    OTHER = "allows something else"

    @property
    def breaks(self) -> frozenset[Breaks]:
        """Stored rows need not be in a narrower set, and consumers are not prepared for a wider one."""
        narrower = {Breaks.BACKWARD} if self in (Moved.NARROWER, Moved.OTHER) else set[Breaks]()
        wider = {Breaks.FORWARD} if self in (Moved.WIDER, Moved.OTHER) else set[Breaks]()
        return frozenset(narrower | wider)

    @property
    def why(self) -> str:
        """What it means, as the end of a sentence."""
        stored, consumers = "rows that are stored may not keep it", "consumers may meet what they were not promised"
        return {
            Moved.SAME: "nothing changes",
            Moved.WIDER: consumers,
            Moved.NARROWER: stored,
            Moved.OTHER: f"{stored}, and {consumers}",
        }[self]


def moved(*, old_in_new: bool, new_in_old: bool) -> Moved:
    """How a set moved, from which of the two contains the other."""
    if old_in_new and new_in_old:
        return Moved.SAME
    if old_in_new:
        return Moved.WIDER
    return Moved.NARROWER if new_in_old else Moved.OTHER


_MIGRATIONS = {
    Moved.NARROWER: "correct or set aside the rows that break it, check that none is left, then publish this version",
    Moved.WIDER: "tell the consumers and let them prepare; raise the major version when they have",
    Moved.OTHER: "add a new column with the new meaning beside the old one, fill both for a deprecation period, then "
    "remove the old one",
}


def changed(kind: str, place: str, what: str, how: Moved) -> Change:
    """The change for something that allows more or less than before."""
    return Change(kind, place, f"{what}: {how.why}", how.breaks, _MIGRATIONS.get(how, ""))
