"""What the tables must hold, worked out in plain Python from what truly happened."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dataeng_assets.sample.truth import Truth

TRACKED = ("country", "city", "tier")
BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
WINDOW = timedelta(minutes=5)


@dataclass(frozen=True)
class CustomerVersion:
    """One row of the history that the platform can know: it sees the state at each extract, nothing in between."""

    customer_id: int
    valid_from: datetime
    values: tuple[Any, ...]


def customer_history(truth: Truth, commits: Sequence[int]) -> dict[int, list[CustomerVersion]]:
    """History by customer, given the newest commit that each extract has seen."""
    seen: dict[int, dict[datetime, tuple[Any, ...]]] = defaultdict(dict)
    for commit in commits:
        for row in truth.current("customers", commit).to_pylist():
            seen[row["customer_id"]][row["updated_at"]] = tuple(row[name] for name in TRACKED)
    history: dict[int, list[CustomerVersion]] = {}
    for customer, states in seen.items():
        versions: list[CustomerVersion] = []
        for instant, values in sorted(states.items()):
            if not versions or versions[-1].values != values:
                versions.append(CustomerVersion(customer, instant if versions else BEGINNING, values))
        history[customer] = versions
    return history


def tier_at(history: Mapping[int, Sequence[CustomerVersion]], customer: int, instant: datetime) -> tuple[Any, ...]:
    """Tracked values of the version valid at an instant."""
    return [version.values for version in history[customer] if version.valid_from <= instant][-1]


def windows(events: Iterable[Mapping[str, Any]]) -> dict[tuple[datetime, str], tuple[int, int, int]]:
    """Records, distinct events and distinct users of each window and type, over the records that belong to main."""
    groups: dict[tuple[datetime, str], list[Mapping[str, Any]]] = defaultdict(list)
    for event in events:
        if event["routing"] == "main":
            start = event["event_time"] - (event["event_time"] - BEGINNING) % WINDOW
            groups[start, event["event_type"]].append(event)
    return {
        window: (
            len(rows),
            len({row["event_id"] for row in rows}),
            len({row["user_id"] for row in rows if row["user_id"] is not None}),
        )
        for window, rows in groups.items()
    }
