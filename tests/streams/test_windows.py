"""Windows are a function of committed events, whatever the batches were."""

import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stream_kit import (
    COLUMNS,
    KINDS,
    START,
    Sent,
    Topic,
    contract,
    event,
    expected,
    some_records,
    stored,
    stored_windows,
)

from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived import publish as publish_module
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.windows import WindowReport, publish_windows

pytestmark = pytest.mark.server


def run(events: Stream, topic: Topic, *, batches: int = 1_000_000, batch_records: int = 1000) -> WindowReport:
    budget = timedelta(0) if batches == 1 else timedelta(minutes=1)
    drain(events, topic.cluster, run_id="run", budget=budget, batch_records=batch_records)
    return publish_windows(events, topic.cluster, run_id="run")


def at(minutes: float, partition: int = 0, *, kind: str = KINDS[0], user: int | None = 1, number: int = 0) -> Sent:
    when = START + timedelta(minutes=minutes)
    return Sent(partition, event(number or int(minutes * 60), when, kind=kind, user=user), when)


def starts(events: Stream) -> list[float]:
    return sorted((start - START) / timedelta(minutes=1) for start, _ in stored_windows(events))


def test_a_window_appears_when_the_watermark_has_passed_its_end(events: Stream, topic: Topic) -> None:
    topic.make(1).send([at(0), at(4), at(14.9)])
    run(events, topic)
    assert starts(events) == []
    topic.send([at(15)])
    report = run(events, topic)
    assert starts(events) == [0]
    assert report.published_to == START + timedelta(minutes=5)


def test_a_window_counts_deliveries_events_and_users(events: Stream, topic: Topic) -> None:
    twice = at(1, user=7, number=70)
    topic.make(1).send([twice, twice, at(2, user=8), at(3, user=None), at(4, kind=KINDS[1]), at(60)])
    run(events, topic)
    assert stored_windows(events) == {(START, KINDS[0]): (4, 3, 2), (START, KINDS[1]): (1, 1, 1)}
    [row] = events.lake.open(events.windows).to_pyarrow_dataset().to_table().slice(0, 1).to_pylist()
    assert row["window_end"] == START + timedelta(minutes=5)
    assert row["window_date"] == START.date()


def test_an_idle_partition_holds_nothing_back_once_it_is_caught_up(events: Stream, topic: Topic) -> None:
    topic.make(2).send([at(0, 0), at(0, 1), at(60, 0)])
    report = run(events, topic)
    assert starts(events) == [0]
    assert report.held_back_by == ()


def test_a_partition_with_unread_records_holds_windows_back(events: Stream, topic: Topic) -> None:
    topic.make(2).send([at(0, 0), at(0, 1), at(60, 0)])
    drain(events, topic.cluster, run_id="run", budget=timedelta(minutes=1))
    topic.send([at(5, 1)])
    report = publish_windows(events, topic.cluster, run_id="run")
    assert (starts(events), report.held_back_by) == ([], (1,))
    run(events, topic)
    assert starts(events) == [0, 5]


def test_a_new_partition_of_which_nothing_was_read_holds_windows_back(events: Stream, topic: Topic) -> None:
    topic.make(1).send([at(0), at(60)])
    drain(events, topic.cluster, run_id="run", budget=timedelta(minutes=1))
    topic.add_partitions(2)
    topic.send([at(1, 1)])
    assert publish_windows(events, topic.cluster, run_id="run").held_back_by == (1,)
    assert starts(events) == []


def test_an_event_that_is_not_late_replaces_the_row_of_its_published_window(events: Stream, topic: Topic) -> None:
    topic.make(2).send([at(0, 0), at(60, 0), at(1, 1)])
    run(events, topic)
    assert stored_windows(events) == {(START, KINDS[0]): (2, 2, 1)}
    topic.send([at(2, 1)])
    report = run(events, topic)
    assert stored_windows(events) == {(START, KINDS[0]): (3, 3, 1)}
    assert report.replaced == ((START, START + timedelta(minutes=5)),)


def test_a_late_event_within_what_the_contract_allows_corrects_its_window(events: Stream, topic: Topic) -> None:
    allowed = timedelta(minutes=30)
    time = replace(events.event_time, allowed_lateness=allowed)
    correcting = replace(events, contract=replace(events.contract, event_time=time))
    assert correcting.routing != events.routing
    topic.make(1).send([at(0), at(60)])
    run(correcting, topic)
    assert stored_windows(correcting) == {(START, KINDS[0]): (1, 1, 1)}
    topic.send([at(20), at(19.9), at(4)])  # 40 minutes behind, then more
    run(correcting, topic)
    assert stored(correcting) == expected(topic.log, allowed)
    assert starts(correcting) == [0, 20]


def test_an_event_far_in_the_future_publishes_nothing_and_blocks_nothing(events: Stream, topic: Topic) -> None:
    future = Sent(0, event(1, START + timedelta(days=100)), START)
    topic.make(1).send([at(0), future, at(20)])
    run(events, topic)
    assert starts(events) == [0]
    late = START + timedelta(days=101)
    topic.send([Sent(0, event(2, late), late)])
    run(events, topic)
    assert stored_windows(events) == expected(topic.log).windows
    assert len(starts(events)) == 3


def test_publishing_again_changes_nothing_and_commits_nothing(events: Stream, topic: Topic) -> None:
    topic.make(2).send(some_records(1, 60, 2))
    first = run(events, topic)
    second = publish_windows(events, topic.cluster, run_id="again")
    assert (second.version, second.replaced) == (first.version, ())


def test_a_crash_between_bronze_and_windows_loses_no_window(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(2).send(some_records(2, 100, 2))
    run(events, topic)
    topic.send([*some_records(3, 60, 2, start=100), at(1, 1), at(2, 0)])
    drain(events, topic.cluster, run_id="run", budget=timedelta(minutes=1))
    with monkeypatch.context() as patched:  # the process ends after some ranges were replaced

        def append(*_: object, **__: object) -> int:
            raise KeyboardInterrupt

        patched.setattr(publish_module, "append", append)
        with pytest.raises(KeyboardInterrupt):
            publish_windows(events, topic.cluster, run_id="run")
    publish_windows(events, topic.cluster, run_id="run")
    assert stored(events) == expected(topic.log)


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_drains_and_publications_equals_the_rules_and_a_rebuild(
    events: Stream, topic: Topic, seed: int
) -> None:
    chance = random.Random(seed)
    topic.make(3)
    for turn in range(6):
        topic.send(some_records(seed * 100 + turn, chance.randrange(60), 3, start=40 * turn))
        if chance.random() < 0.3:
            drain(events, topic.cluster, run_id="run", budget=timedelta(minutes=1), batch_records=25)
        run(events, topic, batches=chance.choice([1, 9]), batch_records=chance.randrange(5, 90))
    run(events, topic)
    assert stored(events) == expected(topic.log)
    shutil.rmtree(Path(events.lake.at(events.windows)))
    publish_windows(events, topic.cluster, run_id="rebuild")
    assert stored(events) == expected(topic.log)


def test_many_days_are_computed_in_bounded_parts(events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 10)
    topic.make(1).send([at(200 * number) for number in range(60)])
    report = run(events, topic)
    assert len(report.replaced) > 5
    assert all(before[1] == after[0] for before, after in zip(report.replaced, report.replaced[1:], strict=False))
    assert stored(events) == expected(topic.log)


def test_a_contract_without_the_columns_of_windows_is_refused_by_name(events: Stream, topic: Topic) -> None:
    narrow = replace(events, contract=contract([c for c in COLUMNS if c.name != "user_id"]))
    with pytest.raises(ValueError, match="missing: user_id"):
        publish_windows(narrow, topic.cluster, run_id="run")


def test_a_window_before_1970_starts_where_it_should(events: Stream, topic: Topic) -> None:
    old = datetime(1969, 12, 31, 23, 58, tzinfo=UTC)
    topic.make(1).send([Sent(0, event(1, old), START), at(0), at(60)])
    run(events, topic)
    assert (datetime(1969, 12, 31, 23, 55, tzinfo=UTC), "click") in stored_windows(events)
