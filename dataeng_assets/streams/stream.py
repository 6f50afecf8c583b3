"""What a stream is: a topic, its contract, and the tables it flows into with their names of progress.

Reading, deciding and committing belong in `plan`, `routing` and `ingest`.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dataeng_assets.contracts.checks.setting_aside import setting_aside, version_of
from dataeng_assets.contracts.model import Contract, EventTime
from dataeng_assets.kafka.records import HEADERS
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.decode import DETAIL, REASON, RESCUED

_MOMENT = pa.timestamp("us", tz="UTC")
_ORIGIN: "list[pa.Field[Any]]" = [
    pa.field("_kafka_partition", pa.int32(), nullable=False),
    pa.field("_kafka_offset", pa.int64(), nullable=False),
    pa.field("_kafka_timestamp", _MOMENT),
    pa.field("_ingested_at", _MOMENT, nullable=False),
    pa.field("_run_id", pa.string(), nullable=False),
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
        window_minutes: length of the tumbling windows.
    """

    name: str
    topic: str
    domain: str
    contract: Contract
    lake: Lake
    window_minutes: int = 5

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
    def windows(self) -> tuple[str, ...]:
        """Key of the table of windows."""
        return ("silver", self.domain, f"{self.name}_{self.window_minutes}m")

    @property
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
    integer is the commit it was last seen in. `v1` is the version of this format.
    """

    stream: str
    topic_id: str

    @property
    def commits(self) -> str:
        """Counts the stream's commits to the table."""
        return f"v1/{self.stream}/commits"

    @property
    def topic(self) -> str:
        """The commit that last came from this topic."""
        return f"v1/{self.stream}/topic/{self.topic_id}"

    def routing(self, version: str) -> str:
        """The commit that was last routed by this version."""
        return f"v1/{self.stream}/routing/{version}"

    def next_offset(self, partition: int) -> str:
        """Next offset to read (exclusive end of what is committed)."""
        return f"v1/{self.stream}/{self.topic_id}/{partition}"

    def first_offset(self, partition: int) -> str:
        """Where the stream began."""
        return f"v1/{self.stream}/{self.topic_id}/{partition}/first"

    def max_event_time(self, partition: int) -> str:
        """Running maximum of event time in microseconds since 1970, over what main's progress covers."""
        return f"v1/{self.stream}/{self.topic_id}/{partition}/max_event_time"
