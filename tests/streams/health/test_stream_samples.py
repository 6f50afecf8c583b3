"""Samples of streams lie in one small table that every process may write to."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.health.samples import KEY, Sample, counted, record, samples

NOW = datetime.now(UTC).replace(microsecond=0)
ONE = Sample(
    "user_events",
    NOW,
    "run",
    seconds=60.0,
    interval_seconds=15.0,
    main=5,
    late=2,
    dead_letters=1,
    durations=counted([0.2, 7]),
)


def test_a_sample_is_found_again_as_it_was_recorded(lake: Lake) -> None:
    assert samples(lake, "user_events") == ()
    record(lake, ONE)
    full = replace(ONE, interval_seconds=0.5, lag_records=7, lag_seconds=1.5, largest_lag=4, median_lag=1.5, at=NOW)
    record(lake, replace(full, stream="orders"))
    assert samples(lake, "user_events") == (ONE,)
    assert samples(lake, "orders") == (replace(full, stream="orders"),)
    assert (ONE.records, ONE.batches) == (8, 2)


def test_samples_come_in_order_of_time_and_only_the_newest_when_so_asked(lake: Lake) -> None:
    ages = [3, 1, 2]
    for age in ages:
        record(lake, replace(ONE, at=NOW - timedelta(hours=age)))
    assert [sample.at for sample in samples(lake, "user_events")] == [NOW - timedelta(hours=h) for h in (3, 2, 1)]
    assert len(samples(lake, "user_events", since=timedelta(minutes=150))) == 2


def test_many_samples_recorded_side_by_side_are_all_kept_in_few_files(lake: Lake) -> None:
    record(lake, ONE)
    moments = [replace(ONE, at=NOW + timedelta(seconds=second)) for second in range(1, 130)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda sample: record(lake, sample), moments))
    assert samples(lake, "user_events") == (ONE, *moments)
    assert len(lake.open(KEY).file_uris()) < 130
