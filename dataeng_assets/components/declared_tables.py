"""Deduplicated and enriched tables as a topic's `defs.yaml` declares them. What they mean: `streams.derived`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from dataeng_assets.components.declared import find_table
from dataeng_assets.streams.derived.deduplicate import Deduplicated
from dataeng_assets.streams.derived.dimension import Dimension
from dataeng_assets.streams.derived.enrich import Enriched
from dataeng_assets.streams.derived.tables import Definition
from dataeng_assets.streams.stream import Stream

_LENGTH: TypeAdapter[timedelta] = TypeAdapter(timedelta)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DeduplicatedOptions(dg.Model, dg.Resolvable):
    """A table of the events without repeats."""

    key: list[str] = Field(
        description="columns by which events are the same; an event that lacks a value in one of them repeats none"
    )
    horizon: str = Field(
        description="an event is a repeat when the same comes less than this before it in event time; such as `PT1H`"
    )
    name: str = Field("deduplicated", description="follows the stream's in the table's name")

    def table(self) -> Deduplicated:
        """The table that this declares.

        Raises:
            ValueError: the horizon cannot be read.
        """
        try:
            horizon = _LENGTH.validate_python(self.horizon)
        except ValidationError:
            raise ValueError(
                f"deduplicated {self.name}: horizon is {self.horizon!r}, and should be like PT5M or P1D"
            ) from None
        return Deduplicated(tuple(self.key), horizon // timedelta(microseconds=1), self.name)


class EnrichedOptions(dg.Model, dg.Resolvable):
    """A table of the events with columns of the database's row that was valid at their time."""

    name: str = Field(description="follows the stream's in the table's name")
    table: str = Field(description="a table that a PostgresTablesComponent extracts, such as `shop.customers`")
    key: dict[str, str] = Field(description="columns of the event, each with the column of the table's key it equals")
    columns: dict[str, str] = Field(description="names of the columns that are added, each with the table's column")
    first_from: str = Field(
        "",
        description="an instant, such as `1900-01-01T00:00:00Z`, from which each row's first version is valid at the "
        "latest; when empty, events before it find none",
    )

    def enriched(self, defs_folder: Path) -> Enriched:
        """The table that this declares.

        Raises:
            LookupError: the database's table is not declared.
            ValueError: the instant cannot be read.
        """
        source = find_table(self.table, defs_folder)
        dimension = Dimension(source.key, source.contract, source.watermark)
        return Enriched(self.name, dimension, tuple(self.key.items()), tuple(self.columns.items()), self._first_from())

    def _first_from(self) -> int | None:
        if not self.first_from:
            return None
        try:
            return (_INSTANT.validate_python(self.first_from) - _EPOCH) // timedelta(microseconds=1)
        except ValidationError:
            raise ValueError(
                f"enriched {self.name}: first_from is {self.first_from!r}, and should be like 1900-01-01T00:00:00Z"
            ) from None


def declared_tables(
    deduplicated: DeduplicatedOptions | None, enriched: Sequence[EnrichedOptions], stream: Stream
) -> tuple[Definition, ...]:
    """The tables of a stream that hold its events, each fit to be computed over the contract's events.

    Raises:
        LookupError: a table of the database is not declared beside the topic.
        ValueError: two tables of the stream have one name, or one cannot be computed.
    """
    contract = stream.contract
    defs_folder = contract.path.parent.parent.parent
    found: list[Definition] = [deduplicated.table()] if deduplicated else []
    found += [one.enriched(defs_folder) for one in enriched]
    own = (stream.late, stream.dead_letters, stream.gaps, stream.changes, stream.savepoints, stream.rewinds)
    taken = {key[-1].removeprefix(f"{stream.name}_") for key in own}
    taken |= {f"{stream.window_minutes}m", *(one.name for one in stream.more_windows)}
    for definition in found:
        if definition.name in taken:
            raise ValueError(f"{contract.path}: two tables of {contract.name} are called {definition.name}")
        taken.add(definition.name)
        definition.check(stream)
    return tuple(found)


def in_words(definition: Definition, topic: str) -> str:
    """What such a table is, for those who see it in the UI."""
    after = "An event appears when every partition has passed it; what comes after that and is not too late"
    match definition:
        case Deduplicated(key, horizon):
            return (
                f"Events of {topic}, each {', '.join(key)} once within {timedelta(microseconds=horizon)} of event "
                f"time. {after} takes the place of what it shows to be a repeat."
            )
        case Enriched(dimension=dimension):
            return (
                f"Events of {topic} with the row of {'.'.join(dimension.key[1:])} that was valid at their time. "
                f"{after} is added, and a row version that comes later corrects the events of its time."
            )
