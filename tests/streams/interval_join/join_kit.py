"""Two streams that a test fills as it likes, their join, and the same join by a plain reading of the rules."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bronze_kit import EPOCH, Committed, Event, stream_of

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived.interval_join.definition import IntervalJoin, Keeps, Side
from dataeng_assets.streams.derived.interval_join.publish import JoinReport, publish, publish_join_again

KEY = ("silver", "events", "paid")
LEFT = (("event_id", "event_id"), ("left_n", "n"))
RIGHT = (("right_id", "event_id"), ("right_x", "x"))


def a_join(
    before: int, after: int, keeps: Keeps = "inner", key: tuple[str, ...] = ("who",), where: str = ""
) -> IntervalJoin:
    return IntervalJoin("paid", Side(key, LEFT, where), Side(key, RIGHT, where), before, after, keeps)


@dataclass(frozen=True)
class Two:
    """Both streams, in one lake."""

    left: Committed
    right: Committed

    @property
    def table(self) -> Path:
        return Path(self.left.stream.lake.at(KEY))

    def publish(self, join: IntervalJoin, behind: tuple[Iterable[int], Iterable[int]] = ((), ())) -> JoinReport:
        topics = self.left.topic(behind[0]), self.right.topic(behind[1])
        return publish(KEY, join, (self.left.stream, self.right.stream), topics, "run")

    def again(self, join: IntervalJoin, first: date, last: date) -> JoinReport:
        return publish_join_again(KEY, join, (self.left.stream, self.right.stream), (first, last), run_id="again")

    def rows(self) -> list[dict[str, Any]]:
        """What stands in the table, in an order."""
        return ordered(self.left.stream.lake.open(KEY).to_pyarrow_dataset().to_table().to_pylist())

    def expected(self, join: IntervalJoin, published_to: datetime | None) -> list[dict[str, Any]]:
        return reference(join, self.left.main, self.right.main, published_to)


@contextmanager
def two(allowed: int = 0) -> Iterator[Two]:
    """Two streams that hold nothing yet."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(str(Path(folder) / "lake"))
        both = Two(Committed(stream_of("orders", lake), allowed), Committed(stream_of("payments", lake), allowed))
        both.left.drain([])
        both.right.drain([])
        yield both


def reference(
    join: IntervalJoin, lefts: Iterable[Event], rights: Iterable[Event], published_to: datetime | None
) -> list[dict[str, Any]]:
    """The rules in plain words: each event on the left before a moment, with each on the right that belongs to it."""
    rows = []
    takes_part = [event for event in rights if _takes_part(join.right, event)]
    for left in lefts:
        if published_to is None or _at(left.moment) >= published_to or not _takes_part(join.left, left):
            continue
        matches: list[Event | None] = [right for right in takes_part if _belongs(join, left, right)]
        if not matches and join.keeps == "left":
            matches = [None]
        rows += [_row(left, right) for right in matches]
    return ordered(rows)


def _takes_part(side: Side, event: Event) -> bool:
    return side.where != "n > 1" or (event.n is not None and event.n > 1)


def _belongs(join: IntervalJoin, left: Event, right: Event) -> bool:
    for mine, theirs in zip(join.left.key, join.right.key, strict=True):
        if getattr(left, mine) is None or getattr(left, mine) != getattr(right, theirs):
            return False
    return left.moment - join.before <= right.moment <= left.moment + join.after


def _row(left: Event, right: Event | None) -> dict[str, Any]:
    return {
        "left_time": _at(left.moment),
        "right_time": _at(right.moment) if right else None,
        "event_id": f"{left.partition}/{left.offset}",
        "left_n": left.n,
        "right_id": f"{right.partition}/{right.offset}" if right else None,
        "right_x": right.x if right else None,
        "_left_kafka_generation": None,
        "_left_kafka_partition": left.partition,
        "_left_kafka_offset": left.offset,
        "_right_kafka_generation": None,
        "_right_kafka_partition": right.partition if right else None,
        "_right_kafka_offset": right.offset if right else None,
        "event_date": _at(left.moment).date(),
    }


def _at(moment: int) -> datetime:
    return EPOCH + timedelta(microseconds=moment)


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    places = (
        "left_time",
        "_left_kafka_partition",
        "_left_kafka_offset",
        "_right_kafka_partition",
        "_right_kafka_offset",
    )
    return sorted(rows, key=lambda row: [str(row[name]) for name in places])
