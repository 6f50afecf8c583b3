"""How long a record waits with a resident worker, from being produced to being committed.

    python latency.py BOOTSTRAP SECONDS [RECORDS_PER_SECOND] [READER]

makes a topic of 12 partitions, starts a producer in a process of its own (0.2 % of the records are malformed), drains
beside it, and prints one line of JSON. A record counts as committed when the main table's commit has returned; the
first seconds, in which connections are made, are left out.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from events import CONTRACT, KINDS, PARTITIONS

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.lease import Lease
from dataeng_assets.streams.pace import Bounds
from dataeng_assets.streams.resident import Told, reside
from dataeng_assets.streams.session import BatchReport
from dataeng_assets.streams.stream import Stream

_WARM_SECONDS = 3.0
_LATE_SECONDS = 60.0
_TICK = 0.01


def latency(
    bootstrap: str,
    lake: Path,
    *,
    seconds: float = 30,
    rate: int = 1000,
    interval: float = 0.2,
    reader: str = "confluent-kafka",
) -> dict[str, float]:
    """Measure a resident worker while records come.

    Returns:
        `records`, `batches`, `p50_s`, `p99_s`, `max_s`, and the medians of a batch's parts in seconds.
    """
    topic = f"latency-{uuid.uuid4().hex[:8]}"
    stream = Stream("page_events", topic, "benchmark", load_contract(Path(CONTRACT)), Lake(str(lake)))
    stop, batches, behind = threading.Event(), list[tuple[float, BatchReport]](), [1]

    def tell(told: Told) -> None:
        behind[0] = told.lag
        if told.batch is not None:
            batches.append((time.time(), told.batch))

    def end() -> None:
        # a record that the worker is late with counts, too
        late = time.monotonic() + _LATE_SECONDS
        while behind[0] and time.monotonic() < late:
            time.sleep(_TICK)
        stop.set()

    _make(bootstrap, topic)
    threading.Timer(seconds, end).start()
    with _producer(bootstrap, topic, seconds, rate), Lease(stream) as lease:
        reside(
            stream,
            Cluster(bootstrap, allow_plaintext=True, reader=reader),
            run_id="latency",
            lease=lease,
            bounds=Bounds(),
            interval=interval,
            stop=stop,
            tell=tell,
            trouble=lambda error, _: print(error, file=sys.stderr),
        )
    return _figures(stream, batches)


def _figures(stream: Stream, batches: list[tuple[float, BatchReport]]) -> dict[str, float]:
    rows = stream.lake.open(stream.main).to_pyarrow_dataset().to_table(columns=["_kafka_timestamp", "_ingested_at"])
    # every batch has one moment of its own in all of its rows
    frame = pl.DataFrame(rows).with_columns(batch=pl.col("_ingested_at").rank("dense").cast(pl.Int64) - 1)
    committed = [moment for moment, batch in batches if batch.main]
    ends = pl.DataFrame({"batch": range(len(committed)), "at": committed})
    waits = frame.join(ends, on="batch").select(
        produced=pl.col("_kafka_timestamp").dt.timestamp("us") / 1_000_000, at="at"
    )
    warm = waits.filter(pl.col("produced") >= pl.col("produced").min() + _WARM_SECONDS)
    wait = warm["at"] - warm["produced"]
    parts = pl.DataFrame([(b.seconds, b.read_seconds, b.write_seconds) for _, b in batches], orient="row")
    names = ("batch_s", "read_s", "write_s")
    return {
        "records": len(wait),
        "batches": len(batches),
        "p50_s": round(float(wait.quantile(0.5) or 0), 3),
        "p99_s": round(float(wait.quantile(0.99) or 0), 3),
        "max_s": round(float(wait.quantile(1.0) or 0), 3),
        **{name: round(float(column.quantile(0.5) or 0), 3) for name, column in zip(names, parts, strict=True)},
    }


def _make(bootstrap: str, topic: str) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})  # must live until it has answered
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()


@contextmanager
def _producer(bootstrap: str, topic: str, seconds: float, rate: int) -> Iterator[None]:
    command = [sys.executable, __file__, "--produce", bootstrap, topic, str(seconds), str(rate)]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.kill()


def _produce(bootstrap: str, topic: str, seconds: float, rate: int) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "compression.type": "zstd"})
    began, sent = time.time(), 0
    while (now := time.time()) < began + seconds:
        while sent < (now - began) * rate:
            producer.produce(topic, _record(sent), partition=sent % PARTITIONS)
            sent += 1
        producer.poll(0)
        time.sleep(_TICK)
    producer.flush()


def _record(number: int) -> bytes:
    event = {
        "event_id": str(uuid.UUID(int=number)),
        "user_id": number % 200_000,
        "event_type": KINDS[number % len(KINDS)],
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "properties": {"page": f"/products/{number % 9973}", "device": "phone", "referrer": "search"},
    }
    return json.dumps(event, separators=(",", ":")).encode() if number % 500 else b"{"


def main() -> None:
    if sys.argv[1] == "--produce":
        bootstrap, topic, seconds, rate = sys.argv[2:]
        _produce(bootstrap, topic, float(seconds), int(rate))
        return
    bootstrap, seconds, *more = sys.argv[1:]
    rate = int(more[0]) if more else 1000
    reader = more[1] if len(more) > 1 else "confluent-kafka"
    with tempfile.TemporaryDirectory() as lake:
        print(json.dumps(latency(bootstrap, Path(lake), seconds=float(seconds), rate=rate, reader=reader)))


if __name__ == "__main__":
    main()
