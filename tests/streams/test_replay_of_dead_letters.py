"""The job that releases dead letters does what `dataeng replay` does, windows included."""

from typing import Any

import dagster as dg
import pytest
from stream_kit import KNOWN, START, Topic, quarantining, run, sent, stored_windows, table

from dataeng_assets.components.replay_jobs import replay_stream_job
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.windows import publish_windows

pytestmark = pytest.mark.server


def replay(stream: Stream, topic: Topic, **config: Any) -> dg.ExecuteInProcessResult:
    job = replay_stream_job("user_events", lambda: stream, lambda: topic.cluster)
    given = {"ops": {"replay_dead_letters_of_user_events": {"config": config}}} if config else {}
    return job.execute_in_process(run_config=given, instance=dg.DagsterInstance.ephemeral())


def test_released_events_name_the_run_and_stand_in_their_windows(events: Stream, topic: Topic) -> None:
    strict = quarantining(events, KNOWN)
    topic.make(1).send([sent(0), sent(1, minutes=1, kind="swipe"), sent(2, minutes=30)])
    run(strict, topic)
    publish_windows(strict, topic.cluster, run_id="w")
    before = events.lake.open(events.main).version()
    assert not [event for event in replay(events, topic, dry_run=True).all_events if event.is_asset_observation]
    assert events.lake.open(events.main).version() == before

    result = replay(events, topic)

    [row] = [row for row in table(events, events.main) if row["_released_by"]]
    assert (row["event_type"], row["_released_by"]) == ("swipe", f"replay-{result.run_id}")
    assert stored_windows(events)[START, "swipe"] == (1, 1, 1)
    (observation,) = [event for event in result.all_events if event.is_asset_observation]
    assert observation.asset_key == dg.AssetKey(events.main)


def test_a_replay_waits_for_the_drains_of_its_stream(events: Stream, topic: Topic) -> None:
    job = replay_stream_job("user_events", lambda: events, lambda: topic.cluster)
    assert [node.definition.pool for node in job.nodes if isinstance(node.definition, dg.OpDefinition)] == [
        "stream_user_events"
    ]
