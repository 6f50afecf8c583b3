"""What a stream is: a topic, its contract, and the tables it flows into with their names of progress.

Reading, deciding and committing belong in `plan`, `routing` and `ingest`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dataeng_assets.contracts.checks.setting_aside import setting_aside, version_of
from dataeng_assets.contracts.model import Contract, EventTime
from dataeng_assets.kafka.records import HEADERS
from dataeng_assets.kafka.registry.schemas import SchemaRegistry, SchemaStore
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.decode.decoder import DETAIL, REASON, RESCUED

if TYPE_CHECKING:
    from dataeng_assets.streams.derived.tables import Definition
    from dataeng_assets.streams.windows.definition import Windows

NO_EVENT_TIME = -(2**63)
"""A running maximum that was taken back to where there was none: Delta forgets no progress."""
_MOMENT = pa.timestamp("us", tz="UTC")
_ORIGIN: "list[pa.Field[Any]]" = [
    pa.field("_kafka_partition", pa.int32(), nullable=False),
    pa.field("_kafka_offset", pa.int64(), nullable=False),
    pa.field("_kafka_timestamp", _MOMENT),
    pa.field("_ingested_at", _MOMENT, nullable=False),
    pa.field("_run_id", pa.string(), nullable=False),
    pa.field("_kafka_generation", pa.int32()),
]
_RAW: "list[pa.Field[Any]]" = [
    pa.field("key", pa.binary()),
    pa.field("value", pa.binary()),
    pa.field("headers", HEADERS),
    pa.field(REASON, pa.string(), nullable=False),
    pa.field(DETAIL, pa.string()),
]
DEAD_LETTERS_SCHEMA = pa.schema([*_ORIGIN, *_RAW])
EVENT_DATE = "event_date"
RELEASED_BY = "_released_by"


@dataclass(frozen=True)
class Stream:
    """One topic and where it flows.

    Attributes:
        name: of the stream and of its main table.
        domain: second part of the tables' keys.
        contract: must name an event time.
        window_minutes: length of the tumbling windows by event type; 0 for none.
        more_windows: further tables of windows over it.
        window_minutes: length of the tumbling windows by event type.
        tables: finds the tables that hold its events, such as deduplicated ones; asks the contracts of others.
        registry: opens what knows the schemas that records name by a number.
    """

    name: str
    topic: str
    domain: str
    contract: Contract
    lake: Lake
    window_minutes: int = 5
    more_windows: "tuple[Windows, ...]" = ()
    tables: "Callable[[], tuple[Definition, ...]]" = field(default=tuple, compare=False)
    registry: Callable[[], SchemaStore] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _ = self.event_time

    @property
    def event_time(self) -> EventTime:
        """The contract's event time.

        Raises:
            ValueError: it names none, or a column that may be empty or is no timestamp.
        """
        found = self.contract.event_time
        column = self.contract.column(found.column) if found else None
        if found is None or column is None or column.nullable or column.physical != "timestamp":
            raise ValueError(
                f"{self.contract.path}: stream {self.name} needs an event time, else nothing can tell late events or "
                "windows. Add customProperties eventTime (a required column of type timestamp), lateAfter and maxAhead."
            )
        return found

    def schemas(self) -> SchemaRegistry | None:
        """The registry, where records name their schemas and one is declared."""
        return self.registry() if self.registry and self.contract.records.name_schemas else None

    @property
    def main(self) -> tuple[str, ...]:
        """Key of the table of events."""
        return ("bronze", self.domain, self.name)

    @property
    def late(self) -> tuple[str, ...]:
        """Key of the table of events that came too late."""
        return ("bronze", self.domain, f"{self.name}_late")

    @property
    def dead_letters(self) -> tuple[str, ...]:
        """Key of the table of records that break the contract."""
        return ("bronze", self.domain, f"{self.name}_dead_letters")

    @property
    def gaps(self) -> tuple[str, ...]:
        """Key of the table of what a person accepted as lost."""
        return ("bronze", self.domain, f"{self.name}_gaps")

    @property
    def changes(self) -> tuple[str, ...]:
        """Key of the table of who drained it, and how its records were read, from when on."""
        return ("bronze", self.domain, f"{self.name}_changes")

    @property
    def savepoints(self) -> tuple[str, ...]:
        """Key of the table of states that the stream can go back to."""
        return ("bronze", self.domain, f"{self.name}_savepoints")

    @property
    def rewinds(self) -> tuple[str, ...]:
        """Key of the table of when and why it went back."""
        return ("bronze", self.domain, f"{self.name}_rewinds")

    @property
    def windows(self) -> tuple[str, ...]:
        """Key of the table of windows by event type."""
        return self.window_table(f"{self.window_minutes}m")

    def tables_of_windows(self) -> "tuple[Windows | None, ...]":
        """All windows that are published; None stands for those by event type."""
        return (*((None,) if self.window_minutes else ()), *self.more_windows)

    def window_table(self, name: str) -> tuple[str, ...]:
        """Key of a table of windows."""
        return ("silver", self.domain, f"{self.name}_{name}")

    @property
    def progress(self) -> str:
        """What the names of all progress of this stream begin with."""
        return f"v1/{self.name}/"

    def checked(self, partition: int) -> str:
        """Name of progress: up to which version of a table its log was looked through for removed rows.

        Told per partition, so that writers of other partitions are not in each other's way; the furthest counts for
        the whole table, because who looked so far has looked on from the furthest before.
        """
        return f"{self.progress}checked/{partition}"

    @property
    def rewound(self) -> str:
        """Name of progress: how often a table of the stream went back. What was planned before a rewind is void."""
        return f"{self.progress}rewound"

    @cached_property
    def routing(self) -> str:
        """Routing version: changes with everything that decides where a record goes."""
        rules = "decode 1, late 1"  # raised when this code decides differently
        if aside := setting_aside(self.contract):
            rules += f", rules {version_of(aside)}"
        return hashlib.sha256(f"{rules}/{self.contract.fingerprint}".encode()).hexdigest()[:12]

    def events_schema(self) -> pa.Schema:
        """Columns of main and late."""
        fields = [*self.contract.arrow_schema(), pa.field(RESCUED, pa.string()), *_ORIGIN]
        return pa.schema([*fields, pa.field(EVENT_DATE, pa.date32(), nullable=False)])

    def main_schema(self) -> pa.Schema:
        """Columns of main, which also holds what was released from the dead letters."""
        return self.events_schema().append(pa.field(RELEASED_BY, pa.string()))


@dataclass(frozen=True)
class Progress:
    """Names under which a stream's progress stands in its tables' transactions.

    Delta keeps one integer per name and it may only grow, so a version that is no number stands in the name and its
    integer counts. Delta refuses commits that move the same name, so an ordinary commit moves names of its partitions
    only: writers of other partitions are not in each other's way. `v1` is the version of this format.
    """

    stream: str
    topic_id: str
    generation: int = 0

    @property
    def _topic(self) -> str:
        return f"{self.topic_id}~{self.generation}" if self.generation else self.topic_id

    @property
    def generations(self) -> str:
        """How often offsets came to mean other records: the topic was made again or truncated, and that accepted."""
        return f"v1/{self.stream}/generation"

    @property
    def commits(self) -> str:
        """Counts how often the table was begun for a topic; once it counted every commit, so it may be any number."""
        return f"v1/{self.stream}/commits"

    @property
    def topic(self) -> str:
        """The count at which it was begun for this topic."""
        return f"v1/{self.stream}/topic/{self._topic}"

    def routing(self, version: str) -> str:
        """The count at which this version routed, from when partitions did not tell it each for itself."""
        return f"v1/{self.stream}/routing/{version}"

    def routings(self, partition: int) -> str:
        """Counts how often the routing version of a partition changed."""
        return f"{self.next_offset(partition)}/routings"

    def routed(self, partition: int, version: str) -> str:
        """The count at which a partition came to be routed by this version."""
        return f"{self.next_offset(partition)}/routing/{version}"

    def next_offset(self, partition: int) -> str:
        """Next offset to read (exclusive end of what is committed)."""
        return f"v1/{self.stream}/{self._topic}/{partition}"

    def first_offset(self, partition: int) -> str:
        """Where the stream began."""
        return f"v1/{self.stream}/{self._topic}/{partition}/first"

    def max_event_time(self, partition: int) -> str:
        """Running maximum of event time in microseconds since 1970, over what main's progress covers."""
        return f"v1/{self.stream}/{self._topic}/{partition}/max_event_time"
