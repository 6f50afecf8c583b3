"""A topic and a database, both real: deduplicated and enriched tables by a plain reading of both, also after kills."""

import shutil
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest
from shop_of_users import Rows, Users, definitions, should, tables
from stream_kit import Topic, run, some_records

from dataeng_assets.components.derived_results import table_results
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived.tables import publish_table
from dataeng_assets.streams.stream import Stream

pytestmark = [pytest.mark.server, pytest.mark.crash]


@pytest.fixture
def users(database: str, lake: Lake) -> Users:
    return Users(database, lake).make()


def publish(events: Stream, topic: Topic) -> datetime:
    """Both tables, and what Dagster is told of them; gives the time up to which events have appeared."""
    moments = set()
    for definition in definitions():
        report = publish_table(events, topic.cluster, definition, run_id="run")
        [check] = [one for one in table_results(events, [report], definition) if isinstance(one, dg.AssetCheckResult)]
        assert check.passed
        moments.add(report.published_to)
    [moment] = moments
    assert moment is not None
    return moment


def killed(events: Stream, topic: Topic, at: int, when: str) -> None:
    """A publication that ends by itself at a commit."""
    script = Path(__file__).with_name("killed_publication.py")
    arguments = [topic.bootstrap, topic.name, events.lake.uri, str(at), when]
    assert subprocess.run([sys.executable, str(script), *arguments], check=False).returncode == -signal.SIGKILL


def test_both_tables_are_right_after_each_batch_and_after_a_rebuild(events: Stream, topic: Topic, users: Users) -> None:
    topic.make(3)
    for turn, (minutes, tier) in enumerate([(0, "new"), (25, "silver"), (14, "bronze"), (60, "gold")]):
        topic.send(some_records(turn, 60, 3, start=60 * turn))
        run(events, topic, batch_records=30)
        if turn:  # the first events appear before anything was extracted
            users.change(1 + turn % 2, minutes, tier)
        assert tables_after(events, topic) == should(topic, users, publish(events, topic))
    whole = tables(events)
    assert len(whole[0]) < len(whole[1])
    for definition in definitions():
        shutil.rmtree(events.lake.at(events.window_table(definition.name)))
    assert tables_after(events, topic) == whole


def tables_after(events: Stream, topic: Topic) -> tuple[Rows, Rows]:
    publish(events, topic)
    return tables(events)


def test_a_publication_killed_at_each_commit_in_turn_loses_and_doubles_nothing(
    events: Stream, topic: Topic, users: Users
) -> None:
    topic.make(2)
    points = [(1, "before"), (2, "after"), (3, "before"), (4, "after")]
    for turn, (at, when) in enumerate(points):
        topic.send(some_records(10 + turn, 30, 2, start=30 * turn))
        run(events, topic)
        users.change(1 + turn % 3, 9.5 * turn, f"tier-{turn}")
        killed(events, topic, at, when)
    closed = publish(events, topic)
    assert tables(events) == should(topic, users, closed)
