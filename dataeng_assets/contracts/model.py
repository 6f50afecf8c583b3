"""What a contract says, as values. Reading documents belongs in `load`; how a type is carried belongs in `types`."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from dataeng_assets.contracts.checks.rule import Quarantine
from dataeng_assets.contracts.checks.rule import Rule as TableRule
from dataeng_assets.contracts.types import ColumnType


@dataclass(frozen=True)
class NotNull:
    """No row lacks the value."""


@dataclass(frozen=True)
class Unique:
    """No two current rows share the value."""


@dataclass(frozen=True)
class AcceptedValues:
    """A value that is there is one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Range:
    """A value that is there lies between the bounds, which belong to the range."""

    minimum: float | int | None
    maximum: float | int | None


Rule = NotNull | Unique | AcceptedValues | Range


@dataclass(frozen=True)
class Column:
    """One column of a table or field of an event.

    Attributes:
        physical: its type as the document writes it.
        personal: whether it can tell who a person is; such values never reach logs, metadata or samples.
        rules: what the document demands of its values, `NotNull` for a required one included.
    """

    name: str
    type: ColumnType
    physical: str
    nullable: bool
    personal: bool
    description: str
    rules: tuple[Rule, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventTime:
    """When an event happened, and when it is too late or too far ahead to be believed.

    Attributes:
        column: holds the event time.
        late_after: an event is late when it lies this far behind the running maximum of its topic partition.
        max_ahead: an event time further ahead of the record's own timestamp does not count in that maximum.
    """

    column: str
    late_after: timedelta
    max_ahead: timedelta


@dataclass(frozen=True)
class Contract:
    """What one table or topic holds.

    Attributes:
        path: the document.
        name: the table's or topic's name.
        key: the columns that identify a row or event, in order. A topic may deliver one event more than once.
        freshness: how old the newest data may be at most.
        rules: what is demanded of the table and judged.
        quarantine: whether rows that break a rule of rows are set aside; None when they are not.
    """

    path: Path
    id: str
    name: str
    version: str
    description: str
    owner: str
    domain: str
    tags: tuple[str, ...]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    freshness: timedelta | None = None
    event_time: EventTime | None = None
    rules: tuple[TableRule, ...] = ()
    quarantine: Quarantine | None = None

    def column(self, name: str) -> Column:
        """The column of this name.

        Raises:
            KeyError: the contract has none; names those it has.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.path} has no column {name!r}; it has {', '.join(c.name for c in self.columns)}")

    def arrow_schema(self) -> pa.Schema:
        """The contract's columns in Arrow, in the contract's order."""
        return pa.schema([pa.field(c.name, c.type.arrow, c.nullable) for c in self.columns])

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with what decides where a record goes and how a value is carried."""
        time = self.event_time
        decides = {
            "name": self.name,
            "key": self.key,
            "columns": [[c.name, c.type.kind, str(c.type.arrow), c.nullable, _values(c)] for c in self.columns],
            "event_time": time and [time.column, time.late_after.total_seconds(), time.max_ahead.total_seconds()],
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]


def _values(column: Column) -> list[str]:
    return sorted(value for rule in column.rules if isinstance(rule, AcceptedValues) for value in rule.values)
