"""A recorded topic: what is replayed is what was recorded."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.kafka.recording import RecordingRefused, read_recording, record_topic, replay_recording
from dataeng_assets.kafka.records import RECORDS, Range
from dataeng_assets.streams.record import ranges_between
from dataeng_assets.testing.fixtures import ReplayedTopic, recording

Replay = Callable[[Any], ReplayedTopic]
START = datetime(2026, 3, 1, 12, tzinfo=UTC)

rows = st.fixed_dictionaries(
    {
        "partition": st.integers(0, 2),
        "timestamp": st.integers(0, 10**7).map(lambda ms: START + timedelta(milliseconds=ms)),
        "key": st.none() | st.binary(max_size=5),
        "value": st.none() | st.binary(max_size=20),
        "headers": st.none()
        | st.lists(
            st.fixed_dictionaries({"key": st.text(max_size=3), "value": st.none() | st.binary()}),
            min_size=1,
            max_size=2,
        ),
    }
)


def recorded(topic: ReplayedTopic, path: Path) -> pa.Table:
    found = record_topic(topic.cluster, topic.name, ranges_between(topic.cluster, topic.name, None, None), path)
    assert found.records == sum(found.by_partition.values())
    return pa.Table.from_batches(read_recording(path), RECORDS)


def plain(table: pa.Table) -> Sequence[Any]:
    """The records in the order that counts: of each partition. Offsets begin anew."""
    kept = sorted(table.to_pylist(), key=lambda row: (row["partition"], row["offset"]))
    return [{name: value for name, value in row.items() if name != "offset"} for row in kept]


@pytest.mark.server
@given(made=st.lists(rows, min_size=1, max_size=30))
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_what_is_replayed_and_recorded_again_is_what_was_recorded(
    made: list[dict[str, Any]], replay_topic: Replay, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = recording(made)
    folder = tmp_path_factory.mktemp("recordings")
    again = recorded(replay_topic(first), folder / "again.parquet")
    assert plain(again) == plain(first)
    assert plain(recorded(replay_topic(folder / "again.parquet"), folder / "third.parquet")) == plain(first)


@pytest.mark.server
def test_a_recording_holds_the_records_of_its_time_only(replay_topic: Replay, tmp_path: Path) -> None:
    made = [{"partition": n % 2, "value": b"%d" % n, "timestamp": START + timedelta(minutes=n)} for n in range(10)]
    topic = replay_topic(recording(made))
    ranges = ranges_between(topic.cluster, topic.name, START + timedelta(minutes=3), START + timedelta(minutes=7))
    record_topic(topic.cluster, topic.name, ranges, tmp_path / "part.parquet")
    values = {row["value"] for batch in read_recording(tmp_path / "part.parquet") for row in batch.to_pylist()}
    assert values == {b"3", b"4", b"5", b"6"}


@pytest.mark.server
def test_a_recording_that_fails_leaves_no_file_and_none_is_overwritten(replay_topic: Replay, tmp_path: Path) -> None:
    topic = replay_topic(recording([{"value": b"1"}]))
    with pytest.raises(KafkaProblem):
        record_topic(topic.cluster, topic.name, {0: Range(5, 9)}, tmp_path / "r.parquet")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "r.parquet").write_bytes(b"mine")
    with pytest.raises(RecordingRefused, match="is there already"):
        record_topic(topic.cluster, topic.name, {0: Range(0, 1)}, tmp_path / "r.parquet")
    assert (tmp_path / "r.parquet").read_bytes() == b"mine"


@pytest.mark.server
def test_replaying_to_a_topic_with_fewer_partitions_is_refused(replay_topic: Replay) -> None:
    topic = replay_topic(recording([{"value": b"1"}]))
    too_far = recording([{"partition": 3, "value": b"1"}])
    with pytest.raises(KafkaProblem):
        replay_recording(topic.cluster, topic.name, iter(too_far.to_batches()))
    with Admin(topic.cluster) as admin:
        assert admin.describe(topic.name).ends == {0: 1}


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet PAR1", None])
def test_a_file_that_is_no_recording_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "r.parquet"
    if content is None:
        pq.write_table(pa.table({"n": [1]}), path)
    else:
        path.write_bytes(content)
    with pytest.raises(RecordingRefused, match=r"r\.parquet"):
        list(read_recording(path))
