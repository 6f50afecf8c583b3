"""Dead letters are read again and released once; nothing but the windows moves by it (promises 6 and 7)."""

import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake
from stream_kit import (
    COLUMNS,
    KNOWN,
    POSITIVE,
    START,
    Sent,
    Topic,
    column,
    contract,
    dead,
    event,
    quarantining,
    run,
    sent,
    some_records,
    stored,
    stored_windows,
    table,
)  # fmt: skip

from dataeng_assets.contracts.checks.replayed import Replayed
from dataeng_assets.contracts.checks.rule import Bounds
from dataeng_assets.contracts.checks.setting_aside import TooManyBroken
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.streams import release as release_module
from dataeng_assets.streams.errors import ReleaseOvertaken
from dataeng_assets.streams.release import release
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows

pytestmark = pytest.mark.server

BROKEN = Sent(0, b"{", START)


def told(found: Replayed) -> tuple[int, int, int]:
    return found.released, found.broken, found.already


def test_what_keeps_the_contract_now_is_released_once_with_its_offset(events: Stream, topic: Topic) -> None:
    strict = quarantining(events, KNOWN, POSITIVE)
    topic.make(1).send([sent(0), sent(1, kind="swipe", extra=[1]), sent(2, kind="swipe", user=-1), BROKEN])
    run(strict, topic)
    [letter] = [row for row in table(events, events.dead_letters) if row["_kafka_offset"] == 1]

    found = release(quarantining(events, POSITIVE), release_id="replay-1")

    assert (told(found), found.by_rule, found.release) == ((1, 2, 0), {"not_json": 1, "positive_user": 1}, "replay-1")
    assert found.version == events.lake.open(events.main).version()
    [row] = [row for row in table(events, events.main) if row["_released_by"]]
    assert (row["_kafka_offset"], row["event_type"], row["_released_by"]) == (1, "swipe", "replay-1")
    assert (row["_rescued"], row["event_date"]) == ('{"extra":[1]}', START.date())
    for name in ("_kafka_partition", "_kafka_timestamp", "_ingested_at", "_run_id"):
        assert row[name] == letter[name]
    assert told(release(quarantining(events), release_id="replay-2")) == (1, 1, 1)
    assert told(release(quarantining(events), release_id="replay-3")) == (0, 1, 2)
    assert sorted(stored(events).main) == [(0, 0), (0, 1), (0, 2)]
    assert len(dead(events)) == 3, "the dead letters stay as they are"


def test_the_proof_counts_released_events_by_themselves(events: Stream, topic: Topic) -> None:
    topic.make(2).send([sent(0), sent(1, kind="swipe"), sent(2, partition=1)])
    run(quarantining(events, KNOWN), topic)
    release(events, release_id="r")
    proof = verify(events, topic.cluster)
    assert (proof.holds, proof.decided) == (True, True)
    assert [(part.main, part.dead_letters, part.released) for part in proof.partitions] == [(1, 1, 1), (1, 0, 0)]


def test_the_proof_finds_what_was_released_twice_or_never_set_aside(events: Stream, topic: Topic) -> None:
    topic.make(1).send([sent(0), sent(1, kind="swipe")])
    run(quarantining(events, KNOWN), topic)
    release(events, release_id="r")
    main = events.lake.open(events.main)
    rows = main.to_pyarrow_table(filters=[("_kafka_offset", "=", 1)])
    write_deltalake(main, rows, mode="append")
    [part] = verify(events, topic.cluster).partitions
    assert (part.doubled, part.unexpected) == (1, 1)
    events.lake.open(events.dead_letters).delete("_kafka_offset = 1")
    [part] = verify(events, topic.cluster).partitions
    assert (part.missing, part.unexpected) == (1, 1)


def test_a_released_event_replaces_the_row_of_its_published_window_and_judges_no_other(
    events: Stream, topic: Topic
) -> None:
    strict = quarantining(events, KNOWN)
    topic.make(1).send(
        [sent(0), sent(1, minutes=1, kind="swipe"), sent(2, minutes=30), sent(3, minutes=90, kind="swipe")]
    )
    run(strict, topic)
    publish_windows(strict, topic.cluster, run_id="w")
    assert stored_windows(events) == {(START, "click"): (1, 1, 1)}
    release(events, release_id="r")
    report = publish_windows(strict, topic.cluster, run_id="w")
    assert stored_windows(events) == {(START, "click"): (1, 1, 1), (START, "swipe"): (1, 1, 1)}
    assert report.replaced == ((START, START + timedelta(minutes=5)),)
    topic.send([sent(4, minutes=25)])
    assert run(strict, topic).late == 0, "the released event of minute 90 judges no other"


def test_a_dead_letter_that_would_have_come_late_is_released_to_the_main_table(events: Stream, topic: Topic) -> None:
    topic.make(1).send([sent(0, minutes=60), sent(1, kind="swipe")])
    run(quarantining(events, KNOWN), topic)
    assert told(release(events, release_id="r")) == (1, 0, 0)
    assert sorted(stored(events).main) == [(0, 0), (0, 1)]


def test_a_record_of_another_type_is_released_when_the_contract_takes_that_type(events: Stream, topic: Topic) -> None:
    def of_type(physical: str) -> Stream:
        return replace(events, contract=contract((*COLUMNS, column("n", physical, nullable=True))))

    topic.make(1).send([Sent(0, event(1, START, n=1), START)])
    run(of_type("string"), topic)
    assert [reason for _, reason, _ in dead(events)] == ["type:n"]
    assert told(release(of_type("string"), release_id="r")) == (0, 1, 0)
    assert told(release(of_type("json"), release_id="r")) == (1, 0, 0)
    assert [row["n"] for row in table(events, events.main)] == ["1"]


def test_a_dry_run_and_a_refused_one_write_nothing(events: Stream, topic: Topic) -> None:
    topic.make(1).send([sent(0, kind="swipe"), sent(1, user=-1), BROKEN])
    run(quarantining(events, KNOWN, POSITIVE), topic)
    before = events.lake.open(events.main).version()
    loose = quarantining(events, POSITIVE)
    dry = release(loose, release_id="r", dry_run=True)
    assert (told(dry), dry.version) == ((1, 2, 0), None)
    with pytest.raises(TooManyBroken, match=r"2 of 3 rows.*Nothing was released"):
        release(loose, release_id="r", limit=Bounds(upper=1))
    assert events.lake.open(events.main).version() == before
    assert told(release(loose, release_id="r", limit=Bounds(upper=2))) == (1, 2, 0)


def test_a_stream_that_was_never_drained_has_nothing_to_replay(events: Stream) -> None:
    with pytest.raises(TableMissing):
        release(events, release_id="r")


def test_a_drain_and_a_replay_that_overlap_both_commit(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(1).send([sent(0, kind="swipe")])
    run(quarantining(events, KNOWN), topic)
    topic.send([sent(1)])
    real = release_module.append

    def append_after_a_drain(*given: Any, **named: Any) -> int:
        run(quarantining(events, KNOWN), topic)
        return real(*given, **named)

    monkeypatch.setattr(release_module, "append", append_after_a_drain)
    assert told(release(events, release_id="r")) == (1, 0, 0)
    assert sorted(stored(events).main) == [(0, 0), (0, 1)]
    assert verify(events, topic.cluster).holds


def test_of_several_replays_at_once_one_releases_each_event(events: Stream, topic: Topic) -> None:
    topic.make(1).send([sent(number, kind="swipe") for number in range(20)])
    run(quarantining(events, KNOWN), topic)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda n: release(events, release_id=f"r{n}"), range(3)))
    assert sorted(told(one) for one in found) == [(0, 0, 20), (0, 0, 20), (20, 0, 0)]
    assert len(stored(events).main) == 20


def test_a_replay_that_is_always_overtaken_says_so(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(1).send([sent(0, kind="swipe")])
    run(quarantining(events, KNOWN), topic)

    def lose(*_given: Any, **_named: Any) -> int:
        raise release_module.Superseded

    monkeypatch.setattr(release_module, "append", lose)
    with pytest.raises(ReleaseOvertaken, match="Run it again"):
        release(events, release_id="r")


@pytest.mark.crash
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_replay_killed_at_its_commit_is_made_good_by_the_next(events: Stream, topic: Topic, when: str) -> None:
    topic.make(1).send([sent(0, kind="swipe"), sent(1)])
    run(quarantining(events, KNOWN), topic)
    program = Path(__file__).with_name("killed_dead_letter_release.py")
    ended = subprocess.run(
        [sys.executable, str(program), when, topic.name, events.lake.uri], capture_output=True, text=True
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert told(release(events, release_id="r")) == ((1, 0, 0) if when == "before" else (0, 0, 1))
    assert sorted(stored(events).main) == [(0, 0), (0, 1)]


class Ended(BaseException):
    """Stands for the end of the process, which nothing may catch."""


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_each_record_ends_in_one_place(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    topic.make(2)
    contracts = [
        quarantining(events, KNOWN, POSITIVE),
        quarantining(events, POSITIVE),
        quarantining(events, KNOWN),
        events,
    ]
    now = contracts[0]
    for step in range(10):
        match chance.choice(["drain", "drain", "contract", "replay", "end"]):
            case "drain":
                kinds = [chance.choice(["click", "swipe"]) for _ in range(10)]
                topic.send(
                    sent(100 * step + n, partition=n % 2, minutes=step, kind=kind, user=chance.choice([-1, 1]))
                    for n, kind in enumerate(kinds)
                )
                topic.send(some_records(100 * seed + step, 5, 2, start=100 * step + 50))
                run(now, topic, batch_records=12)
            case "contract":
                now = chance.choice(contracts)
            case "replay" if events.lake.exists(events.main):
                first = release(now, release_id=f"r{step}")
                assert told(release(now, release_id="again")) == (0, first.broken, first.already + first.released)
            case "end" if events.lake.exists(events.main):
                end_at_commit(monkeypatch, now, f"r{step}", before=chance.random() < 0.5)
    run(now, topic)
    last = release(events, release_id="last")
    proof = verify(events, topic.cluster)
    assert proof.holds
    assert proof.decided
    letters, main = table(events, events.dead_letters), stored(events).main
    assert sum(part.released for part in proof.partitions) == last.released + last.already
    rules = {(row["_kafka_partition"], row["_kafka_offset"]) for row in letters if row["reason"].startswith("rule:")}
    assert rules <= main.keys(), "what broke nothing but rules is released"
    assert len(letters) == last.released + last.already + last.broken


def end_at_commit(monkeypatch: pytest.MonkeyPatch, of: Stream, release_id: str, *, before: bool) -> None:
    real = release_module.append

    def append(*given: Any, **named: Any) -> int:
        if not before:
            real(*given, **named)
        raise Ended

    with monkeypatch.context() as patched:
        patched.setattr(release_module, "append", append)
        try:
            release(of, release_id=release_id)
        except Ended:
            return
