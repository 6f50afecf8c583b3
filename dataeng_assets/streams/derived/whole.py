"""What tables have in common that hold events with all their columns, each at its event time.

What is told of groups of events belongs in `windows`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from dataeng_assets.lake.strict import table_schema
from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.filled import filled
from dataeng_assets.streams.derived.spans import Span

PARTITION, OFFSET, GENERATION = "_kafka_partition", "_kafka_offset", "_kafka_generation"


class DerivedRefused(ValueError):
    """A declaration of a derived table that cannot be followed; nothing was read or written."""

    retryable = False


@dataclass
class WholeEvents:
    """What does not depend on the definition of such a table; methods as `Derivation` tells them."""

    events: Events

    @property
    def column(self) -> str:
        """The event time."""
        return self.events.column

    def closed(self, mark: int) -> int:
        """What is before the watermark is complete, and nothing after it decides about an event."""
        return mark

    def until(self, closed: int) -> int:
        """Events before the closed time appear."""
        return closed

    def first(self) -> int | None:
        """The time of the first event."""
        return self.events.first()

    def following(self, span: Span) -> Span:
        """The events themselves."""
        return span

    def divided(self, span: Span) -> Iterable[Span]:
        """In pieces of some hours."""
        return pieces.divided(span, self.events.sizes)

    def read(self, span: Span, names: Iterable[str] = ()) -> pa.RecordBatchReader:
        """Columns of the events of a span, all when none are named; one that the table lacks yet is empty."""
        main = self.events.stream.main_schema()
        wanted = pa.schema([main.field(name) for name in dict.fromkeys(names)]) if names else main
        there = table_schema(self.events.main).names
        return filled(self.events.read([name for name in wanted.names if name in there], span), wanted)
