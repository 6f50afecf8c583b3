"""Reading a stream again from a moment on, and any sequence of going back: the tables are those of a plain drain."""

import random
import shutil
import signal
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from drain_forks import Forks, Point
from rewind_kit import assert_as_if_it_had_never_gone_back, back, saved
from stream_kit import KNOWN, START, Topic, quarantining, run, sent, some_records, stored, table

from dataeng_assets.streams.restore import look_back, to_moment, to_savepoint
from dataeng_assets.streams.rewind import Kind, rewinds
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows

pytestmark = [pytest.mark.server, pytest.mark.crash]


def first_since(topic: Topic, moment: datetime) -> dict[int, int]:
    return {
        p: next((offset for offset, one in enumerate(log) if one.produced >= moment), len(log))
        for p, log in topic.log.items()
    }


def test_nothing_from_the_first_record_of_the_moment_on_stays_and_all_of_it_comes_again(
    events: Stream, topic: Topic, tmp_path: Path
) -> None:
    topic.make(3).send(some_records(11, 200, 3))
    run(events, topic, batch_records=60)
    publish_windows(events, topic.cluster, run_id="before")
    moment, before = START + timedelta(seconds=20 * 90), stored(events)
    first = first_since(topic, moment)

    seen = look_back(events, topic.cluster, to_moment(moment))
    assert {p: range_.start for p, range_ in seen.again.items()} == first
    assert stored(events) == before
    back(events, topic, to_moment(moment))
    after = stored(events)
    assert after.main == {place: row for place, row in before.main.items() if place[1] < first[place[0]]}
    assert after.late == {place: row for place, row in before.late.items() if place[1] < first[place[0]]}
    assert after.dead == {place: row for place, row in before.dead.items() if place[1] < first[place[0]]}
    assert [one.after for one in seen.tables] == [len(after.dead), len(after.late), len(after.main)]
    assert verify(events, topic.cluster).holds
    assert [(one.kind, one.since) for one in rewinds(events)] == [(Kind.RESET, moment)]
    assert_as_if_it_had_never_gone_back(events, topic, tmp_path)


def test_whether_an_event_is_late_is_judged_as_it_was(events: Stream, topic: Topic, tmp_path: Path) -> None:
    topic.make(1).send([sent(1, minutes=60), sent(2, minutes=1), sent(3, minutes=62)])
    topic.send([replace(sent(4, minutes=30), produced=START + timedelta(hours=2))])
    run(events, topic)
    assert set(stored(events).late) == {(0, 1), (0, 3)}
    back(events, topic, to_moment(START + timedelta(hours=2)))
    assert_as_if_it_had_never_gone_back(events, topic, tmp_path)
    assert set(stored(events).late) == {(0, 1), (0, 3)}


def test_a_reset_to_before_everything_begins_again(events: Stream, topic: Topic, tmp_path: Path) -> None:
    topic.make(2).send(some_records(12, 60, 2))
    run(events, topic)
    done = back(events, topic, to_moment(START - timedelta(days=1)))
    assert [one.after for one in done.tables] == [0, 0, 0]
    assert back(events, topic, to_moment(START - timedelta(days=1))).changes_nothing
    assert len(rewinds(events)) == 1
    assert_as_if_it_had_never_gone_back(events, topic, tmp_path)


def test_what_the_topic_no_longer_has_stays(events: Stream, topic: Topic) -> None:
    topic.make(1).send([sent(number, minutes=number) for number in range(10)])
    run(events, topic)
    topic.delete_records({0: 4})
    done = back(events, topic, to_moment(START))
    assert not done.lost
    assert sorted(stored(events).main) == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert run(events, topic).caught_up
    assert len(stored(events).main) == 10


def test_other_rules_apply_from_the_moment_on_and_windows_follow(events: Stream, topic: Topic) -> None:
    kinds = ("click", "scroll")
    topic.make(1).send([sent(number, minutes=number, kind=kinds[number % 2]) for number in range(60)])
    run(events, topic)
    publish_windows(events, topic.cluster, run_id="before")
    stricter = quarantining(events, KNOWN)
    back(stricter, topic, to_moment(START + timedelta(minutes=20)))
    run(stricter, topic)
    publish_windows(stricter, topic.cluster, run_id="after")
    assert {row["event_id"] for row in table(stricter, stricter.main) if row["event_type"] == "scroll"} == {
        f"e{number}" for number in range(1, 20, 2)
    }
    published = stored(stricter).windows
    shutil.rmtree(stricter.lake.at(stricter.windows))
    publish_windows(stricter, topic.cluster, run_id="anew")
    assert published == stored(stricter).windows


@pytest.mark.parametrize("at", [2, 3, 4])
def test_a_reset_that_is_killed_is_finished_by_the_next_drain(
    forks: Forks, events: Stream, topic: Topic, tmp_path: Path, at: int
) -> None:
    topic.make(2).send(some_records(at, 100, 2))
    run(events, topic, batch_records=30)
    moment = (START + timedelta(minutes=15)).isoformat()
    ended = forks.wait(forks.start(events, topic, task=f"reset {moment}", point=Point("before", at)))
    assert ended == -signal.SIGKILL
    assert_as_if_it_had_never_gone_back(events, topic, tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_going_back_and_on_ends_with_the_tables_of_a_plain_drain(
    events: Stream, topic: Topic, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    topic.make(2).send(some_records(seed, 40, 2))
    run(events, topic)
    number, taken = 40, list[str]()
    for _ in range(14):
        match chance.choice(
            ["send", "send", "drain", "drain", "partition", "save", "restore", "restore", "reset", "windows"]
        ):
            case "send":
                count = chance.randrange(1, 40)
                topic.send(some_records(seed + number, count, len(topic.log), start=number))
                number += count
            case "drain":
                run(events, topic, batch_records=chance.randrange(5, 60))
            case "partition" if len(topic.log) < 4:
                topic.add_partitions(len(topic.log) + 1)
            case "save":
                taken.append(saved(events, topic).savepoint_id)
            case "restore" if taken:
                back(events, topic, to_savepoint(chance.choice(taken)))
            case "reset":
                back(events, topic, to_moment(START + timedelta(seconds=20 * chance.randrange(number))))
            case "windows":
                publish_windows(events, topic.cluster, run_id="between")
        assert verify(events, topic.cluster).holds
    assert_as_if_it_had_never_gone_back(events, topic, tmp_path)
