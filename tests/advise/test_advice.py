"""The whole advice: contradictions are told with the nearest answers, the record is complete, costs follow prices."""

import json
import os
import pty
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dataeng_assets.advise.advice import Contradicted, advise
from dataeng_assets.advise.contradictions import CONTRADICTIONS
from dataeng_assets.advise.cost import USUAL_PRICES, PriceUnknown, costs, read_prices
from dataeng_assets.advise.decide import DECISIONS, decide
from dataeng_assets.advise.questions import QUESTIONS, Answers, AnswerUnknown
from dataeng_assets.advise.record import as_json, as_markdown
from dataeng_assets.advise.rule import Option
from dataeng_assets.advise.tuning import runs_per_day, schedule
from dataeng_assets.advise.tuning import settings as tuned
from dataeng_assets.advise.units import DAY
from dataeng_assets.cli import app
from tests.advise.any_answers import consistent_answers


def nothing_is_written(options: Mapping[str, str]) -> bool:
    return False


def test_contradicting_answers_are_told_with_the_nearest_that_go_together() -> None:
    with pytest.raises(Contradicted) as told:
        advise({"operations": "batch-only", "latency": "100ms"}, USUAL_PRICES, nothing_is_written)
    (found,) = told.value.found
    assert dict(found.changes)["operations"] == "office-hours"
    assert "--latency 6min" in str(told.value)


@pytest.mark.parametrize("one", CONTRADICTIONS, ids=lambda one: " and ".join(map(str, one.when)))
def test_a_contradiction_says_why_in_a_sentence(one: object) -> None:
    assert re.fullmatch(r"[A-Z].*\.", one.says)  # type: ignore[attr-defined]


def test_an_unknown_question_or_answer_names_the_nearest() -> None:
    with pytest.raises(AnswerUnknown, match=r"Did you mean 'latency'\?"):
        advise({"latancy": "5s"}, USUAL_PRICES, nothing_is_written)
    with pytest.raises(AnswerUnknown, match=r"Did you mean 'python'\?"):
        advise({"team": "pyton"}, USUAL_PRICES, nothing_is_written)
    with pytest.raises(AnswerUnknown, match="such as 100ms"):
        advise({"latency": "soon"}, USUAL_PRICES, nothing_is_written)


def test_a_usual_answer_gives_way_and_the_record_says_so() -> None:
    advice = advise({"latency": "100ms"}, USUAL_PRICES, nothing_is_written)
    assert (advice.answers["source"], advice.gave_way) == ("kafka", ("source",))
    assert "changed from the usual" in as_markdown(advice)


@given(consistent_answers)
@settings(max_examples=10)
def test_the_record_has_every_decision_with_every_option_and_its_settings(answers: Answers) -> None:
    words = {question.name: question.word(answers[question.name]) for question in QUESTIONS}
    try:
        advice = advise(words, USUAL_PRICES, nothing_is_written)
    except Contradicted:  # a quantity is rounded when it is written, and may then lie on the other side of a limit
        return
    text = as_markdown(advice)
    for decision in DECISIONS:
        assert f"\n## {decision.title}: " in text
        assert all(f"| {option.title} |" in text for option in decision.options)
    document = json.loads(as_json(advice))
    assert [one["answer"] for one in document["decisions"]] == list(advice.chosen.values())
    assert document["command"] is None


def every_option() -> list[Option]:
    return [option for decision in DECISIONS for option in decision.options]


def test_each_reason_is_a_sentence_and_counts() -> None:
    for option in every_option():
        for reason in option.reasons:
            assert re.fullmatch(r"[A-Z].*\.", reason.because), reason
            assert reason.weight != 0
            assert reason.source.startswith("https://") or not reason.source
        for bar in option.bars:
            assert re.fullmatch(r"[A-Z].*\.", bar.because), bar
            assert bar.when, f"{option.name} would be ruled out for ever"


@given(consistent_answers, st.sampled_from(sorted(USUAL_PRICES)))
@settings(max_examples=25)
def test_costs_are_above_zero_and_follow_each_price(answers: Answers, name: str) -> None:
    chosen = {one.decision.name: one.chosen.option.name for one in decide(answers)}
    usual = costs(answers, chosen, USUAL_PRICES)
    assert all(one.amount > 0 for one in usual)
    dearer = costs(answers, chosen, {**USUAL_PRICES, name: USUAL_PRICES[name] * 1000})
    if name.endswith(("-month", "-hour")) and name != "warehouse-gb-hour":
        assert sum(one.amount for one in dearer) >= sum(one.amount for one in usual)


@pytest.mark.parametrize("given_", [{"vcpu": "1"}, {"vcpu-hour": "cheap"}, {"vcpu-hour": "0"}, {"vcpu-hour": "nan"}])
def test_a_price_that_is_none_is_refused(given_: dict[str, str]) -> None:
    with pytest.raises(PriceUnknown):
        read_prices(given_)


@given(st.floats(120, 100 * DAY))
@settings(max_examples=25)
def test_two_intervals_of_a_schedule_fit_into_the_latency(latency: float) -> None:
    assert len(schedule(latency).split()) == 5
    assert 2 * DAY / runs_per_day(latency) <= latency


@given(consistent_answers)
@settings(max_examples=25)
def test_a_checkpoint_is_no_longer_than_half_of_what_may_be_lost(answers: Answers) -> None:
    decided = decide(answers)
    chosen = {one.decision.name: one.chosen.option.name for one in decided}
    found = tuned(answers, chosen, "delta")
    names = {one.name for one in found["state-backend"]}
    assert ("checkpoint interval" in names) == (
        chosen["state-backend"] != "tables" and chosen["processor"] in ("spark", "flink", "beam")
    )


def test_answers_of_a_file_and_options_are_one_record(tmp_path: Path) -> None:
    answers, record = tmp_path / "answers.yaml", tmp_path / "docs" / "record.md"
    answers.write_text(yaml.safe_dump({"latency": "1h", "exactly_once": True, "source": "kafka"}))
    done = CliRunner().invoke(
        app, ["advise", "--answers", str(answers), "--latency", "30s", "--output", str(record), "--price", "peak=5"]
    )
    assert done.exit_code == 0, done.output
    text = record.read_text()
    assert "| 30 s | given |" in text
    assert "| `peak` | 5 |" in text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("latency: {at most: 5s}\n", "latency: one value is asked for, not a list or a mapping"),
        ("team: [sql, jvm]\n", "not a list or a mapping. Known: sql, python, jvm."),
        ("volume: 1.5M/s\n", "'1.5M/s' is not a rate such as 10MB/s"),
        ("latency: 5\n", "'5' is not a length of time such as 100ms"),
        ("exactly_once: maybe\n", "exactly-once: 'maybe' is unknown"),
        ("volum: 2TB/day\n", "Did you mean 'volume'?"),
        ("- 5s\n", "must have a line for each answer"),
        ("", "must have a line for each answer"),
        ("a: [\n", "could not be read"),
        ("\0", "could not be read"),
    ],
)
def test_a_file_with_answers_that_are_none_ends_with_2_and_says_what_would_do(
    tmp_path: Path, text: str, told: str
) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text(text)
    done = CliRunner().invoke(app, ["advise", "--answers", str(answers)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--latency", "soon"], "such as 100ms"),
        (["--operations", "batch-only", "--latency", "100ms"], "--latency 6min"),
        (["--answers", "missing.yaml"], "could not be read"),
        (["--price", "vcpu=1"], "There is no price"),
    ],
)
def test_what_cannot_be_answered_ends_with_2_and_a_sentence(words: list[str], told: str) -> None:
    done = CliRunner().invoke(app, ["advise", *words])
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_json_is_one_document_on_standard_output() -> None:
    done = CliRunner().invoke(app, ["advise", "--latency", "5s", "--format", "json"])
    assert json.loads(done.stdout)["decisions"][0]["answer"] == "streaming"


def test_in_a_terminal_it_asks_and_what_is_left_as_usual_may_give_way(tmp_path: Path) -> None:
    record, said = tmp_path / "record.md", b""
    process, terminal = pty.fork()
    if process == 0:
        words = [sys.executable, "-c", "from dataeng_assets.cli import app; app()", "advise", "--output", str(record)]
        os.execv(sys.executable, words)
    replies = iter([b"soon\n", b"5s\n"])
    answered = 0
    while not record.exists():
        said += os.read(terminal, 65_536)
        while said.count(b"]: ") > answered:
            os.write(terminal, next(replies, b"\n"))
            answered += 1
    os.waitpid(process, 0)
    assert b"'soon' is not a length of time" in said
    assert "| 5 s | given |" in record.read_text()
    assert "changed from the usual" in record.read_text()
