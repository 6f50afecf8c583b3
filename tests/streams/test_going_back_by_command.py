"""`dataeng stream savepoint`, `savepoints`, `restore` and `reset`: what they say, and how they exit."""

import re
from collections.abc import Callable

import pytest
import stream_kit
from stream_kit import Topic, fingerprint, some_records
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app
from dataeng_assets.components import kafka_topic
from dataeng_assets.streams.stream import Stream

pytestmark = pytest.mark.server
Run = Callable[..., Result]


@pytest.fixture
def run(events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch) -> Run:
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


def test_a_reset_says_what_is_read_again_and_what_the_topic_no_longer_has(
    run: Run, events: Stream, topic: Topic
) -> None:
    stream_kit.run(events, topic)
    done = run("reset", "user_events", "--to-timestamp", "2026-03-01T12:05", "--yes")
    assert done.exit_code == 0, done.output
    assert re.search(r"read again\s+no longer at the topic\s+0\s+\d+ to \d+\s+none", done.output)
    assert run("reset", "user_events", "--to-timestamp", "yesterday").exit_code == 2
