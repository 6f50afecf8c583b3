"""Routing is a function of a partition's records and nothing else."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_kit import COLUMNS, LATE_AFTER, MAX_AHEAD, START, Expected, Sent, event, expected, some_records, stream

from dataeng_assets.kafka.records import RECORDS
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.decode.json_documents import JsonDecoder
from dataeng_assets.streams.routing import route

STREAM = stream(Lake("nowhere"), "user_events")


def routed(log: dict[int, list[Sent]], cuts: dict[int, list[int]]) -> Expected:
    """Route a log in batches that end at the cuts."""
    out, newest = Expected(), {}
    steps = max((len(points) for points in cuts.values()), default=0) + 1
    with JsonDecoder(COLUMNS) as decoder:
        for step in range(steps):
            rows = []
            for partition, sent in sorted(log.items()):
                bounds = [0, *sorted(min(cut, len(sent)) for cut in cuts.get(partition, [])), len(sent)]
                start, end = (bounds[step], bounds[step + 1]) if step + 1 < len(bounds) else (len(sent), len(sent))
                rows += [(partition, offset, sent[offset]) for offset in range(start, end)]
            records = pa.table(
                {
                    "partition": [p for p, _, _ in rows],
                    "offset": [o for _, o, _ in rows],
                    "timestamp": [s.produced for _, _, s in rows],
                    "key": [None for _ in rows],
                    "value": [s.value for _, _, s in rows],
                    "headers": [None for _ in rows],
                },
                RECORDS,
            )
            decoded = decoder.decode(records["value"])
            batch = route(STREAM, records, decoded, newest, ingested_at=datetime.now(UTC), run_id="r")
            newest = dict(batch.max_event_times)
            for target, rows_ in ((out.main, batch.main), (out.late, batch.late)):
                for row in rows_.to_pylist():
                    names = ("event_id", "user_id", "event_type", "timestamp", "_rescued")
                    target[row["_kafka_partition"], row["_kafka_offset"]] = tuple(row[name] for name in names)
                    assert row["event_date"] == row["timestamp"].date()
            for row in batch.dead_letters.to_pylist():
                out.dead[row["_kafka_partition"], row["_kafka_offset"]] = row["reason"]
    return out


def log_of(records: list[Sent]) -> dict[int, list[Sent]]:
    log: dict[int, list[Sent]] = {}
    for sent in records:
        log.setdefault(sent.partition, []).append(sent)
    return log


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 60),
    cuts=st.dictionaries(st.integers(0, 2), st.lists(st.integers(0, 40), max_size=4)),
)
def test_where_records_go_does_not_depend_on_batches(seed: int, count: int, cuts: dict[int, list[int]]) -> None:
    log = log_of(some_records(seed, count, 3))
    found, wanted = routed(log, cuts), expected(log)
    assert (found.main, found.late, found.dead) == (wanted.main, wanted.late, wanted.dead)


def at(minutes: float, *, produced: float | None = None) -> Sent:
    when = START + timedelta(minutes=minutes)
    return Sent(0, event(0, when), START + timedelta(minutes=minutes if produced is None else produced))


def late_offsets(*records: Sent) -> set[int]:
    return {offset for _, offset in routed({0: list(records)}, {}).late}


def test_an_event_exactly_at_the_bound_is_not_late() -> None:
    bound = LATE_AFTER / timedelta(minutes=1)
    assert late_offsets(at(0), at(-bound)) == set()
    assert late_offsets(at(0), at(-bound - 0.001)) == {1}


def test_an_event_time_far_ahead_of_its_record_makes_no_other_late() -> None:
    ahead = MAX_AHEAD / timedelta(minutes=1)
    assert late_offsets(at(1000, produced=1000 - ahead), at(0)) == {1}
    assert late_offsets(at(1000, produced=1000 - ahead - 0.001), at(0)) == set()


def test_a_partition_does_not_make_another_one_late() -> None:
    other = Sent(1, event(1, START), START)
    assert routed({0: [at(1000)], 1: [other]}, {}).late == {}
