"""`dataeng stream savepoint`, `savepoints`, `restore` and `reset`: what they say, and how they exit."""

import re
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import stream_kit
from stream_kit import Topic, fingerprint, some_records
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app
from dataeng_assets.components import kafka_topic
from dataeng_assets.orchestration.runs import open_instance
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.stream import Stream

pytestmark = pytest.mark.server
Run = Callable[..., Result]


@pytest.fixture
def run(events: Stream, topic: Topic, state: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DAGSTER_HOME", str(ROOT))
    monkeypatch.setattr(kafka_topic, "find_stream", lambda *_, **__: (events, topic.cluster))
    topic.make(1).send(some_records(1, 50, 1))

    def invoke(*words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(app, ["stream", *words], env={"COLUMNS": "200"}, input=answer)

    return invoke


def test_a_savepoint_is_taken_listed_looked_at_and_restored_when_it_is_confirmed(
    run: Run, events: Stream, topic: Topic
) -> None:
    refused = run("savepoint", "user_events")
    assert (refused.exit_code, "no state to" in refused.output or "No table" in refused.output) == (2, True)
    assert "has no savepoint" in run("savepoints", "user_events").output
    stream_kit.run(events, topic)
    then = fingerprint(events)
    taken = run("savepoint", "user_events", "--reason", "before a test")
    assert taken.exit_code == 0, taken.output
    name = re.findall("sp-[0-9a-f]{8}", taken.output)[0]
    listed = run("savepoints", "user_events").output
    assert name in listed
    assert "before a test" in listed

    topic.send(some_records(2, 30, 1, start=50))
    stream_kit.run(events, topic)
    now = fingerprint(events)
    looked = run("restore", "user_events", name, "--dry-run")
    assert (looked.exit_code, "Nothing was written" in looked.output) == (0, True)
    assert run("restore", "user_events", name, answer="n\n").exit_code == 2
    assert run("restore", "user_events", "sp-none", "--yes").exit_code == 2
    assert fingerprint(events) == now
    done = run("restore", "user_events", name, answer="y\n")
    assert (done.exit_code, "Done" in done.output) == (0, True), done.output
    assert fingerprint(events) == then
    again = run("restore", "user_events", name, "--yes")
    assert (again.exit_code, "stands there already" in again.output) == (0, True)
    assert told(events.savepoints) == [f"{name} was taken: before a test"]
    assert told(events.rewinds) == [f"restore to {name}: asked for"]


def test_a_savepoint_is_dropped_when_it_is_confirmed_and_dagster_is_told_once_of_each(
    run: Run, events: Stream, topic: Topic
) -> None:
    stream_kit.run(events, topic)
    names = [re.findall("sp-[0-9a-f]{8}", run("savepoint", "user_events").output)[0] for _ in range(2)]
    unknown = run("drop-savepoint", "user_events", "sp-none", "--yes")
    assert (unknown.exit_code, all(name in unknown.output for name in names)) == (2, True)
    assert run("drop-savepoint", "user_events", names[0], answer="n\n").exit_code == 2
    assert names[0] in run("savepoints", "user_events").output
    dropped = run("drop-savepoint", "user_events", names[0], "--dropped-by", "Ada", answer="y\n")
    assert (dropped.exit_code, "Dropped" in dropped.output) == (0, True), dropped.output
    again = run("drop-savepoint", "user_events", names[0], "--yes")
    assert (again.exit_code, "Ada dropped it" in again.output) == (0, True)
    listed = run("savepoints", "user_events").output
    assert (names[0] in listed, names[1] in listed) == (False, True)
    assert told(events.savepoints) == [
        *(f"{name} was taken: asked for" for name in names),
        f"{names[0]} was dropped by Ada",
    ]
    [newest] = open_instance().fetch_materializations(dg.AssetKey(events.savepoints), limit=1).records
    assert newest.asset_materialization is not None
    shown = str(newest.asset_materialization.metadata["list"].value)
    assert (names[0] in shown, names[1] in shown) == (False, True)


def told(key: tuple[str, ...]) -> list[str | None]:
    """What Dagster was told of a table, oldest first."""
    records = open_instance().fetch_materializations(dg.AssetKey(key), limit=10).records
    return [one.asset_materialization.description for one in reversed(records) if one.asset_materialization]


def test_a_reset_says_what_is_read_again_and_what_the_topic_no_longer_has(
    run: Run, events: Stream, topic: Topic
) -> None:
    stream_kit.run(events, topic)
    done = run("reset", "user_events", "--to-timestamp", "2026-03-01T12:05", "--yes")
    assert done.exit_code == 0, done.output
    assert re.search(r"read again\s+no longer at the topic\s+0\s+\d+ to \d+\s+none", done.output)
    assert run("reset", "user_events", "--to-timestamp", "yesterday").exit_code == 2
