"""Everything that is answered, as values: decisions, settings, what would change them, the command, and the cost.

How it is written belongs in `record`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dataeng_assets.advise.command import Command, IsWritten, build_command
from dataeng_assets.advise.contradictions import Found, completed, contradictions
from dataeng_assets.advise.cost import Cost, costs
from dataeng_assets.advise.decide import Decided, Flip, decide, flips, target
from dataeng_assets.advise.questions import BY_NAME, USUAL, Answers, Value, read_answers
from dataeng_assets.advise.tuning import Setting, settings


class Contradicted(Exception):
    """The answers cannot be true together; names them and the nearest changes."""

    def __init__(self, found: tuple[Found, ...]) -> None:
        super().__init__("\n".join(_told(one) for one in found))
        self.found = found


@dataclass(frozen=True)
class Advice:
    """What is answered.

    Attributes:
        answers: all answers, by question.
        given: the questions that were answered; the others have their usual answer.
        gave_way: questions whose usual answer did not go with what was given, and was changed.
        target: the destination.
        settings: by the name of the decision they belong to.
        command: that builds it; None where nothing of the kind is generated.
        prices: by their names, as the cost was reckoned.
    """

    answers: Answers
    given: frozenset[str]
    gave_way: tuple[str, ...]
    decided: tuple[Decided, ...]
    target: str
    settings: Mapping[str, tuple[Setting, ...]]
    flips: tuple[Flip, ...]
    command: Command | None
    costs: tuple[Cost, ...]
    prices: Mapping[str, float]

    @property
    def chosen(self) -> Mapping[str, str]:
        """The option of each decision, by name."""
        return {one.decision.name: one.chosen.option.name for one in self.decided}


def advise(given: Mapping[str, object], prices: Mapping[str, float], is_written: IsWritten) -> Advice:
    """Answer.

    Args:
        given: answers in words, by question; what is missing is taken as usual.
        prices: as `cost.read_prices` gives them.
        is_written: whether `dataeng generate` would take options.

    Raises:
        AnswerUnknown: a question or an answer is not known.
        Contradicted: answers that were given cannot be true together.
    """
    read = read_answers(given)
    answers, gave_way = completed(read, USUAL)
    found = contradictions(answers)
    if found:
        raise Contradicted(found)
    decided = decide(answers)
    chosen = {one.decision.name: one.chosen.option.name for one in decided}
    goes_to = target(answers, chosen["storage"])
    return Advice(
        answers,
        frozenset(read),
        gave_way,
        decided,
        goes_to,
        settings(answers, chosen, goes_to),
        flips(answers),
        build_command(answers, chosen, goes_to, is_written),
        costs(answers, chosen, prices),
        prices,
    )


def _told(found: Found) -> str:
    together = ", ".join(f"{name} {_text(name, value)}" for name, value in found.answers.items())
    changes = " or ".join(f"--{name} {BY_NAME[name].word(value)}" for name, value in found.changes)
    return f"{together}: {found.says}" + (f" The nearest that goes together: {changes}." if changes else "")


def _text(name: str, value: Value) -> str:
    return BY_NAME[name].text(value)
