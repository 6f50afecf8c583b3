"""Going back with a stream in tests, and what must hold afterwards."""

from dataclasses import replace
from pathlib import Path

from stream_kit import Topic, fingerprint, run

from dataeng_assets.kafka.admin import Admin
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.restore import Decide, Outlook, go_back
from dataeng_assets.streams.savepoints import Savepoint, take
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows


def saved(events: Stream, topic: Topic) -> Savepoint:
    with Admin(topic.cluster) as admin:
        return take(events, admin.describe(topic.name), reason="a test", taken_by="tests")


def back(events: Stream, topic: Topic, decide: Decide, *, accept_loss: bool = False) -> Outlook:
    return go_back(events, topic.cluster, decide, reason="a test", asked_by="tests", accept_loss=accept_loss)


def assert_as_if_it_had_never_gone_back(events: Stream, topic: Topic, tmp_path: Path) -> None:
    calm = replace(events, lake=Lake(str(tmp_path / "calm")))
    for one in (events, calm):
        assert run(one, topic, batch_records=50).caught_up
        publish_windows(one, topic.cluster, run_id="last")
        assert verify(one, topic.cluster).holds
    assert fingerprint(events) == fingerprint(calm)
