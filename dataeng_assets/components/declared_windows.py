"""Windows as a topic's `defs.yaml` declares them. What they mean belongs in `streams.windows`."""

from datetime import timedelta
from typing import Literal, Self

import dagster as dg
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from dataeng_assets.contracts.model import Contract
from dataeng_assets.streams.derived.spans import DAY
from dataeng_assets.streams.windows.definition import Windows, aggregate, check, micros
from dataeng_assets.streams.windows.kinds import Grid, Kind, Panes, Session

_OF_KIND: dict[str, tuple[set[str], set[str]]] = {
    "tumbling": ({"size"}, {"offset"}),
    "sliding": ({"size", "every"}, {"offset"}),
    "session": ({"gap"}, {"longest"}),
    "global": ({"every"}, {"count", "until"}),
}
_LENGTH: TypeAdapter[timedelta] = TypeAdapter(timedelta)


class WindowsOptions(dg.Model, dg.Resolvable):
    """One table of windows. Lengths of time are written as in ISO 8601, such as `PT5M` or `P1D`."""

    name: str = Field(description="follows the stream's in the table's name")
    kind: Literal["tumbling", "sliding", "session", "global"] = Field(
        description="how events are put into windows; each kind has lengths of its own"
    )
    size: str = Field("", description="tumbling, sliding: length of a window")
    every: str = Field(
        "", description="sliding: distance between two starts; global: a pane ends so long after its first event"
    )
    offset: str = Field("", description="tumbling, sliding: how far windows start from multiples of `every`, from 1970")
    gap: str = Field("", description="session: events so far apart, or more, are in different sessions")
    longest: str = Field("", description="session: what goes on for longer is cut; P1D when empty")
    count: int | None = Field(None, description="global: a pane ends with this many events")
    until: str = Field("", description="global: SQL over the event; a pane ends with an event for which it is true")
    by: list[str] = Field([], description="columns that divide the events")
    where: str = Field("", description="SQL over the event; the windows are about events for which it is true")
    aggregates: dict[str, str] = Field(
        description="what is told of a window, by column: `count`, `sum(x)`, `min(x)`, `max(x)`, `mean(x)`, "
        "`distinct(x, …)`, `approx_distinct(x)`, `first(x)`, `last(x)`, `quantile(x, 0.95)`"
    )

    @model_validator(mode="after")
    def _what_the_kind_has(self) -> Self:
        needs, may = _OF_KIND[self.kind]
        every = {name for one in _OF_KIND.values() for part in one for name in part}
        given = {name for name in every if getattr(self, name) not in ("", None)}
        if missing := needs - given:
            raise ValueError(f"windows {self.name}, {self.kind}: say {', '.join(sorted(missing))}")
        if strange := given - needs - may:
            raise ValueError(f"windows {self.name}, {self.kind}: {', '.join(sorted(strange))} belongs to another kind")
        _ = self.windows()
        return self

    def windows(self) -> Windows:
        """The windows that this declares.

        Raises:
            ValueError: a length or an aggregate cannot be read.
        """
        aggregates = tuple(aggregate(name, text) for name, text in self.aggregates.items())
        return Windows(self.name, self._kind(), aggregates, tuple(self.by), self.where)

    def _kind(self) -> Kind:
        match self.kind:
            case "tumbling":
                return Grid(self._length("size"), self._length("size"), self._length("offset"))
            case "sliding":
                return Grid(self._length("size"), self._length("every"), self._length("offset"))
            case "session":
                return Session(self._length("gap"), self._length("longest") or DAY)
            case "global":
                return Panes(self._length("every"), self.count, self.until)

    def _length(self, name: str) -> int:
        said = getattr(self, name)
        if not said:
            return 0
        try:
            return micros(_LENGTH.validate_python(said))
        except ValidationError:
            raise ValueError(f"windows {self.name}: {name} is {said!r}, and should be like PT5M or P1D") from None


def declared(options: list[WindowsOptions], contract: Contract, taken: set[str]) -> list[Windows]:
    """The windows of a stream, each fit to be computed over the contract's events.

    Args:
        options: as declared.
        contract: of the topic.
        taken: names of windows that the stream has beside them.

    Raises:
        ValueError: two have one name, or one cannot be computed.
    """
    found: dict[str, Windows] = {}
    for windows in (one.windows() for one in options):
        if windows.name in found or windows.name in taken:
            raise ValueError(f"{contract.path}: two windows of {contract.name} are called {windows.name}")
        check(windows, contract)
        found[windows.name] = windows
    return list(found.values())


def in_words(windows: Windows) -> str:
    """What a table of windows is, for those who see it in the UI."""
    match windows.kind:
        case Grid(size, every, _) if size == every:
            kind = f"tumbling windows of {_said(size)}"
        case Grid(size, every, _):
            kind = f"sliding windows of {_said(size)}, one every {_said(every)}"
        case Session() as session:
            kind = f"sessions, which end when nothing comes for {_said(session.gap)}"
        case Panes() as panes:
            ends = [f"{panes.count} events"] if panes.count else []
            ends += [f"an event with {panes.condition}"] if panes.condition else []
            kind = f"panes that end with {' or '.join([*ends, 'the time'])}, after {_said(panes.every)} at most"
    by = f" by {', '.join(windows.by)}" if windows.by else ""
    where = f", of events with {windows.where}" if windows.where else ""
    return f"{kind}{by}{where}"


def _said(length: int) -> str:
    return str(timedelta(microseconds=length))
