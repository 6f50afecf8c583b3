"""The generated Spark jobs run as they are: against a real Kafka, killed in the middle, and started again."""

import json
import os
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import duckdb
import psycopg
import pytest
from deltalake import DeltaTable
from kafka import KafkaAdminClient
from programs import running
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal
from spark_programs import spark_environment, spark_python

from dataeng_assets.generate.asked import Asked
from dataeng_assets.generate.kinds import kind_module
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.producer import Outgoing, Producer
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.local.process import tail, wait_until
from dataeng_assets.orchestration.generated import pipeline_of

pytestmark = [pytest.mark.interop, pytest.mark.server]

TOPIC, PARTITIONS, RECORDS = "user_events", 4, 2000
USER, PASSWORD = "extract_events", uuid.uuid4().hex
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
KINDS = ("page_view", "click", "add_to_cart", "purchase")
EVENT = '{"event_id": "%s", "event_type": "click", "timestamp": "2026-03-01T12:00:00Z", "properties": {}}'
BROKEN: Mapping[bytes, str] = {
    b"no json": "json: no JSON object in UTF-8",
    b"[1]": "json: no JSON object in UTF-8",
    (EVENT % uuid.UUID(int=1)).encode() + b" and more": "json: no JSON object in UTF-8",
    (EVENT % uuid.UUID(int=1)).encode() + b"} {": "json: no JSON object in UTF-8",
    (EVENT % uuid.UUID(int=1)).encode()[:-1] + b', "user_id": 1, "user_id": 2}': "json: no JSON object in UTF-8",
    (EVENT % uuid.UUID(int=1)).encode()[:-1] + b', "other": "\xff"}': "json: no JSON object in UTF-8",
    (EVENT % uuid.UUID(int=1)).encode()[:-1] + b', "user_id": "7"}': "type: user_id is no bigint",
    (EVENT % uuid.UUID(int=1)).encode()[:-1] + b', "user_id": 7.5}': "type: user_id is no bigint",
    (EVENT % uuid.UUID(int=1)).encode()[:-1] + b', "user_id": 9223372036854775808}': "type: user_id is no bigint",
    (EVENT % "7").encode(): "type: event_id is no uuid",
    b'{"event_type": "click"}': "missing: event_id",
    (EVENT % uuid.UUID(int=1))
    .encode()
    .replace(b"click", b"click\\u0000"): "values: event_type is none of the contract's",
    (EVENT % uuid.UUID(int=1)).replace("click", "cough").encode(): "values: event_type is none of the contract's",
    (EVENT % uuid.UUID(int=1)).replace("12:00:00Z", "12:00:00").encode(): "type: timestamp is no timestamp",
    (EVENT % uuid.UUID(int=1)).replace("03-01", "02-30").encode(): "type: timestamp is no timestamp",
    (EVENT % uuid.UUID(int=1))
    .replace('"2026-03-01T12:00:00Z"', "1772366400")
    .encode(): "type: timestamp is no timestamp",
}
AHEAD: Mapping[str, Any] = {
    "event_id": str(uuid.UUID(int=2)),
    "user_id": 1,
    "event_type": "click",
    "timestamp": "2100-01-01T00:00:00Z",
    "properties": {},
}


@dataclass(frozen=True)
class Job:
    """A generated job in its folder, and what it runs with."""

    folder: Path
    script: str
    environment: Mapping[str, str]

    def command(self, *options: str) -> list[str]:
        return [spark_python(), self.script, *options]

    def run_once(self) -> list[dict[str, Any]]:
        """Read the topic to its end; gives what was said of each batch."""
        log = self.folder / "once.log"
        with log.open("w") as output:
            done = subprocess.run(self.command("--once"), cwd=self.folder, env=dict(self.environment), stderr=output)
        assert done.returncode == 0, tail(log)
        return [
            json.loads(line) for line in log.read_text(errors="replace").splitlines() if line.startswith('{"query"')
        ]


def event(number: int) -> dict[str, Any]:
    """The event of a number: one a second, and each fiftieth like the one before it."""
    original = number - 1 if number % 50 == 49 else number
    return {
        "event_id": str(uuid.UUID(int=original + 10)),
        "user_id": original % 97 if original % 5 else None,
        "event_type": KINDS[original % 4],
        "timestamp": (START + timedelta(seconds=original)).isoformat().replace("+00:00", "Z"),
        "properties": {"page": f"/{original}", "depth": [original, {"x": 0.5}], "zero": "\0"},
        **({"surprise": original} if original % 100 == 0 else {}),
    }


def send(broker: Kafka) -> None:
    """Events in the order of their times over all partitions, broken records and a wrong clock among them."""
    broken = list(BROKEN)
    with Producer(Cluster(broker.bootstrap, allow_plaintext=True), TOPIC) as producer:
        for number in range(RECORDS):
            value = json.dumps(event(number)).encode()
            producer.send(2 * number, Outgoing(value, partition=number % PARTITIONS))
            if number % 100 == 0:
                value = broken[number // 100 % len(broken)]
                producer.send(2 * number + 1, Outgoing(value, b"key", partition=number % PARTITIONS))
            if number == 150:
                producer.send(2 * number + 1, Outgoing(json.dumps(AHEAD).encode(), partition=0))


def expected_rows() -> list[str]:
    """All events as rows, the one that is too far ahead among them."""
    return sorted(map(shown, map(as_row, [*map(event, range(RECORDS)), AHEAD])))


def expected_dead_letters() -> list[tuple[bytes, str, bytes]]:
    """The broken records that `send` puts between the events."""
    broken = [list(BROKEN)[number // 100 % len(BROKEN)] for number in range(0, RECORDS, 100)]
    return sorted((value, BROKEN[value], b"key") for value in broken)


def expected_windows(last: int) -> dict[tuple[datetime, str], int]:
    """Events by window and kind, each event once, of the windows that the last event's watermark has passed."""
    counted = Counter[tuple[datetime, str]]()
    passed = START + timedelta(seconds=last - 1) - timedelta(minutes=10)
    seen = {one["event_id"]: one for one in map(event, range(last))}
    for one in seen.values():
        at = datetime.fromisoformat(one["timestamp"])
        start = START + (at - START) // timedelta(minutes=5) * timedelta(minutes=5)
        if start + timedelta(minutes=5) <= passed:
            counted[start, one["event_type"]] += 1
    return dict(counted)


@pytest.fixture(scope="module")
def topic(kafka_broker: Kafka) -> Iterator[Kafka]:
    """A broker with the topic, and all records in it."""
    client = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    created = {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": {"retention.ms": "-1"}}
    client.create_topics({TOPIC: created}, wait_for_metadata=True)
    send(kafka_broker)
    yield kafka_broker
    client.delete_topics([TOPIC])
    client.close()


def generated(folder: Path, broker: Kafka, destination: str, **variables: str) -> Job:
    pipeline = pipeline_of(Asked("spark-streaming", source="kafka", destination=destination)).pipeline
    made = kind_module(pipeline.request.kind).files(pipeline)
    for path, text in made.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return Job(
        folder,
        made.main.name,
        spark_environment(
            folder,
            PIPELINE_ENV="local",
            KAFKA_SECURITY_PROTOCOL="PLAINTEXT",
            CHECKPOINTS=str(folder / "checkpoints"),
            MAX_RECORDS_PER_BATCH="700",
            TRIGGER="0 seconds",
            **{pipeline.address_variable: broker.bootstrap},
            **variables,
        ),
    )


def forget_the_last_batch(job: Job) -> None:
    """As if the crash had come after a batch was written and before that was noted: it is begun again."""
    for commits in (job.folder / "checkpoints").rglob("commits"):
        done = sorted((one for one in commits.iterdir() if one.name.isdigit()), key=lambda one: int(one.name))
        (done or [commits / "none"])[-1].unlink(missing_ok=True)


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query over `rows` gives, `rows` being a Delta table."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", DeltaTable(folder).to_pyarrow_dataset())
        return connection.execute(query).fetchall()


def test_every_record_arrives_exactly_once_over_a_kill(topic: Kafka, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    job = generated(tmp_path, topic, "delta", LAKE=str(lake))
    log = tmp_path / "job.log"
    with running(job.command(), log=log, cwd=tmp_path, environment=dict(job.environment)) as process:
        versions = lake / TOPIC / "_delta_log" / f"{0:020}.json"
        assert wait_until(lambda: versions.exists() or process.poll() is not None, 300), tail(log)
        assert process.poll() is None, tail(log)
        os.killpg(process.pid, signal.SIGKILL)
    forget_the_last_batch(job)
    told = job.run_once()

    found = rows(lake / TOPIC, "SELECT event_id, user_id, event_type, timestamp, properties, _rescued FROM rows")
    assert sorted(map(shown, found)) == expected_rows()
    dead = rows(lake / f"{TOPIC}_dead_letters", "SELECT value, _reason, key FROM rows")
    assert sorted(dead) == expected_dead_letters()
    doubled = """
        SELECT count(*) - count(DISTINCT (_kafka_partition, _kafka_offset)), count(*) FROM rows
    """
    assert rows(lake / TOPIC, doubled) == [(0, RECORDS + 1)]
    windows = rows(lake / f"{TOPIC}_windows", "SELECT window_start, event_type, records FROM rows")
    assert {(start, kind): count for start, kind, count in windows} == expected_windows(RECORDS)
    assert len(windows) == len(expected_windows(RECORDS))
    assert sum(one.get("dead_letters") or 0 for one in told) > 0
    assert {one["query"] for one in told if "batch" in one} == {f"{TOPIC}.events", f"{TOPIC}.windows"}


@pytest.fixture
def to_postgres(topic: Kafka, database: str, tmp_path: Path) -> Iterator[tuple[Job, psycopg.Connection]]:
    """A job that writes to an empty database as the user that `tables.sql` makes, and the database's owner."""
    at = conninfo_to_dict(database)
    reached = {"HOST": at["host"], "PORT": at["port"], "DATABASE": at["dbname"], "USER": USER, "PASSWORD": PASSWORD}
    job = generated(tmp_path, topic, "postgres", **{f"POSTGRES_{name}": str(value) for name, value in reached.items()})
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(SQL((tmp_path / "tables.sql").read_text()))
        owner.execute(SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(USER), Literal(PASSWORD)))
        yield job, owner
        owner.execute(SQL("DROP OWNED BY {}; DROP ROLE {}").format(Identifier(USER), Identifier(USER)))


def kill_in_the_middle(job: Job, owner: psycopg.Connection) -> None:
    """Run a job until its first batch is in the tables and the second one is staged and about to be moved; kill it."""
    log = job.folder / "job.log"
    with running(job.command(), log=log, cwd=job.folder, environment=dict(job.environment)) as process:

        def is_so(query: LiteralString) -> bool:
            return bool(owner.execute(query).rowcount) or process.poll() is not None

        first = "SELECT FROM extract_events._progress WHERE query = 'user_events.events' AND batch >= 0"
        assert wait_until(lambda: is_so(first), 300), tail(log)
        with psycopg.connect(owner.info.dsn, password=owner.info.password) as blocker:
            blocker.execute("LOCK TABLE extract_events.user_events IN SHARE MODE")
            moves = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT%DISTINCT ON%'"
            assert wait_until(lambda: is_so(moves), 300), tail(log)
            assert process.poll() is None, tail(log)
            os.killpg(process.pid, signal.SIGKILL)


def forget_what_postgres_committed_last(job: Job, owner: psycopg.Connection) -> None:
    """Leave each checkpoint as it is when Postgres has committed a batch and Spark has not noted that."""
    for query, committed in owner.execute("SELECT query, batch FROM extract_events._progress WHERE batch >= 0"):
        state = job.folder / "checkpoints" / USER / query.replace(".", "/")
        for folder, last in ((state / "offsets", committed), (state / "commits", committed - 1)):
            for noted in folder.iterdir():
                if int(noted.name.strip(".").removesuffix(".crc")) > last:
                    noted.unlink()


def test_postgres_holds_every_record_once_over_a_kill_between_its_commit_and_the_checkpoint(
    to_postgres: tuple[Job, psycopg.Connection],
) -> None:
    job, owner = to_postgres
    kill_in_the_middle(job, owner)
    forget_what_postgres_committed_last(job, owner)
    told = job.run_once()
    assert {one["batch"] for one in told if one["query"] == f"{TOPIC}.events" and "batch" in one} >= {0, 1}

    found = owner.execute(
        "SELECT event_id::text, user_id, event_type, timestamp, properties::text, _rescued::text "
        "FROM extract_events.user_events"
    )
    assert sorted(map(shown, found)) == expected_rows()
    dead = owner.execute("SELECT value, _reason, key FROM extract_events.user_events_dead_letters").fetchall()
    zero = "type: event_type has a zero byte, which Postgres refuses"
    wanted = [(value, zero if b"u0000" in value else reason, key) for value, reason, key in expected_dead_letters()]
    assert sorted(dead) == wanted
    windows = owner.execute("SELECT window_start, event_type, records FROM extract_events.user_events_windows")
    assert {(start, kind): count for start, kind, count in windows} == expected_windows(RECORDS)
    verified = owner.execute(SQL((job.folder / "verify.sql").read_text())).fetchall()
    assert verified == [(partition, 0, 0) for partition in range(PARTITIONS)]
    assert not owner.execute("SELECT FROM pg_tables WHERE schemaname = 'extract_events_staging'").rowcount


def as_row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    """The row that an event becomes."""
    rescued = {"surprise": one["surprise"]} if "surprise" in one else None
    at = datetime.fromisoformat(one["timestamp"])
    return one["event_id"], one["user_id"], one["event_type"], at, json.dumps(one["properties"]), json.dumps(rescued)


def shown(row: tuple[Any, ...]) -> str:
    """A row as a text to be compared: times in UTC, JSON without the way it was written."""
    identity, user, kind, at, properties, rescued = row
    details = [json.dumps(json.loads(text or "null"), sort_keys=True) for text in (properties, rescued)]
    return repr((identity, user, kind, at.astimezone(UTC), *details))
