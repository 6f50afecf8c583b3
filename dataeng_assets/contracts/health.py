"""When a stream is not well: the limits that its contract may set. What is measured belongs in `streams.health`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from open_data_contract_standard.model import SchemaObject

from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.durations import duration, duration_text
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place

HEALTH = "health"
"""The custom property of a topic that sets limits of its own."""
_SHARES = ("throughput", "errorRate", "backpressure")


@dataclass(frozen=True)
class HealthLimits:
    """What a stream may do before somebody is told.

    Attributes:
        lag_records: records at the broker that the tables do not have.
        lag: how long the oldest of them has been waiting.
        throughput: records a second of work, as a share of what is usual; less is too slow.
        error_rate: share of records that become dead letters.
        commit_intervals: how long a commit takes, in intervals between two of them.
        backpressure: share of time in which records waited because a commit was under way.
        skew: the largest lag of a partition, in medians over the partitions.
    """

    lag_records: float = 1_000_000
    lag: timedelta = timedelta(minutes=5)
    throughput: float = 0.5
    error_rate: float = 0.001
    commit_intervals: float = 2
    backpressure: float = 0.1
    skew: float = 3


NAMES: Mapping[str, str] = {
    "lagRecords": "lag_records",
    "lag": "lag",
    "throughput": "throughput",
    "errorRate": "error_rate",
    "commitIntervals": "commit_intervals",
    "backpressure": "backpressure",
    "skew": "skew",
}
"""How a document writes each limit."""


def read_health(document: Document, table: SchemaObject) -> HealthLimits:
    """The limits that a document sets; the usual ones where it says nothing.

    Raises:
        ContractError: an unknown name, or a value that is no limit.
    """
    for position, said in enumerate(table.customProperties or []):
        if said.property == HEALTH:
            return _limits(document, ("schema", 0, "customProperties", position, "value"), said.value)
    return HealthLimits()


def written_health(limits: HealthLimits) -> dict[str, Any]:
    """The limits as a document says them: those that are not the usual ones."""
    usual = HealthLimits()
    said = {
        word: getattr(limits, name) for word, name in NAMES.items() if getattr(limits, name) != getattr(usual, name)
    }
    return {word: duration_text(value) if isinstance(value, timedelta) else value for word, value in said.items()}


def _limits(document: Document, at: Place, given: object) -> HealthLimits:
    if not isinstance(given, dict):
        raise document.error(at, given, f"limits by name: {', '.join(NAMES)}")
    said: dict[str, Any] = {}
    for name, value in given.items():
        if name not in NAMES:
            raise document.error((*at, name), name, f"{', '.join(NAMES)}{did_you_mean(str(name), list(NAMES))}")
        said[NAMES[name]] = (
            duration(document, (*at, name), value) if name == "lag" else _number(document, at, name, value)
        )
    return HealthLimits(**said)


def _number(document: Document, at: Place, name: str, value: object) -> float:
    most = 1.0 if name in _SHARES else float("inf")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise document.error((*at, name), value, "a share above 0, at most 1" if most == 1 else "a number above 0")
    return float(value)
