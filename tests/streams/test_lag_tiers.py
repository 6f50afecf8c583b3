"""How far behind a stream is: by how long the oldest unread record has been waiting, not by how many there are."""

from datetime import UTC, datetime, timedelta

import pytest
from stream_kit import Sent, Topic, event

from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.lag import Tier, lag
from dataeng_assets.streams.stream import Stream

pytestmark = pytest.mark.server


def send(topic: Topic, *ages: timedelta) -> None:
    moments = [datetime.now(UTC) - age for age in ages]
    topic.send([Sent(number % 2, event(number, moment), moment) for number, moment in enumerate(moments)])


def drained(events: Stream, topic: Topic) -> None:
    drain(events, topic.cluster, run_id="run", budget=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("age", "tier"),
    [
        (timedelta(seconds=1), Tier.OK),
        (timedelta(minutes=10), Tier.BEHIND),
        (timedelta(hours=2), Tier.FAR_BEHIND),
    ],
)
def test_the_tier_follows_the_age_of_the_oldest_record_that_waits(
    events: Stream, topic: Topic, age: timedelta, tier: Tier
) -> None:
    topic.make(2)
    send(topic, timedelta(hours=5))
    drained(events, topic)
    send(topic, age, timedelta(0), timedelta(0))
    found = lag(events, topic.cluster)
    assert (found.tier, found.records) == (tier, 3)
    drained(events, topic)
    assert lag(events, topic.cluster).tier is Tier.OK


def test_a_stream_that_has_not_begun_is_not_behind(events: Stream, topic: Topic) -> None:
    topic.make(2)
    send(topic, timedelta(days=40))
    found = lag(events, topic.cluster)
    assert (found.tier, found.records) == (Tier.OK, 1)
