"""A topic as streaming pipelines see it: fields, key, event time and windows, from its contract.

Only what every such system can carry passes: events in plain JSON. Anything else is refused by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from dataeng_assets.contracts.checks.kinds import Check, HasColumns, NotNull, OfType, OneOf
from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.request import Kind, RequestRefused

WINDOW = timedelta(minutes=5)
"""Length of the tumbling windows, as the platform's own stream of the sample has them."""
_RETENTION = "retention.ms"
_WEEK_MS = str(7 * 24 * 3_600_000)


@dataclass(frozen=True)
class Field:
    """A field of an event.

    Attributes:
        kind: its type in the words of an event contract, such as bigint or decimal(12,2).
        values: the values that it may have; none for any.
        from_record: `key` or `timestamp` where it is the record's own, and no part of the value.
    """

    name: str
    kind: str
    nullable: bool
    personal: bool
    description: str
    values: tuple[str, ...] = ()
    from_record: str = ""


@dataclass(frozen=True)
class Event:
    """The events of one topic.

    Attributes:
        key: the fields that identify an event, however often it is delivered.
        event_time: the field that says when it happened; empty when none does.
        late_after: how far behind an event may be and still count in its window.
        max_ahead: an event time further ahead of the record's own timestamp is not believed, and moves no watermark.
        partitions: of the topic.
        configs: settings of the topic under Kafka's names; its retention is always among them.
        unchecked: rules of the contract that are left to the platform's own checks, by name.
    """

    name: str
    description: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    event_time: str
    late_after: timedelta
    max_ahead: timedelta
    partitions: int
    replicas: int
    configs: tuple[tuple[str, str], ...]
    unchecked: tuple[str, ...]

    @property
    def value_fields(self) -> tuple[Field, ...]:
        """Those that stand in the record's value."""
        return tuple(one for one in self.fields if not one.from_record)

    @property
    def group_by(self) -> tuple[str, ...]:
        """What windows are counted by: required fields with few, known values."""
        return tuple(one.name for one in self.fields if one.values and not one.nullable)


def events(pipeline: Pipeline) -> tuple[Event, ...]:
    """The events of each topic of a pipeline.

    Raises:
        RequestRefused: a topic's records are no plain JSON, or have a key that is no text.
    """
    return tuple(_event(table.contract, pipeline.request.kind) for table in pipeline.tables)


def _event(contract: Contract, kind: Kind) -> Event:
    _refuse_format(contract, kind)
    terms, time = contract.topic, contract.event_time
    checks = [rule.check for rule in contract.rules]
    configs = dict(terms.configs) if terms else {}
    return Event(
        name=contract.name,
        description=contract.description,
        fields=tuple(_field(column, contract, checks) for column in contract.columns),
        key=contract.key,
        event_time=time.column if time else "",
        late_after=time.late_after if time else timedelta(0),
        max_ahead=time.max_ahead if time else timedelta(0),
        partitions=(terms.partitions if terms else None) or 6,
        replicas=(terms.replication_factor if terms else None) or 3,
        configs=tuple(sorted({_RETENTION: _WEEK_MS, "min.insync.replicas": "2", **configs}.items())),
        unchecked=tuple(
            rule.name for rule in contract.rules if not isinstance(rule.check, HasColumns | NotNull | OfType | OneOf)
        ),
    )


def _field(column: Column, contract: Contract, checks: Sequence[Check]) -> Field:
    values = [one.values for one in checks if isinstance(one, OneOf) and one.column == column.name and not one.negated]
    records, origin = contract.records, ""
    if records.key and records.key.column == column.name:
        origin = "key"
    elif records.time == column.name:
        origin = "timestamp"
    return Field(
        name=column.name,
        kind=column.physical,
        nullable=column.nullable,
        personal=column.personal,
        description=column.description,
        values=tuple(sorted(map(str, values[0]))) if values and column.type.family == "text" else (),
        from_record=origin,
    )


def _refuse_format(contract: Contract, kind: Kind) -> None:
    value, key = contract.records.value, contract.records.key
    said = f"{value.kind} ({value.wire})"
    if (value.kind, value.wire) != ("json", "plain"):
        raise RequestRefused(
            f"{contract.path} writes its records as {said}, and --type {kind} is made for plain JSON. "
            "--type dagster reads every format that a contract can declare."
        )
    if key and key.format.kind != "string":
        raise RequestRefused(
            f"{contract.path} writes the records' keys as {key.format.kind}, and --type {kind} takes keys of text. "
            "--type dagster reads every format that a contract can declare."
        )
