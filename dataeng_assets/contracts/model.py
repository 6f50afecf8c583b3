"""What a contract says, as values. Reading documents belongs in `load`; how a type is carried belongs in `types`.

What can be demanded of data at all is written in `checks`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from dataeng_assets.contracts.checks.implied import implied_rules
from dataeng_assets.contracts.checks.kinds import OfType, OneOf, RowCheck
from dataeng_assets.contracts.checks.rule import Consumer, NotExecuted, Quarantine, Rule, Suite, SuiteColumn
from dataeng_assets.contracts.health import HealthLimits
from dataeng_assets.contracts.record_format import Records
from dataeng_assets.contracts.topic import TopicTerms
from dataeng_assets.contracts.types import ColumnType, logical_type


@dataclass(frozen=True)
class Column:
    """One column of a table or field of an event.

    Attributes:
        physical: its type as the document writes it.
        personal: whether it can tell who a person is; such values never reach logs, metadata or samples.
        said_logical: its logical type, where the document says another one than is usual for its type.
    """

    name: str
    type: ColumnType
    physical: str
    nullable: bool
    personal: bool
    description: str
    tags: tuple[str, ...] = ()
    said_logical: str = ""

    @property
    def logical(self) -> str:
        """Its type in the words of ODCS."""
        return self.said_logical or logical_type(self.type)


@dataclass(frozen=True)
class EventTime:
    """When an event happened, and when it is too late or too far ahead to be believed.

    Attributes:
        column: holds the event time.
        late_after: an event is late when it lies this far behind the running maximum of its topic partition.
        max_ahead: an event time further ahead of the record's own timestamp does not count in that maximum.
        allowed_lateness: how much later than that an event may be and still correct what was published; beyond it, or
            with none allowed, late events have a table of their own.
    """

    column: str
    late_after: timedelta
    max_ahead: timedelta
    allowed_lateness: timedelta = timedelta(0)


@dataclass(frozen=True)
class Contract:
    """What one table or topic holds.

    Attributes:
        path: the document.
        name: the table's or topic's name.
        key: the columns that identify a row or event, in order. A topic may deliver one event more than once.
        freshness: how old the newest data may be at most.
        health: of a topic: when its stream is not well.
        rules: everything that the document demands of the data; `implied` are those that follow from columns and key.
        quarantine: whether rows that break a rule of rows are set aside.
        consumers: who reads the data.
        not_executed: what the document says and what is not checked.
        sla: other promises by name, in words.
        topic: what is demanded of the topic itself.
        records: how the records of a topic are written.
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
    health: HealthLimits = HealthLimits()
    rules: tuple[Rule, ...] = ()
    quarantine: Quarantine | None = None
    consumers: tuple[Consumer, ...] = ()
    not_executed: tuple[NotExecuted, ...] = ()
    sla: Mapping[str, str] = field(default_factory=dict, hash=False)
    topic: TopicTerms | None = None
    records: Records = Records()

    @property
    def suite(self) -> Suite:
        """All that can be judged of the data."""
        return Suite(
            name=self.name,
            columns=suite_columns(self.columns),
            rules=self.rules,
            key=self.key,
            id=self.id,
            version=self.version,
            description=self.description,
            owner=self.owner,
            not_executed=self.not_executed,
            consumers=self.consumers,
            quarantine=self.quarantine,
            sla=self.sla,
        )

    @property
    def stored_suite(self) -> Suite:
        """The suite by which bronze is judged: with the types in which it carries those of the source."""
        stored = {column.name: _stored_type(column.type) for column in self.columns}
        rules = tuple(
            replace(rule, check=replace(rule.check, logical=None, physical=stored[rule.check.column]))
            if isinstance(rule.check, OfType)
            else rule
            for rule in self.rules
        )
        return replace(self.suite, rules=rules)

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
        """Sixteen hex digits that change with what decides where a record goes and how a value is carried.

        The rules that set rows aside are not in it: `checks.setting_aside.version_of` speaks of them. The limit decides
        only whether a run fails.
        """
        time = self.event_time
        decides: dict[str, object] = {
            "name": self.name,
            "key": self.key,
            "columns": [
                [c.name, c.type.kind, str(c.type.arrow), c.nullable, self._values(c.name)] for c in self.columns
            ],
            "event_time": time and [time.column, time.late_after.total_seconds(), time.max_ahead.total_seconds()],
        }
        if time and time.allowed_lateness:
            decides["allowed_lateness"] = time.allowed_lateness.total_seconds()
        if written := self.records.decides():
            decides["records"] = written
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]

    def _values(self, column: str) -> list[str]:
        """The accepted values of a column."""
        checks = [rule.check for rule in self.rules]
        return sorted(
            str(value)
            for check in checks
            if isinstance(check, OneOf) and check.column == column and not check.negated
            for value in check.values
        )


def _stored_type(kind: ColumnType) -> str:
    """The type of a column in bronze, in Postgres' words."""
    if kind.element is not None:
        return f"{_stored_type(kind.element)}[]"
    zone = "with" if str(kind.arrow).endswith("tz=UTC]") else "without"
    return {"text": "text", "timestamp": f"timestamp {zone} time zone"}.get(kind.family, kind.kind)


def implied(columns: Sequence[Column], key: Sequence[str]) -> tuple[Rule, ...]:
    """The rules that follow from columns and key alone: presence, types, required values, and a unique key.

    Args:
        columns: of the table or topic.
        key: of a table; none for a topic, whose records may be delivered more than once.
    """
    return implied_rules(suite_columns(columns), key)


def suite_columns(columns: Sequence[Column]) -> tuple[SuiteColumn, ...]:
    """The columns as a suite knows them."""
    return tuple(SuiteColumn(c.name, c.logical, c.physical, c.nullable, c.personal, c.description) for c in columns)


def is_of_rows(rule: Rule) -> bool:
    """Whether a rule judges each row by itself, so that a row can be set aside for it."""
    return isinstance(rule.check, RowCheck)
