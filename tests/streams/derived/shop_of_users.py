"""Users in Postgres, what their history says of them at a time, and the tables of a stream of their events."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from stream_kit import START, Topic, contract_of, expected, table

from dataeng_assets.contracts.model import Column
from dataeng_assets.contracts.types import postgres_type
from dataeng_assets.extract.plan import SourceTable, Window
from dataeng_assets.extract.run import extract
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived.deduplicate import Deduplicated
from dataeng_assets.streams.derived.dimension import Dimension
from dataeng_assets.streams.derived.enrich import Enriched
from dataeng_assets.streams.stream import Stream

Rows = list[tuple[Any, ...]]

HORIZON = timedelta(minutes=10)
COLUMNS = (("user_id", "bigint", False), ("tier", "text", True), ("updated_at", "timestamp with time zone", False))
USERS = SourceTable(
    contract_of(
        "users",
        [Column(name, postgres_type(kind), kind, null, False, name) for name, kind, null in COLUMNS],
        "user_id",
    ),
    "shop",
    "updated_at",
    ("bronze", "shop", "users"),
)


def definitions() -> tuple[Deduplicated, Enriched]:
    dimension = Dimension(USERS.key, USERS.contract, USERS.watermark)
    enriched = Enriched("with_user", dimension, (("user_id", "user_id"),), (("tier", "tier"),))
    return Deduplicated(("event_id",), HORIZON // timedelta(microseconds=1)), enriched


@dataclass
class Users:
    """The table, and what was extracted from it."""

    url: str
    lake: Lake
    history: list[tuple[int, datetime, str]] = field(default_factory=list)

    def make(self) -> "Users":
        with psycopg.connect(self.url) as connection:
            connection.execute("CREATE SCHEMA shop")
            connection.execute(
                "CREATE TABLE shop.users (user_id bigint PRIMARY KEY, tier text, updated_at timestamptz)"
            )
            connection.execute("ALTER TABLE shop.users ALTER updated_at SET NOT NULL")
        return self

    def change(self, user: int, minutes: float, tier: str) -> None:
        """Set a user's tier at a time after the stream's start, and extract it."""
        at = START + timedelta(minutes=minutes)
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO shop.users VALUES (%s, %s, %s) ON CONFLICT (user_id) "
                "DO UPDATE SET tier = excluded.tier, updated_at = excluded.updated_at",
                (user, tier, at),
            )
        extract(self.url, [USERS], self.lake, Window(None, None), run_id=f"run-{len(self.history)}")
        self.history.append((user, at, tier))

    def tier(self, user: int | None, when: datetime) -> str | None:
        """What is right for a user at a time."""
        found = sorted((at, tier) for one, at, tier in self.history if one == user and at <= when)
        return found[-1][1] if found else None


def tables(events: Stream) -> tuple[Rows, Rows]:
    """The places in the one, and in the other places and tiers."""
    once, enriched = (table(events, events.window_table(of.name)) for of in definitions())
    places = sorted((row["_kafka_partition"], row["_kafka_offset"]) for row in once)
    return places, sorted((row["_kafka_partition"], row["_kafka_offset"], str(row["tier"])) for row in enriched)


def should(topic: Topic, users: Users, closed: datetime) -> tuple[Rows, Rows]:
    """The rules in plain words, over all that was sent, when everything has been read."""
    last: dict[str, datetime] = {}
    once: Rows = []
    enriched: Rows = []
    for place, row in sorted(expected(topic.log).main.items(), key=lambda item: (item[1][3], *item[0])):
        event_id, user, _, when, _ = row
        if when >= closed:
            continue
        if event_id not in last or when - last[event_id] >= HORIZON:
            once.append(place)
        last[event_id] = when
        enriched.append((*place, str(users.tier(user, when))))
    return sorted(once), sorted(enriched)
