"""Numbers and names that a message or enum keeps free, so that nothing stored is ever read as something else."""

from collections.abc import Container, Iterator
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto

from dataeng_assets.contracts.compatibility.verdict import Breaks, Change

_LAST = 2**31 - 1


@dataclass(frozen=True)
class Ranges:
    """Sets of whole numbers, as half-open ranges in order; they may hold half a billion each."""

    ranges: tuple[tuple[int, int], ...] = ()

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and any(start <= number < end for start, end in self.ranges)

    def without(self, other: "Ranges") -> "Ranges":
        """What the other does not hold."""
        left = list(self.ranges)
        for start, end in other.ranges:
            cut = []
            for first, last in left:
                cut += [(first, min(last, start)), (max(first, end), last)]
            left = [(first, last) for first, last in cut if first < last]
        return Ranges(tuple(left))

    def __str__(self) -> str:
        return ", ".join(
            str(first) if last == first + 1 else f"{first} to {'max' if last > _LAST else last - 1}"
            for first, last in self.ranges
        )


@dataclass(frozen=True)
class Reserved:
    """What is reserved."""

    numbers: Ranges
    names: frozenset[str]


def reserved_in(named: Descriptor | EnumDescriptor) -> Reserved:
    """What a message or enum reserves."""
    if isinstance(named, Descriptor):
        message = DescriptorProto()
        named.CopyToProto(message)
        ranges = [(one.start, one.end) for one in message.reserved_range]
        return Reserved(Ranges(tuple(sorted(ranges))), frozenset(message.reserved_name))
    enum = EnumDescriptorProto()
    named.CopyToProto(enum)
    # an enum's ranges hold their end, a message's do not
    ranges = [(one.start, one.end + 1) for one in enum.reserved_range]
    return Reserved(Ranges(tuple(sorted(ranges))), frozenset(enum.reserved_name))


def reuse_changes(old: Reserved, new: Reserved, place: str, *, thing: str, used: Container[int]) -> Iterator[Change]:
    """What is no longer reserved, and may now be read from what is stored as something else."""
    freed = old.numbers.without(new.numbers)
    if freed.ranges:
        first = freed.ranges[0][0]
        what = "is used again" if first in used else "is free again"
        yield Change(
            "reservation_removed", place,
            f"{freed} was reserved in the {thing} and {what}: what is stored under it would be read as another value",
            frozenset({Breaks.BACKWARD}), f"keep `reserved {freed};` and take numbers that were never used",
        )  # fmt: skip
