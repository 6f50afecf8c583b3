"""Records that break a rule of their contract go to the dead letters with all that they break."""

from dataclasses import replace
from typing import Any

import pytest
from stream_kit import KNOWN, POSITIVE, START, Sent, Topic, dead, quarantining, run, sent, some_records, stored, table

from dataeng_assets.contracts.checks.kinds import Holds
from dataeng_assets.contracts.checks.rule import Bounds, Rule, Severity
from dataeng_assets.contracts.checks.setting_aside import TooManyBroken
from dataeng_assets.streams import ingest
from dataeng_assets.streams.errors import RoutingChanged, RuleUndecided
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify

pytestmark = pytest.mark.server


def test_a_record_that_breaks_rules_is_a_dead_letter_with_the_names_of_all_of_them(
    events: Stream, topic: Topic
) -> None:
    events = quarantining(events, KNOWN, POSITIVE)
    topic.make(1).send(
        [sent(0), sent(1, kind="swipe"), sent(2, user=-1), sent(3, kind="swipe", user=0), sent(4, user=None),
         Sent(0, b"{", START)]
    )  # fmt: skip
    report = run(events, topic)
    assert dead(events) == [
        (1, "rule:known_type", "rules: known_type"),
        (2, "rule:positive_user", "rules: positive_user"),
        (3, "rule:known_type", "rules: known_type, positive_user"),
        (5, "not_json", "not JSON from character 1 on"),
    ]
    assert (report.main, report.dead_letters) == (2, 4)
    proof = verify(events, topic.cluster)
    assert (proof.holds, proof.decided) == (True, True)


def test_the_values_of_a_record_stand_in_its_bytes_alone(events: Stream, topic: Topic) -> None:
    topic.make(1).send([sent(0, kind="secret")])
    run(quarantining(events, KNOWN), topic)
    assert "secret" not in str(dead(events))


def test_what_breaks_a_rule_does_not_decide_what_is_late(events: Stream, topic: Topic) -> None:
    topic.make(1).send([sent(0), sent(1, minutes=60, kind="swipe"), sent(2, minutes=1)])
    report = run(quarantining(events, KNOWN), topic)
    assert (report.main, report.late, report.dead_letters) == (2, 0, 1)


def test_a_warning_and_a_tolerance_set_nothing_aside(events: Stream, topic: Topic) -> None:
    rules = (replace(KNOWN, severity=Severity.WARNING), replace(POSITIVE, bounds=Bounds(upper=1)))
    topic.make(1).send([sent(0, kind="swipe", user=-1)])
    assert run(quarantining(events, *rules), topic).main == 1


def test_above_the_limit_nothing_of_a_batch_is_committed_until_the_limit_or_the_rules_change(
    events: Stream, topic: Topic
) -> None:
    strict = quarantining(events, KNOWN, limit=Bounds(upper=1))
    topic.make(1).send([sent(0), sent(1, kind="swipe"), sent(2, kind="swipe"), Sent(0, b"{", START)])
    message = (
        r"2 of 4 rows of user_events \(50\.0%\).*known_type \(2\).*at most 1\..*stay in the topic.*user_events\.yaml"
    )
    with pytest.raises(TooManyBroken, match=message):
        run(strict, topic)
    assert [len(table(events, key)) for key in (events.main, events.late, events.dead_letters)] == [0, 0, 0]
    report = run(quarantining(events, KNOWN, limit=Bounds(upper=2)), topic)
    assert (report.main, report.dead_letters) == (1, 3)


def test_a_rule_that_cannot_be_evaluated_stops_the_stream(events: Stream, topic: Topic) -> None:
    topic.make(1).send([sent(0, kind="secret")])
    with pytest.raises(RuleUndecided, match="number") as raised:
        run(quarantining(events, Rule(Holds("cast(event_type as integer) > 0"), "number")), topic)
    assert "secret" not in str(raised.value)
    assert table(events, events.main) == []


def test_other_rules_are_another_routing_and_another_limit_is_none(events: Stream) -> None:
    one = quarantining(events, KNOWN)
    assert quarantining(events, KNOWN, limit=Bounds(upper=1)).routing == one.routing
    rules = [
        (),
        (KNOWN, POSITIVE),
        (POSITIVE, KNOWN),
        (replace(KNOWN, where="user_id > 1"),),
        (replace(KNOWN, name="k"),),
    ]
    others = [events, *(quarantining(events, *some) for some in rules)]
    assert len({other.routing for other in (one, *others)}) == len(others) + 1


def test_what_an_interrupted_run_has_set_aside_is_routed_by_the_rules_that_began_it(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict, loose = quarantining(events, KNOWN), quarantining(events)
    topic.make(1).send([sent(0), sent(1, kind="swipe")])
    real = ingest.append

    def append(target: Any, *arguments: Any, **named: Any) -> int:
        if target.table_uri.rstrip("/").endswith("user_events"):
            raise KeyboardInterrupt
        return real(target, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "append", append)
        with pytest.raises(KeyboardInterrupt):
            run(strict, topic)
    with pytest.raises(RoutingChanged):
        run(loose, topic)
    run(strict, topic)
    topic.send([sent(2, kind="swipe")])
    run(loose, topic)
    assert (sorted(stored(events).main), sorted(stored(events).dead)) == ([(0, 0), (0, 2)], [(0, 1)])
    assert verify(loose, topic.cluster).holds


def test_in_ordinary_life_each_record_stands_in_one_table(events: Stream, topic: Topic) -> None:
    judged = quarantining(events, KNOWN, replace(POSITIVE, name="two_or_more", where="event_type = 'click'"))
    topic.make(2).send(some_records(7, 150, 2))
    run(judged, topic, batch_records=40)
    assert verify(judged, topic.cluster).holds
