"""Going back to a savepoint or a moment: a drain then ends with the tables of a stream that never went back."""

import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from drain_forks import Forks, Point
from rewind_kit import assert_as_if_it_had_never_gone_back, back, saved
from stream_kit import COLUMNS, KNOWN, Topic, column, contract, fingerprint, quarantining, run, some_records

from dataeng_assets.kafka.records import Range
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.strict import SchemaDiffers
from dataeng_assets.streams.accept import accept
from dataeng_assets.streams.errors import OffsetsLost, RewindRefused
from dataeng_assets.streams.lease import Lease
from dataeng_assets.streams.restore import look_back, to_savepoint
from dataeng_assets.streams.rewind import begin, kept_versions, rewinds, unfinished
from dataeng_assets.streams.savepoints import drop, kept_savepoints, savepoints, tables_of
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows

pytestmark = [pytest.mark.server, pytest.mark.crash]


def test_a_stream_goes_back_to_a_savepoint_and_reads_the_same_again(
    events: Stream, filled: Topic, tmp_path: Path
) -> None:
    run(events, filled, batch_records=17)
    then, savepoint = fingerprint(events), saved(events, filled)
    filled.send(some_records(2, 120, 2, start=120))
    run(events, filled, batch_records=17)
    publish_windows(events, filled.cluster, run_id="before")

    seen = look_back(events, filled.cluster, to_savepoint(savepoint.savepoint_id))
    assert savepoints(events) == [savepoint]
    assert {p: range_.start for p, range_ in seen.again.items()} == savepoint.next_offsets
    assert fingerprint(events) != then, "looking writes nothing"

    done = back(events, filled, to_savepoint(savepoint.savepoint_id))
    assert {**fingerprint(events), "user_events_5m": (0, 0)} == then
    assert [table.after for table in done.tables] == [count for count, _ in reversed(list(then.values())[:3])]
    assert verify(events, filled.cluster).holds
    assert_as_if_it_had_never_gone_back(events, filled, tmp_path)


KILLS = [
    (1, "before"),
    (1, "after"),
    (2, "after"),
    (3, "after"),
    (4, "before"),
    (4, "after"),
    (2, "log"),
    (4, "answer"),
]


def test_nobody_sees_half_of_it_when_it_is_killed_at_any_commit(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path
) -> None:
    """The intent, three tables; each time before and after; a drain or another restore goes on from there."""
    run(events, filled, batch_records=50)
    savepoint = saved(events, filled)
    then = fingerprint(events)
    for turn, (at, when) in enumerate(KILLS):
        filled.send(some_records(turn, 30, 2, start=120 + 30 * turn))
        run(events, filled, batch_records=20)
        task = f"restore {savepoint.savepoint_id}"
        ended = forks.wait(forks.start(events, filled, task=task, point=Point(when, at)))
        assert ended in ((1, 0) if when == "answer" else (-signal.SIGKILL,))
        begun = unfinished(events) is not None
        assert begun == ((at, when) not in {(1, "before"), (4, "after"), (4, "answer")})
        if begun and turn % 2:
            with pytest.raises(RewindRefused, match=r"interrupted.*The next run of the stream finishes it"):
                look_back(events, filled.cluster, to_savepoint(savepoint.savepoint_id))
        if turn % 2:
            back(events, filled, to_savepoint(savepoint.savepoint_id))
            assert fingerprint(events) == then
    assert_as_if_it_had_never_gone_back(events, filled, tmp_path)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_drain_that_is_under_way_gives_up_its_batch(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path, at: int
) -> None:
    run(events, filled, batch_records=50)
    savepoint = saved(events, filled)
    filled.send(some_records(3, 60, 2, start=120))
    zombie = forks.start(events, filled, batch_records=20, point=Point("stop", at))
    assert forks.wait(zombie) == "stopped"
    run(events, filled)
    back(events, filled, to_savepoint(savepoint.savepoint_id))
    then = fingerprint(events)
    forks.go_on(zombie)
    assert forks.wait(zombie) == 0
    assert fingerprint(events) == then, "it stands at the offsets that the batch began with, and is not the same state"
    assert_as_if_it_had_never_gone_back(events, filled, tmp_path)


def test_it_is_refused_while_a_resident_worker_lives(events: Stream, filled: Topic) -> None:
    run(events, filled)
    savepoint = saved(events, filled)
    with Lease(events) as lease:
        lease.partitions([0, 1])
        with pytest.raises(RewindRefused, match=lease.name):
            back(events, filled, to_savepoint(savepoint.savepoint_id))
    assert not rewinds(events)


def test_what_the_topic_no_longer_has_is_not_given_up_unless_a_person_says_so_twice(
    events: Stream, filled: Topic
) -> None:
    run(events, filled, batch_records=30)
    savepoint = saved(events, filled)
    filled.send(some_records(9, 80, 2, start=120))
    run(events, filled)
    then, first = fingerprint(events), savepoint.next_offsets[0]
    filled.delete_records({0: first + 5})
    with pytest.raises(OffsetsLost, match=f"partition 0: offsets {first} to {first + 4}"):
        back(events, filled, to_savepoint(savepoint.savepoint_id))
    assert fingerprint(events) == then

    done = back(events, filled, to_savepoint(savepoint.savepoint_id), accept_loss=True)
    assert done.lost == {0: Range(first, first + 5)}
    with pytest.raises(OffsetsLost, match="accept-gap"):
        run(events, filled)
    accept(events, filled.cluster, reason="a test", accepted_by="tests")
    assert run(events, filled).caught_up
    proof = verify(events, filled.cluster)
    assert proof.holds
    assert proof.partitions[0].gaps == 5


def test_upkeep_keeps_what_a_savepoint_needs_and_no_longer(events: Stream, filled: Topic, tmp_path: Path) -> None:
    run(events, filled, batch_records=7)
    savepoint, then = saved(events, filled), fingerprint(events)
    filled.send(some_records(4, 60, 2, start=120))
    run(events, filled, batch_records=7)
    for key, versions in kept_versions(events).items():
        compact(events.lake.open(key))
        before = set(Path(events.lake.at(key)).rglob("*.parquet"))
        tend_at_once(events.lake, key, versions)
        assert len(set(Path(events.lake.at(key)).rglob("*.parquet"))) <= len(before)
    back(events, filled, to_savepoint(savepoint.savepoint_id))
    assert fingerprint(events) == then
    assert_as_if_it_had_never_gone_back(events, filled, tmp_path)

    publish_windows(events, filled.cluster, run_id="again")
    now = fingerprint(events)
    for key in tables_of(events):
        compact(events.lake.open(key))
        tend_at_once(events.lake, key, ())
    with pytest.raises(RewindRefused, match=r"of its files were removed since.*dataeng stream reset"):
        back(events, filled, to_savepoint(savepoint.savepoint_id))
    assert fingerprint(events) == now
    assert not any(kept_versions(events, savepoint.kept_until).values())


def test_what_only_a_dropped_savepoint_needs_is_given_back(events: Stream, filled: Topic) -> None:
    run(events, filled, batch_records=30)
    first, then = saved(events, filled), kept_versions(events)
    filled.send(some_records(4, 60, 2, start=120))
    run(events, filled)
    second = saved(events, filled)
    dropped = drop(events, second.savepoint_id, dropped_by="tests")
    assert drop(events, second.savepoint_id, dropped_by="another") == dropped, "once is enough"
    assert kept_versions(events) == then
    assert kept_savepoints(events) == [first]
    assert savepoints(events) == [first, dropped], "that it was there is not forgotten"
    with pytest.raises(RewindRefused, match=r"dropped by tests.*dataeng stream savepoints"):
        back(events, filled, to_savepoint(second.savepoint_id))
    with pytest.raises(RewindRefused, match=f"Those that it keeps are: {first.savepoint_id}"):
        drop(events, "sp-none", dropped_by="tests")


def test_a_restore_that_was_interrupted_is_finished_although_its_savepoint_was_dropped(
    events: Stream, filled: Topic, tmp_path: Path
) -> None:
    run(events, filled, batch_records=7)
    savepoint, then = saved(events, filled), kept_versions(events)
    filled.send(some_records(4, 60, 2, start=120))
    run(events, filled, batch_records=7)
    begin(events, look_back(events, filled.cluster, to_savepoint(savepoint.savepoint_id)).rewind)
    drop(events, savepoint.savepoint_id, dropped_by="tests")
    assert kept_versions(events) == then
    for key, versions in then.items():
        compact(events.lake.open(key))
        tend_at_once(events.lake, key, versions)
    assert_as_if_it_had_never_gone_back(events, filled, tmp_path)
    assert not any(kept_versions(events).values())


def tend_at_once(lake: Lake, key: tuple[str, ...], keep: Sequence[int]) -> None:
    """Upkeep as it is when all that was dropped is older than its retention."""
    table = lake.open(key)
    table.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True, keep_versions=list(keep))


def test_the_first_run_under_other_rules_takes_a_savepoint_that_undoes_the_deployment(
    events: Stream, filled: Topic, tmp_path: Path
) -> None:
    run(events, filled)
    assert savepoints(events) == []
    filled.send(some_records(6, 60, 2, start=120))
    wider = quarantining(
        replace(events, contract=contract((*COLUMNS, column("beta", "boolean", nullable=True)))), KNOWN
    )
    run(wider, filled, batch_records=20)
    run(wider, filled)
    (taken,) = savepoints(events)
    assert taken.before_routing == wider.routing

    with pytest.raises(SchemaDiffers, match="the contract has dropped it"):
        run(events, filled)
    back(events, filled, to_savepoint(taken.savepoint_id))
    assert_as_if_it_had_never_gone_back(events, filled, tmp_path)
    run(wider, filled)
    assert [one.before_routing for one in savepoints(events)] == [wider.routing, events.routing, wider.routing]
