"""The tables of a stream are watched once a day: events and windows by day, what was set aside by how much there is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import dagster as dg
import pyarrow as pa
import pytest

from dataeng_assets.components.stream_metrics import watch_results
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.contracts.model import EventTime
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.metrics import NO_ANOMALY
from dataeng_assets.orchestration.outcomes import NOT_EVALUATED, OUTCOME
from dataeng_assets.quality.anomalies.history import read, series
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.ingest import make_tables
from dataeng_assets.streams.stream import EVENT_DATE, Stream

WRITTEN = load_contract(ROOT / "tests" / "contracts" / "documents" / "user_events.yaml")
# a day ends at midnight, so that no test hangs on the hour it runs at
CONTRACT = replace(WRITTEN, event_time=EventTime("timestamp", timedelta(0), timedelta(minutes=5)))


@pytest.fixture
def stream(lake: Lake) -> Stream:
    return Stream("user_events", "user_events", "events", CONTRACT, lake)


def send(stream: Stream, counts: Mapping[date, int]) -> None:
    """Events of so many a day, as a drain commits them."""
    make_tables(stream)
    main = stream.lake.open(stream.main)
    schema = stream.main_schema()
    rows = []
    for day, count in counts.items():
        at = datetime.combine(day, time(12), UTC)
        given = {
            "event_id": "e",
            "event_type": "view",
            "user_id": 1,
            "properties": "{}",
            "timestamp": at,
            EVENT_DATE: day,
        }
        own = {"_kafka_partition": 0, "_kafka_timestamp": at, "_ingested_at": at, "_run_id": "run"}
        rows += [{**given, **own, "_kafka_offset": offset} for offset in range(count)]
    made = pa.Table.from_pylist(rows, schema=pa.schema([field.with_nullable(True) for field in schema]))
    append(main, made, transactions={})


def watched(stream: Stream, run_id: str = "watch") -> dict[tuple[str, ...], dg.AssetCheckResult]:
    found: dict[tuple[str, ...], dg.AssetCheckResult] = {}
    for result in watch_results(stream, run_id, [stream.main, stream.late, stream.dead_letters, stream.windows]):
        assert result.check_name == NO_ANOMALY
        assert result.asset_key is not None
        found[tuple(result.asset_key.path)] = result
    return found


def days(counts: Sequence[int]) -> dict[date, int]:
    """So many events on each of the days up to yesterday."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return {yesterday - timedelta(days=ago): count for ago, count in enumerate(reversed(counts))}


def test_a_stream_that_was_never_drained_is_not_a_pass(stream: Stream) -> None:
    found = watched(stream)
    assert set(found) == {stream.main, stream.late, stream.dead_letters, stream.windows}
    assert {result.metadata[OUTCOME].value for result in found.values()} == {NOT_EVALUATED}


def test_on_the_first_day_nothing_is_known_and_today_is_not_measured(stream: Stream) -> None:
    send(stream, {datetime.now(UTC).date(): 5})
    found = watched(stream)[stream.main]
    assert found.metadata[OUTCOME].value == NOT_EVALUATED
    assert "not enough history" in str(found.description)
    assert ("row_count", None) not in series(stream.lake, ".".join(stream.main))


def test_all_metrics_are_kept_of_the_day_that_has_ended(stream: Stream) -> None:
    send(stream, days([4, 5]))
    watched(stream)
    rows = read(stream.lake, ".".join(stream.main)).to_pylist()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    found = {(row["metric"], row["column"]): row["value"] for row in rows if row["partition"] == yesterday}
    assert found["row_count", None] == 5
    assert (found["null_share", "user_id"], found["distinct_share", "event_id"]) == (0, 0.2)
    assert {name for name, _ in found} == {"row_count", "null_share", "distinct_share", "mean"}
    assert {row["metric"] for row in rows if row["partition"] is None} == {"schema", "hours_old"}
    assert {row["contract_version"] for row in rows} == {CONTRACT.version}


def test_a_day_as_usual_passes_and_one_with_too_few_events_warns(stream: Stream) -> None:
    usual = [50 + n % 3 for n in range(30)]
    send(stream, days(usual))
    assert watched(stream)[stream.main].passed
    other = replace(stream, name="other")
    send(other, days([*usual[:-1], 5]))
    found = watched(other)[other.main]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert ": 5 rows;" in str(found.metadata["findings"].value)


def test_a_day_without_any_event_is_told(stream: Stream) -> None:
    send(stream, days([*(50 + n % 3 for n in range(29)), 0]))
    found = watched(stream)[stream.main]
    assert not found.passed
    assert ": 0 rows;" in str(found.metadata["findings"].value)


def test_a_watch_that_is_tried_again_measures_nothing_twice(stream: Stream) -> None:
    send(stream, days([4, 5]))
    watched(stream)
    before = {key: read(stream.lake, ".".join(key)).num_rows for key in (stream.main, stream.dead_letters)}
    watched(stream)
    assert {key: read(stream.lake, ".".join(key)).num_rows for key in before} == before
    assert before[stream.dead_letters] == 2, "of dead letters, how many there are and their columns"
