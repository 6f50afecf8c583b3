"""A stream of small events, what it should hold by a plain reading of the rules, and what its tables hold."""

import hashlib
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import TopicAlreadyExistsError

from dataeng_assets.contracts.checks.kinds import Between, OneOf
from dataeng_assets.contracts.checks.rule import Bounds, Quarantine, Rule, Unit
from dataeng_assets.contracts.model import Column, Contract, EventTime
from dataeng_assets.contracts.types import event_type
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.streams.drain import DrainReport, drain
from dataeng_assets.streams.stream import Stream

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATE_AFTER, MAX_AHEAD = timedelta(minutes=10), timedelta(minutes=5)
WINDOW = timedelta(minutes=5)
KINDS = ("page_view", "click")


def column(name: str, physical: str, *, nullable: bool = False) -> Column:
    return Column(name, event_type(physical), physical, nullable, personal=False, description="")


COLUMNS = (
    column("event_id", "string"),
    column("user_id", "bigint", nullable=True),
    column("event_type", "string"),
    column("timestamp", "timestamp"),
)


def contract_of(
    name: str, columns: Sequence[Column], key: str, *, domain: str = "shop", event_time: EventTime | None = None
) -> Contract:
    """A contract that says no more than it must."""
    return Contract(
        path=Path(f"{name}.yaml"),
        id=f"{domain}.{name}",
        name=name,
        version="1.0.0",
        description="Rows of a test.",
        owner="tests",
        domain=domain,
        tags=(),
        columns=tuple(columns),
        key=(key,),
        event_time=event_time,
    )


def contract(columns: Sequence[Column] = COLUMNS, late_after: timedelta = LATE_AFTER) -> Contract:
    timed = EventTime("timestamp", late_after, MAX_AHEAD)
    return contract_of("user_events", columns, "event_id", domain="events", event_time=timed)


def stream(lake: Lake, topic: str) -> Stream:
    return Stream("user_events", topic, "events", contract(), lake)


@dataclass(frozen=True)
class Sent:
    """One record as it was sent."""

    partition: int
    value: bytes | None
    produced: datetime
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Topic:
    """A topic of the test's own, and everything that was ever sent to it."""

    bootstrap: str
    name: str
    log: dict[int, list[Sent]] = field(default_factory=dict)

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.bootstrap, allow_plaintext=True)

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            yield client
        finally:
            client.close()

    def make(self, partitions: int) -> "Topic":
        # records of a past date: the broker would delete them within minutes
        new = NewTopic(self.name, partitions, 1, topic_configs={"retention.ms": "-1"})
        with self.admin() as admin:
            for _ in range(100):
                try:
                    admin.create_topics([new])
                    break
                except TopicAlreadyExistsError:  # its deletion has not ended yet
                    continue
            admin.wait_for_topics([self.name])
        self.log = {partition: [] for partition in range(partitions)}
        return self

    def add_partitions(self, total: int) -> None:
        with self.admin() as admin:
            admin.create_partitions({self.name: total})
        self.log |= {partition: [] for partition in range(total) if partition not in self.log}

    def configure(self, configs: Mapping[str, str]) -> None:
        with self.admin() as admin:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, self.name, dict(configs))])

    def delete(self) -> None:
        with self.admin() as admin:
            admin.delete_topics([self.name])

    def delete_records(self, before: Mapping[int, int]) -> None:
        with self.admin() as admin:
            admin.delete_records({TopicPartition(self.name, p): offset for p, offset in before.items()})

    def send(self, records: Iterable[Sent]) -> None:
        pending = []
        with KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=20) as producer:
            for sent in records:
                self.log[sent.partition].append(sent)
                pending.append(
                    producer.send(
                        self.name,
                        key=b"key",
                        value=sent.value,
                        partition=sent.partition,
                        timestamp_ms=int(sent.produced.timestamp() * 1000),
                        headers=list(sent.headers),
                    )
                )
            producer.flush()
        for future in pending:
            future.get(timeout=10)


def event(number: int | str, when: datetime, *, user: int | None = 1, kind: str = "click", **more: object) -> bytes:
    written = when.isoformat().replace("+00:00", "Z")
    record = {"event_id": f"e{number}", "user_id": user, "event_type": kind, "timestamp": written, **more}
    return json.dumps(record, separators=(",", ":")).encode()


def some_records(seed: int, count: int, partitions: int, start: int = 0) -> list[Sent]:
    """Ordinary life: time goes on, some events are late, broken, sent twice or far in the future."""
    chance = random.Random(seed)
    records: list[Sent] = []
    for number in range(start, start + count):
        now = START + timedelta(seconds=20 * number + chance.randrange(60))
        when, value = now, None
        fate = chance.random()
        if fate < 0.10:
            when = now - timedelta(minutes=chance.randrange(60))
        elif fate < 0.13:
            when = now + timedelta(days=chance.randrange(1, 400))
        elif fate < 0.17:
            value = chance.choice([b"", b"{", b"[]", b'{"event_id":"x"}', event(number, when, user="7")])  # type: ignore[arg-type]
        if value is None:
            more = {"beta": True} if chance.random() < 0.05 else {}
            value = event(number, when, user=chance.choice([None, 1, 2, 3]), kind=chance.choice(KINDS), **more)
        sent = Sent(chance.randrange(partitions), value, now)
        records += [sent] * (2 if chance.random() < 0.05 else 1)
    return records


@dataclass
class Expected:
    """What the tables should hold, by partition and offset."""

    main: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)
    late: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)
    dead: dict[tuple[int, int], str] = field(default_factory=dict)
    windows: dict[tuple[datetime, str], tuple[int, int, int]] = field(default_factory=dict)


def expected(log: Mapping[int, Sequence[Sent]], allowed: timedelta = timedelta(0)) -> Expected:
    """The rules in plain words, over all that was sent, when everything has been read."""
    out = Expected()
    marks: list[datetime] = []
    for partition, records in log.items():
        newest: datetime | None = None
        for offset, sent in enumerate(records):
            place = (partition, offset)
            read = _read(sent.value)
            if isinstance(read, str):
                out.dead[place] = read
                continue
            when = read[3]
            is_late = newest is not None and when < newest - LATE_AFTER - allowed
            (out.late if is_late else out.main)[place] = read
            if when - sent.produced <= MAX_AHEAD and (newest is None or when > newest):
                newest = when
        if newest is not None:
            marks.append(newest - LATE_AFTER)
    if marks:
        out.windows = windows(out.main.values(), max(marks))
    return out


def windows(events: Iterable[tuple[Any, ...]], watermark: datetime) -> dict[tuple[datetime, str], tuple[int, int, int]]:
    groups: dict[tuple[datetime, str], list[tuple[Any, ...]]] = {}
    for row in events:
        start = datetime.fromtimestamp(row[3].timestamp() // 300 * 300, UTC)
        if start + WINDOW <= watermark:
            groups.setdefault((start, row[2]), []).append(row)
    return {
        key: (len(rows), len({row[0] for row in rows}), len({row[1] for row in rows if row[1] is not None}))
        for key, rows in groups.items()
    }


def _read(value: bytes | None) -> tuple[Any, ...] | str:
    if not value:
        return "empty"
    try:
        record = json.loads(value)
    except ValueError:
        return "not_json"
    if not isinstance(record, dict):
        return "not_object"
    for name, kind in (("event_id", str), ("user_id", int), ("event_type", str), ("timestamp", str)):
        found = record.get(name)
        if found is None and name != "user_id":
            return f"missing:{name}"
        if found is not None and not isinstance(found, kind):
            return f"type:{name}"
    rescued = {name: item for name, item in record.items() if name not in {c.name for c in COLUMNS}}
    when = datetime.fromisoformat(record["timestamp"])
    more = json.dumps(rescued, separators=(",", ":")) if rescued else None
    return record["event_id"], record["user_id"], record["event_type"], when, more


def stored(of: Stream) -> Expected:
    """What the tables hold; fails on a row that stands twice."""
    names = ("event_id", "user_id", "event_type", "timestamp", "_rescued")
    return Expected(
        main={_place(row): tuple(row[name] for name in names) for row in once(table(of, of.main))},
        late={_place(row): tuple(row[name] for name in names) for row in once(table(of, of.late))},
        dead={_place(row): row["reason"] for row in once(table(of, of.dead_letters))},
        windows=stored_windows(of),
    )


def stored_windows(of: Stream) -> dict[tuple[datetime, str], tuple[int, int, int]]:
    rows = table(of, of.windows)
    found = {
        (row["window_start"], row["event_type"]): (row["records"], row["events"], row["unique_users"]) for row in rows
    }
    assert len(found) == len(rows), "a window stands twice"
    return found


def table(of: Stream, key: tuple[str, ...]) -> list[dict[str, Any]]:
    try:
        return of.lake.open(key).to_pyarrow_dataset().to_table().to_pylist()  # type: ignore[no-any-return]
    except TableMissing:
        return []


def fingerprint(of: Stream) -> dict[str, tuple[int, int]]:
    """How many rows each table holds, and a hash of them in any order, but for when and by which run they came."""
    found = {}
    for key in (of.main, of.late, of.dead_letters, of.windows):
        total, rows = 0, table(of, key)
        for row in rows:
            told = sorted((k, v) for k, v in row.items() if v is not None and k not in ("_ingested_at", "_run_id"))
            total += int.from_bytes(hashlib.sha256(repr(told).encode()).digest()[:16])
        found[key[-1]] = len(rows), total % 2**128
    return found


def once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    places = [_place(row) for row in rows]
    assert len(set(places)) == len(places), "an offset stands twice"
    return rows


def _place(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["_kafka_partition"], row["_kafka_offset"]


KNOWN = Rule(OneOf("event_type", KINDS), "known_type")
POSITIVE = Rule(Between("user_id", minimum=1), "positive_user")
ANY_NUMBER = Bounds(upper=100, unit=Unit.PERCENT)


def quarantining(of: Stream, *rules: Rule, limit: Bounds = ANY_NUMBER) -> Stream:
    """The stream, under a contract with rules that set records aside."""
    return replace(of, contract=replace(of.contract, rules=rules, quarantine=Quarantine(limit)))


def run(events: Stream, topic: Topic, **more: Any) -> DrainReport:
    return drain(events, topic.cluster, run_id="run", budget=timedelta(minutes=1), **more)


def sent(number: int, *, partition: int = 0, minutes: float = 0, **fields: Any) -> Sent:
    when = START + timedelta(minutes=minutes)
    return Sent(partition, event(number, when, **fields), when)


def dead(events: Stream) -> list[tuple[int, str, str | None]]:
    """Offset, reason and detail of each dead letter."""
    rows = sorted(table(events, events.dead_letters), key=lambda row: row["_kafka_offset"])
    return [(row["_kafka_offset"], row["reason"], row["detail"]) for row in rows]
