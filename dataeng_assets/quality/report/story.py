"""What the site tells of one table: its newest result, what became of it day by day, and how its numbers moved.

Pure functions of judgements; reading them belongs in `gather`, showing them in `overview` and `table_page`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from dataeng_assets.quality.report.trends import AGE, Trend
from dataeng_assets.quality.results import WORST_FIRST, Overall
from dataeng_assets.quality.results_store import Judgement
from dataeng_assets.quality.written.words import Outcome

DAYS = 30
"""How far back the site looks."""
_AGE = {"hours old", "latency hours"}
_BAD = (Overall.VIOLATED, Overall.UNDECIDED)


@dataclass(frozen=True)
class Known:
    """What the platform knows of a table beside its results.

    Attributes:
        upstream: dotted keys of what it is made from.
        is_source: it lies outside of the platform, which only reads it.
    """

    upstream: tuple[str, ...] = ()
    owner: str = ""
    description: str = ""
    group: str = ""
    is_source: bool = False


class DayState(StrEnum):
    """Whether a promise was held on a day."""

    HELD = "held"
    BROKEN = "broken"
    UNDECIDED = "undecided"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Day:
    """A day in UTC, and whether quality and freshness held on it."""

    day: date
    quality: DayState
    freshness: DayState


@dataclass(frozen=True)
class Story:
    """A table over time.

    Attributes:
        newest: the last judgement.
        judgements: all of the last days, oldest first; the newest is the last.
        open_partitions: newest judgements of other partitions that are violated or undecided; those of which a later
            judgement has covered all days, or the whole table, are settled.
        days: of the last days, oldest first.
    """

    key: str
    newest: Judgement
    judgements: tuple[Judgement, ...]
    open_partitions: tuple[Judgement, ...]
    days: tuple[Day, ...]
    trends: tuple[Trend, ...]
    known: Known

    @property
    def overall(self) -> Overall:
        """The worst of the newest judgements of all partitions."""
        found = {self.newest.overall, *(one.overall for one in self.open_partitions)}
        return next(overall for overall in WORST_FIRST if overall in found)

    @property
    def failing(self) -> int:
        """Rules that are violated, warn or are undecided in the newest judgement."""
        bad = {Outcome.VIOLATED, Outcome.WARNING, Outcome.UNDECIDED}
        return sum(rule.outcome in bad for rule in self.newest.rules)

    @property
    def owner(self) -> str:
        """As the contract names it, else as the platform knows it."""
        return self.newest.owner or self.known.owner


def story(key: str, judgements: Sequence[Judgement], *, trends: Sequence[Trend], known: Known, today: date) -> Story:
    """Put together what is told of one table.

    Args:
        key: dotted.
        judgements: at least one, in any order.
        trends: of its metrics.
        known: what the platform knows of it.
        today: the last of the days, UTC.
    """
    ordered = tuple(sorted(judgements, key=lambda one: one.judged_at))
    newest = ordered[-1]
    by_partition = {one.partition: at for at, one in enumerate(ordered)}
    others = [
        ordered[at]
        for partition, at in sorted(by_partition.items())
        if not any(_covers(later.partition, partition) for later in ordered[at + 1 :])
    ]
    return Story(
        key=key,
        newest=newest,
        judgements=ordered,
        open_partitions=tuple(one for one in others if one is not newest and one.overall in _BAD),
        days=tuple(_days(ordered, today)),
        trends=tuple(trends),
        known=known,
    )


def _covers(partition: str, other: str) -> bool:
    """Whether what was judged includes another partition: the whole table all, a range of days those within it."""
    if partition in ("", other):
        return True
    days, others = (one.split("/") for one in (partition, other))
    return other != "" and days[0] <= others[0] and others[-1] <= days[-1]


def share_held(states: Iterable[DayState]) -> tuple[int, int]:
    """On how many days a promise held, and on how many it was judged; a day without a decision did not hold."""
    judged = [state for state in states if state is not DayState.NOT_JUDGED]
    return judged.count(DayState.HELD), len(judged)


def _days(judgements: Sequence[Judgement], today: date) -> Iterable[Day]:
    for ago in range(DAYS - 1, -1, -1):
        day = today - timedelta(days=ago)
        of_day = [one for one in judgements if one.judged_at.astimezone(UTC).date() == day]
        yield Day(day, _state(map(_quality, of_day)), _state(state for one in of_day for state in _freshness(one)))


def _state(states: Iterable[DayState]) -> DayState:
    """A day is as good as the worst judgement of it."""
    found = set(states)
    order = (DayState.BROKEN, DayState.UNDECIDED, DayState.HELD)
    return next((state for state in order if state in found), DayState.NOT_JUDGED)


def _quality(judgement: Judgement) -> DayState:
    states = {Overall.VIOLATED: DayState.BROKEN, Overall.UNDECIDED: DayState.UNDECIDED}
    return states.get(judgement.overall, DayState.HELD)


def _freshness(judgement: Judgement) -> Iterable[DayState]:
    states = {
        Outcome.VIOLATED: DayState.BROKEN,
        Outcome.WARNING: DayState.BROKEN,
        Outcome.HOLDS: DayState.HELD,
    }
    for rule in judgement.rules:
        if rule.kind in _AGE:
            yield states.get(rule.outcome, DayState.UNDECIDED)


def hours_old(story: Story, now: datetime) -> float | None:
    """Hours from the newest row that was found to a moment; as it was measured where no rule is about it."""
    if story.newest.freshest is not None:
        return (now - story.newest.freshest[1]).total_seconds() / 3600
    ages = (one.points[-1] for one in story.trends if one.metric == AGE and not one.column)
    return next(((now - at).total_seconds() / 3600 + age for at, age in ages), None)


def ago(hours: float | None) -> str:
    """How long ago something was, in its largest unit that is not tiny."""
    if hours is None:
        return "not known"
    size = abs(hours)
    said = f"{size * 60:.0f} min" if size < 2 else f"{size:.0f} h" if size < 72 else f"{size / 24:.0f} days"
    return f"{said} ago" if hours >= 0 else f"{said} in the future"
