"""Days of what follows from a stream are computed anew from the UI, on the definitions of a topic, while it goes on."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from stream_kit import START, Sent, Topic, contract, event, expected, stored, table

from dataeng_assets.components.derived_tables import table_assets
from dataeng_assets.components.kafka_topic import KafkaTopicComponent
from dataeng_assets.components.stream_results import ONE_ROW_PER_WINDOW
from dataeng_assets.orchestration.ledger.cover import cover, newest_versions
from dataeng_assets.orchestration.ledger.entries import mark_handled, waiting
from dataeng_assets.orchestration.ledger.targets import Target, Targets
from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows

pytestmark = pytest.mark.server

SECOND_DAY = START.date() + timedelta(days=1)
WINDOWS = dg.AssetKey(["silver", "events", "clicks_5m"])
ONCE = dg.AssetKey(["silver", "events", "clicks_once"])
SOURCE = "silver.events.clicks_5m"
PER_DAY = Target(
    ("marts", "clicks_per_day"), daily=True, view=False, touched={SOURCE: "select window_date as day from changes"}
)
TARGETS = Targets((PER_DAY,))


@pytest.fixture
def component(topic: Topic, state: Path, monkeypatch: pytest.MonkeyPatch) -> KafkaTopicComponent:
    monkeypatch.setenv("DATAENG_KAFKA_BOOTSTRAP", topic.bootstrap)
    monkeypatch.setenv("DATAENG_FIRST_DAY", (START.date() - timedelta(days=1)).isoformat())
    return KafkaTopicComponent.model_validate(
        {
            "topic": topic.name,
            "name": "clicks",
            "domain": "events",
            "bootstrap_variable": "DATAENG_KAFKA_BOOTSTRAP",
            "deduplicated": {"key": ["event_id"], "horizon": "PT1H", "name": "once"},
        }
    )


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def job_of(component: KafkaTopicComponent) -> dg.JobDefinition:
    stream = component.stream(contract())
    once = table_assets(lambda: stream, component.cluster, stream.tables())
    assets = [component._drain_assets(contract()), *component._windows_assets(contract()), *once]
    job = dg.define_asset_job("stream", selection=dg.AssetSelection.assets(*assets))
    return dg.Definitions(assets=assets, jobs=[job]).resolve_job_def("stream")


def backfill(
    job: dg.JobDefinition, instance: dg.DagsterInstance, first: date, last: date, key: dg.AssetKey = WINDOWS
) -> dg.ExecuteInProcessResult:
    """What the UI asks for when days of a table are selected: one run, whatever the range."""
    return job.execute_in_process(instance=instance, asset_selection=[key], tags=range_tags(first, last))


def some_hours(first: int, last: int) -> list[Sent]:
    """Every quarter of an hour an event in each partition, some of them twice."""
    found = []
    for number in range(first * 4, last * 4):
        at = START + timedelta(minutes=15 * number)
        found += [Sent(p, event(number * 10 + p, at, user=number % 5), at) for p in range(2) for _ in range(1 + p % 2)]
    return found


def break_by_hand(of: Stream, day: date) -> None:
    of.lake.open(of.windows).update({"events": "events + 1000"}, predicate=f"window_date = '{day}'")


def touched_days(of: Stream) -> set[date | None]:
    """Days that the ledger asks for of what is made from the windows; from then on they are handled."""
    cover(of.lake, TARGETS, run_id="ledger")
    found = {touch.day for touch in waiting(of.lake).pending}
    far = START.date(), START.date() + timedelta(days=90)
    mark_handled(of.lake, TARGETS, [PER_DAY.name], far, newest_versions(of.lake, [SOURCE]), "ledger")
    return found


def days_of(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, int]:
    """How often each day of a table was told as filled."""
    events = instance.fetch_materializations(key, limit=10_000).records
    told = [str(record.partition_key) for record in events if record.partition_key]
    return {day: told.count(day) for day in told}


def test_a_day_that_was_broken_by_hand_is_put_right_while_records_come_and_windows_appear(
    component: KafkaTopicComponent, topic: Topic, instance: dg.DagsterInstance
) -> None:
    topic.make(2).send(some_hours(0, 60))
    job, of = job_of(component), component.stream(contract())
    assert job.execute_in_process(instance=instance).success
    break_by_hand(of, SECOND_DAY)
    assert touched_days(of)
    assert touched_days(of) == set()
    assert stored(of) != expected(topic.log)
    before = {row["window_start"]: row for row in table(of, of.windows) if row["window_date"] != SECOND_DAY}

    ended = threading.Event()

    def live() -> None:
        for turn in range(60, 500):
            topic.send(some_hours(turn, turn + 1))
            drain(of, component.cluster(), run_id=f"live{turn}", budget=timedelta(seconds=1), batch_records=5)
            publish_windows(of, component.cluster(), run_id=f"live{turn}")
            if ended.is_set() and turn > 63:
                return

    stream_goes_on = threading.Thread(target=live)
    stream_goes_on.start()
    result = backfill(job, instance, SECOND_DAY, SECOND_DAY)
    ended.set()
    stream_goes_on.join()
    # a busy machine ends drains of a second before they have read all
    drain(of, component.cluster(), run_id="rest", budget=timedelta(minutes=5))
    publish_windows(of, component.cluster(), run_id="rest")

    assert result.success
    assert stored(of) == expected(topic.log)
    assert verify(of, component.cluster()).holds
    assert {at: row for at, row in by_start(of).items() if at in before} == before
    mine = [commit for commit in of.lake.open(of.main).history() if commit.get("run_id") == result.run_id]
    assert mine == [], "a backfill reads bronze and never writes to it"
    [check] = [one for one in result.get_asset_check_evaluations() if one.check_name == ONE_ROW_PER_WINDOW]
    assert check.passed
    assert SECOND_DAY in touched_days(of)


def by_start(of: Stream) -> dict[datetime, dict[str, Any]]:
    return {row["window_start"]: row for row in table(of, of.windows)}


def test_only_the_days_asked_for_touch_what_is_made_from_them(
    component: KafkaTopicComponent, topic: Topic, instance: dg.DagsterInstance
) -> None:
    topic.make(2).send(some_hours(0, 96))
    job, of = job_of(component), component.stream(contract())
    assert job.execute_in_process(instance=instance).success
    for days in range(1, 4):
        break_by_hand(of, START.date() + timedelta(days=days))
    assert len(touched_days(of)) == 5
    result = backfill(job, instance, SECOND_DAY, SECOND_DAY + timedelta(days=1))
    assert result.success
    assert touched_days(of) == {SECOND_DAY, SECOND_DAY + timedelta(days=1)}
    wrong = {row["window_date"] for row in table(of, of.windows) if row["events"] > 1000}
    assert wrong == {START.date() + timedelta(days=3)}


def test_the_ui_shows_the_days_that_runs_of_the_stream_and_backfills_have_filled(
    component: KafkaTopicComponent, topic: Topic, instance: dg.DagsterInstance
) -> None:
    topic.make(2).send(some_hours(0, 24))
    job = job_of(component)
    today, first = datetime.now(UTC).date(), START.date() - timedelta(days=1)
    assert job.execute_in_process(instance=instance).success
    whole = {(first + timedelta(days=number)).isoformat(): 1 for number in range((today - first).days + 1)}
    assert days_of(instance, WINDOWS) == days_of(instance, ONCE) == whole, "no day is left missing"

    topic.send(some_hours(24, 40))
    assert job.execute_in_process(instance=instance).success
    again = {day.isoformat() for day in (SECOND_DAY, SECOND_DAY + timedelta(days=1), today)}
    assert days_of(instance, WINDOWS) == days_of(instance, ONCE) == whole | dict.fromkeys(again, 2)

    assert backfill(job, instance, START.date(), SECOND_DAY).success
    assert days_of(instance, WINDOWS) == {
        **whole,
        **dict.fromkeys(again, 2),
        START.date().isoformat(): 2,
        SECOND_DAY.isoformat(): 3,
    }


def test_a_day_of_deduplicated_events_that_was_broken_by_hand_is_put_right_and_no_other_row_changes(
    component: KafkaTopicComponent, topic: Topic, instance: dg.DagsterInstance
) -> None:
    topic.make(2).send(some_hours(0, 96))
    job, of = job_of(component), component.stream(contract())
    assert job.execute_in_process(instance=instance).success
    once = of.window_table("once")
    right = in_order(table(of, once))
    assert len(right) < len(table(of, of.main)), "some were repeats"
    of.lake.open(once).update({"user_id": "user_id + 1000"}, predicate=f"event_date = '{SECOND_DAY}'")
    assert in_order(table(of, once)) != right
    topic.send(some_hours(96, 99))
    drain(of, component.cluster(), run_id="live", budget=timedelta(seconds=1), batch_records=100)

    result = backfill(job, instance, SECOND_DAY, SECOND_DAY, ONCE)

    assert result.success
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True]
    assert in_order(table(of, once)) == right, "nothing appears by it"
    assert days_of(instance, ONCE)[SECOND_DAY.isoformat()] == 2


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["_kafka_partition"], row["_kafka_offset"]))


def test_days_asked_for_before_any_window_has_appeared_change_nothing(
    component: KafkaTopicComponent, topic: Topic, instance: dg.DagsterInstance
) -> None:
    topic.make(1).send([Sent(0, event(1, START), START)])
    job, of = job_of(component), component.stream(contract())
    drain(of, component.cluster(), run_id="run", budget=timedelta(seconds=1), batch_records=10)
    result = backfill(job, instance, START.date(), SECOND_DAY)
    assert result.success
    assert stored(of) == expected(topic.log)
