"""Weighing the rules: every consistent set of answers is answered, and the answers move the way they must."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dataeng_assets.advise.contradictions import completed, contradictions, is_consistent
from dataeng_assets.advise.decide import DECISIONS, decide, flips
from dataeng_assets.advise.questions import QUESTIONS, USUAL, Answers, Quantity, read_answers
from tests.advise.any_answers import any_answers, consistent_answers


def chosen(answers: Answers) -> dict[str, str]:
    return {one.decision.name: one.chosen.option.name for one in decide(answers)}


def answered(**given: object) -> Answers:
    answers, _ = completed(read_answers(given), USUAL)
    assert is_consistent(answers)
    return answers


@given(consistent_answers)
@settings(max_examples=100)
def test_every_consistent_set_of_answers_gets_an_answer_to_every_decision(answers: Answers) -> None:
    decided = decide(answers)
    assert [one.decision for one in decided] == list(DECISIONS)
    assert all(not one.chosen.bars for one in decided)
    assert all(one.chosen.points >= other.points for one in decided for other in one.options if not other.bars)


@given(consistent_answers, st.floats(0.0001, 1))
@settings(max_examples=25)
def test_a_lower_latency_never_moves_from_streaming_to_batch(answers: Answers, share: float) -> None:
    sooner = {**answers, "latency": float(answers["latency"]) * share}
    assume(is_consistent(sooner))
    if chosen(answers)["processing"] == "streaming":
        assert chosen(sooner)["processing"] == "streaming"


@given(consistent_answers, st.floats(1, 1000))
@settings(max_examples=25)
def test_more_volume_never_moves_from_many_hosts_to_one(answers: Answers, times: float) -> None:
    more = {**answers, "volume": float(answers["volume"]) * times}
    assume(is_consistent(more) and chosen(more)["processing"] == chosen(answers)["processing"])
    assume(chosen(more)["storage"] == chosen(answers)["storage"])
    if chosen(answers)["processor"] != "platform":
        assert chosen(more)["processor"] != "platform"


@given(consistent_answers, st.floats(1, 1000))
@settings(max_examples=25)
def test_more_state_never_moves_from_disks_to_memory(answers: Answers, times: float) -> None:
    more = {**answers, "state": float(answers["state"]) * times}
    assume(is_consistent(more) and chosen(more)["processor"] == chosen(answers)["processor"])
    if chosen(answers)["state-backend"] != "memory":
        assert chosen(more)["state-backend"] != "memory"


@given(consistent_answers)
@settings(max_examples=25)
def test_what_must_count_once_is_not_delivered_at_least_or_at_most_once(answers: Answers) -> None:
    delivery = chosen(answers)["delivery"]
    if answers["exactly-once"] == "yes":
        assert delivery in ("exactly-once", "by-key")
    if answers["loss-tolerated"] == "no":
        assert delivery != "at-most-once"


@given(consistent_answers)
@settings(max_examples=10)
def test_every_flip_that_is_told_is_one(answers: Answers) -> None:
    usual = chosen(answers)
    for flip in flips(answers):
        question = flip.question
        if isinstance(question.answer, Quantity):
            side, _, limit = flip.answer.partition(" than " if flip.answer.startswith("more") else " most ")
            value: Any = question.answer.parse(limit) * (1.002 if side == "more" else 0.998)
        else:
            value = flip.answer
        now = chosen({**answers, question.name: value})
        assert {decision.name: option.name for decision, option in flip.changes}.items() <= now.items()
        assert all(usual[decision.name] != option.name for decision, option in flip.changes)


@given(any_answers)
@settings(max_examples=100)
def test_a_single_contradiction_can_be_mended_by_each_change_that_is_proposed(answers: Answers) -> None:
    found = contradictions(answers)
    if len(found) == 1:
        assert found[0].changes
        for name, value in found[0].changes:
            assert is_consistent({**answers, name: value})


ALONE = [("latency", word) for word in ("1ms", "1min", "30d")] + [
    (question.name, word)
    for question in QUESTIONS
    if not isinstance(question.answer, Quantity)
    for word in question.answer
]


@pytest.mark.parametrize(("name", "word"), ALONE)
def test_each_answer_alone_goes_with_the_usual_ones(name: str, word: str) -> None:
    answers, gave_way = completed(read_answers({name: word}), USUAL)
    assert is_consistent(answers)
    assert name not in gave_way


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"processing": "batch", "processor": "platform", "architecture": "batch-only"}),
        ({"source": "kafka", "latency": "1min"}, {"processing": "streaming", "processor": "platform"}),
        ({"latency": "100ms", "destination": "kafka", "team": "jvm"}, {"processor": "kafka-streams"}),
        ({"latency": "100ms", "destination": "kafka", "team": "sql"}, {"processor": "ksqldb"}),
        (
            {"latency": "100ms", "state": "5TB", "team": "jvm", "operations": "around-the-clock"},
            {"processor": "flink", "state-backend": "remote"},
        ),
        ({"latency": "5s", "volume": "2TB/day", "exactly_once": True, "team": "sql"}, {"processor": "spark"}),
        ({"existing": "beam", "cloud": "gcp", "source": "pubsub", "latency": "10s"}, {"processor": "beam"}),
        (
            {"destination": "snowflake", "cloud": "aws", "latency": "1d"},
            {"processor": "warehouse-native", "storage": "warehouse"},
        ),
        (
            {"source": "kafka", "latency": "30s", "destination": "bigquery", "cloud": "gcp", "reprocess": "2y"},
            {"architecture": "lambda"},
        ),
        ({"source": "kafka", "latency": "30s", "reprocess": "3d"}, {"architecture": "kappa"}),
        ({"operations": "batch-only"}, {"processing": "batch"}),
        ({"shape": "visits"}, {"window": "session"}),
        ({"loss_tolerated": True, "latency": "100ms"}, {"delivery": "at-most-once"}),
        ({"exactly_once": True, "source": "kafka", "latency": "1min"}, {"delivery": "exactly-once"}),
        ({"history": "both"}, {"history-type": "type-6"}),
        ({"upgrades": "producers", "reprocess": "7d"}, {"compatibility": "forward"}),
    ],
)
def test_a_usual_case_is_answered_as_expected(given: dict[str, object], expected: dict[str, str]) -> None:
    assert expected.items() <= chosen(answered(**given)).items()


def test_every_option_is_taken_for_some_answers() -> None:
    taken = set()
    for case in (case for cases in CASES for case in cases):
        taken |= set(chosen(answered(**case)).items())
    wanted = {(decision.name, option.name) for decision in DECISIONS for option in decision.options}
    assert wanted - taken == set()


CASES: list[list[dict[str, object]]] = [
    [{}, {"readers": "both"}, {"source": "kafka", "latency": "1min", "reprocess": "3d"}],
    [{"shape": shape} for shape in ("moving", "visits", "single")],
    [{"history": word} for word in ("current", "first", "previous", "both")],
    [{"upgrades": word, "reprocess": back} for word in ("consumers", "producers", "any") for back in ("7d", "90d")],
    [{"latency": "100ms", "destination": "kafka", "team": team} for team in ("jvm", "sql", "python")],
    [{"latency": "100ms", "state": "5TB", "team": "jvm", "operations": "around-the-clock"}],
    [{"latency": "100ms", "loss_tolerated": True}, {"latency": "1min", "source": "kafka", "exactly_once": True}],
    [{"latency": "100ms", "destination": "kafka", "volume": "2TB/day", "state": "20GB"}],
    [{"source": "kafka", "latency": "30s", "volume": "2TB/day"}, {"destination": "snowflake", "cloud": "aws"}],
    [{"source": "kafka", "latency": "30s", "destination": "bigquery", "cloud": "gcp", "reprocess": "2y"}],
    [{"existing": "beam", "cloud": "gcp", "source": "pubsub", "latency": "10s"}],
    [{"latency": "1min", "source": "kafka", "loss_tolerated": True, "volume": "2TB/day"}],
]
