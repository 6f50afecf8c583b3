"""Weighing the rules: which option each decision takes for given answers, and which answer would change that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from dataeng_assets.advise.contradictions import is_consistent
from dataeng_assets.advise.decisions import guarantees, processor, shape
from dataeng_assets.advise.questions import NO, QUESTIONS, YES, Answers, Quantity, Question, Value
from dataeng_assets.advise.rule import AtMost, Bar, Decision, MoreThan, Option, Reason, all_hold

DECISIONS: tuple[Decision, ...] = (
    shape.PROCESSING,
    shape.STORAGE,
    shape.ARCHITECTURE,
    processor.PROCESSOR,
    guarantees.WINDOW,
    guarantees.DELIVERY,
    guarantees.STATE,
    guarantees.HISTORY,
    guarantees.COMPATIBILITY,
)
"""In the order in which they are taken: later ones ask what earlier ones decided."""

_WAREHOUSES = {"none": "duckdb", "aws": "redshift", "gcp": "bigquery", "azure": "snowflake"}
_MORE = 1.001
"""What lies just above a limit, for trying: a thousandth."""


@dataclass(frozen=True)
class Weighed:
    """An option with what speaks for and against it; `bars` rule it out."""

    option: Option
    reasons: tuple[Reason, ...]
    bars: tuple[Bar, ...]

    @property
    def points(self) -> int:
        """The sum of the weights."""
        return sum(reason.weight for reason in self.reasons)


@dataclass(frozen=True)
class Decided:
    """A decision that was taken: its options as they were weighed, the best first, those ruled out last."""

    decision: Decision
    options: tuple[Weighed, ...]

    @property
    def chosen(self) -> Weighed:
        """The option that was taken."""
        return self.options[0]


@dataclass(frozen=True)
class Flip:
    """An answer that would change decisions.

    Attributes:
        question: whose answer it is.
        answer: in words, such as `at most 5 min`.
        changes: for each decision, by its title, the option instead.
    """

    question: Question
    answer: str
    changes: tuple[tuple[Decision, Option], ...]


class Undecidable(Exception):
    """Every option of a decision is ruled out: the answers contradict each other."""


def decide(answers: Answers) -> tuple[Decided, ...]:
    """Take every decision.

    Raises:
        Undecidable: the answers contradict each other.
    """
    facts = _derived(answers)
    taken = []
    for decision in DECISIONS:
        decided = _taken(decision, facts)
        taken.append(decided)
        facts[decision.name] = decided.chosen.option.name
        if decision is shape.STORAGE:
            facts["target"] = target(answers, decided.chosen.option.name)
    return tuple(taken)


def target(answers: Answers, storage: str) -> str:
    """The destination: the one that was named, else a lake's or the warehouse of the cloud."""
    if answers["destination"] != "undecided":
        return str(answers["destination"])
    if float(answers["latency"]) <= 1:
        return "kafka"  # no table shows a row so soon
    if storage == "lakehouse":
        return "delta"
    too_much_for_one_host = answers["cloud"] == "none" and float(answers["volume"]) > 1e12
    return "delta" if too_much_for_one_host else _WAREHOUSES[str(answers["cloud"])]


def flips(answers: Answers) -> tuple[Flip, ...]:
    """The answers, each changed alone, that would change a decision; of a quantity the nearest to either side."""
    usual = _choices(answers)
    return tuple(
        flip
        for question in QUESTIONS
        for flip in (_quantity_flips if isinstance(question.answer, Quantity) else _word_flips)(
            question, answers, usual
        )
    )


def _derived(answers: Answers) -> dict[str, Value]:
    covers = float(answers["log-kept"]) >= float(answers["reprocess"])
    return {**answers, "log-covers": YES if covers else NO}


def _taken(decision: Decision, facts: Mapping[str, Value]) -> Decided:
    weighed = [_weighed(option, facts) for option in decision.options]
    best_first = sorted(weighed, key=lambda one: (bool(one.bars), -one.points))
    if best_first[0].bars:
        raise Undecidable(f"{decision.title}: every option is ruled out.")
    return Decided(decision, tuple(best_first))


def _weighed(option: Option, facts: Mapping[str, Value]) -> Weighed:
    reasons = tuple(reason for reason in option.reasons if all_hold(reason.when, facts))
    return Weighed(option, reasons, tuple(bar for bar in option.bars if all_hold(bar.when, facts)))


Choices = tuple[tuple[Decision, Option], ...]


def _choices(answers: Answers) -> Choices:
    return tuple((one.decision, one.chosen.option) for one in decide(answers))


def _word_flips(question: Question, answers: Answers, usual: Choices) -> Iterator[Flip]:
    for word in question.answer if isinstance(question.answer, Mapping) else ():
        changed = _changed({**answers, question.name: word}, usual)
        if changed:
            yield Flip(question, word, changed)


def _quantity_flips(question: Question, answers: Answers, usual: Choices) -> Iterator[Flip]:
    """The nearest change below and the nearest above: quantities between two limits all decide alike."""
    here = float(answers[question.name])
    limits = sorted(_limits(question, answers))
    below = [("at most", limit, limit) for limit in reversed(limits) if limit < here]
    above = [("more than", limit, limit * _MORE) for limit in limits if limit >= here]
    for _, side in groupby([*below, *above], key=lambda one: one[0]):
        for words, limit, tried in side:
            changed = _changed({**answers, question.name: tried}, usual)
            if changed:
                yield Flip(question, f"{words} {question.text(limit)}", changed)
                break


def _limits(question: Question, answers: Answers) -> set[float]:
    stated = {
        condition.limit
        for decision in DECISIONS
        for condition in decision.conditions()
        if isinstance(condition, AtMost | MoreThan) and condition.name == question.name
    }
    together = {"log-kept": {answers["reprocess"]}, "reprocess": {answers["log-kept"]}}
    return stated | {float(limit) for limit in together.get(question.name, set())}


def _changed(answers: Answers, usual: Choices) -> Choices:
    """The decisions that come out otherwise; none where the answers contradict each other."""
    if not is_consistent(answers):
        return ()
    now = _choices(answers)
    return tuple(one for one, before in zip(now, usual, strict=True) if one[1] is not before[1])
