"""Deduplicated and enriched tables after a resident worker, and after a replay of dead letters: by a plain reading."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg
import pytest
from shop_of_users import Users, definitions, should, tables
from stream_kit import KNOWN, Topic, quarantining, run, sent, some_records

from dataeng_assets.components.replay_jobs import replay_stream_job
from dataeng_assets.components.stream_worker import Reports
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived.tables import publish_table
from dataeng_assets.streams.lease import Lease
from dataeng_assets.streams.pace import Bounds
from dataeng_assets.streams.resident import Told, reside
from dataeng_assets.streams.stream import Stream

pytestmark = pytest.mark.server


@pytest.fixture
def users(database: str, lake: Lake) -> Users:
    return Users(database, lake).make()


@pytest.fixture
def following(events: Stream) -> Stream:
    """The stream with both tables."""
    return replace(events, tables=definitions)


def test_a_resident_worker_fills_both_tables_and_tells_dagster_of_them(
    following: Stream, topic: Topic, users: Users
) -> None:
    topic.make(2).send(some_records(5, 60, 2))
    users.change(1, 3, "silver")
    troubles: list[str] = []
    with dg.DagsterInstance.ephemeral() as instance:
        with Lease(following) as lease:
            work(following, topic, lease, instance, troubles)
        reported = [instance.get_latest_materialization_event(dg.AssetKey(key)) for key in keys(following)]
    assert not troubles
    assert all(reported)
    found = tables(following)
    assert all(found)
    assert found == should(topic, users, publish(following, topic))


def work(of: Stream, topic: Topic, lease: Lease, instance: dg.DagsterInstance, troubles: list[str]) -> None:
    """Drain until everything was read."""
    stop = threading.Event()
    with Reports(of, topic.cluster, instance, lease.name, troubles.append, 0.05, timedelta(seconds=1)) as reports:

        def heard(told: Told) -> None:
            reports.add(told)
            if told.batch is not None and not told.lag:
                stop.set()

        reside(
            of,
            topic.cluster,
            run_id="resident",
            lease=lease,
            bounds=Bounds(records=25),
            interval=0.05,
            stop=stop,
            tell=heard,
            trouble=lambda error, _: troubles.append(str(error)),
        )


def test_replayed_dead_letters_come_into_both_tables_and_events_that_they_precede_leave_one(
    following: Stream, topic: Topic, users: Users
) -> None:
    strict = quarantining(following, KNOWN)
    records = [sent(0), sent(1, minutes=1, kind="swipe"), sent(1, minutes=3), sent(2, minutes=40)]
    topic.make(1).send(records)
    users.change(1, 0.5, "silver")
    run(strict, topic)
    publish(strict, topic)
    assert [offset for _, offset in tables(following)[0]] == [0, 2]
    job = replay_stream_job("user_events", lambda: following, lambda: topic.cluster)
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
    once, enriched = tables(following)
    assert [offset for _, offset in once] == [0, 1], "of two events with one id the earlier counts"
    assert (0, 1, "silver") in enriched
    assert (once, enriched) == should(topic, users, publish(following, topic))


def keys(of: Stream) -> list[tuple[str, ...]]:
    return [of.window_table(definition.name) for definition in definitions()]


def publish(of: Stream, topic: Topic) -> datetime:
    """Publish; gives the time up to which events have appeared."""
    [moment] = {publish_table(of, topic.cluster, one, run_id="run").published_to for one in definitions()}
    assert moment is not None
    return moment
