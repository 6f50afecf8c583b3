"""The events that every contestant of `benchmarks/stream.py` reads, and their contract.

    python events.py BOOTSTRAP TOPIC RECORDS SEED

makes the topic and writes it; a process of its own, so that what it needs is not taken for a contestant's. The module
is imported in the environments of the peers too, and so needs nothing but Python to be imported.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

CONTRACT = Path(__file__).with_name("page_events.yaml")
KINDS = ("page_view", "click", "add_to_cart", "purchase")
UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
PARTITIONS = 12
SCHEMA = {
    "type": "object",
    "required": ["event_id", "event_type", "timestamp", "properties"],
    "properties": {
        "event_id": {"type": "string", "pattern": UUID},
        "user_id": {"type": ["integer", "null"], "minimum": -(2**63), "maximum": 2**63 - 1},
        "event_type": {"enum": list(KINDS)},
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"},
        "properties": {"type": "object"},
    },
}
"""The contract's rules in JSON Schema, for the contestant that reads it."""
START, SPREAD = datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=3)
_BROKEN_EVERY = 500
_AT_ONCE = 100_000
_GOOD = """
    SELECT i, h, d, moment, format(
        '{{"event_id":"{}","user_id":{},"event_type":"{}","timestamp":"{}Z","properties":{{"page":"/products/{}",'
        '"device":"phone","referrer":"search","ms":{}}}}}',
        md5('{seed} ' || i)::uuid::varchar, d % 200_000, {kinds}[d % 4 + 1], strftime(moment, '%Y-%m-%dT%H:%M:%S.%f'),
        d % 9973, d % 1511
    ) AS good
    FROM (
        SELECT i, hash(i, {seed}) AS h, (hash(i, {seed}) >> 8)::bigint AS d,
            make_timestamp({first} + i * {step} + (h % 1_000_000)::bigint) AS moment
        FROM range({begin}, {end}) numbers(i)
    )
"""
# cut off, of a wrong type, lacking a field, of a kind that nobody has agreed on
_RECORDS = """
    SELECT (h % {partitions})::bigint, epoch_ms(moment), CASE
        WHEN i % {every} <> 7 THEN good
        WHEN i // {every} % 4 = 0 THEN good[:100]
        WHEN i // {every} % 4 = 1 THEN regexp_replace(good, '"user_id":([0-9]+)', '"user_id":"u-\\1"')
        WHEN i // {every} % 4 = 2 THEN replace(good, '"timestamp"', '"time"')
        ELSE replace(good, '"event_type":"', '"event_type":"un')
    END FROM ({good}) ORDER BY i
"""


def records(count: int, seed: int) -> Iterator[tuple[int, int, str]]:
    """Partition, timestamp in milliseconds and value of each record, in order; the same whenever the seed is."""
    import duckdb

    first, step = int(START.timestamp()) * 1_000_000, SPREAD // timedelta(microseconds=1) // count
    with duckdb.connect(config={"threads": 1}) as connection:
        for begin in range(0, count, _AT_ONCE):
            numbers = {"begin": begin, "end": min(count, begin + _AT_ONCE), "first": first, "step": step}
            good = _filled(_GOOD, **numbers, seed=seed, kinds=list(KINDS))
            query = _filled(_RECORDS, good=good, partitions=PARTITIONS, every=_BROKEN_EVERY)
            yield from connection.sql(query).fetchall()


def _filled(template: str, **values: object) -> str:
    for name, value in values.items():
        template = template.replace("{" + name + "}", str(value))
    return template


def main() -> None:
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    bootstrap, topic, count, seed = sys.argv[1:]
    # records of a past date: the broker would delete them within minutes
    new = NewTopic(topic, PARTITIONS, 1, config={"retention.ms": "-1"})
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([new])[topic].result()
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": "zstd",
            "linger.ms": 50,
            "batch.size": 262_144,
            "queue.buffering.max.messages": 200_000,
            "enable.idempotence": True,
        }
    )
    failed = list[str]()

    def heard(error: object, _: object) -> None:
        if error is not None:
            failed.append(str(error))

    for partition, milliseconds, value in records(int(count), int(seed)):
        while True:
            try:
                producer.produce(topic, value, partition=partition, timestamp=milliseconds, on_delivery=heard)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()
    if failed:
        sys.exit(f"{len(failed)} records were not written: {failed[0]}")


if __name__ == "__main__":
    main()
