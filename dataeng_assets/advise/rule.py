"""The forms in which rules are written: conditions on answers, reasons with weights, options, decisions.

The rules themselves stand in `decisions`, one module for each group of questions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dataeng_assets.advise.questions import BY_NAME, Quantity, Value

Facts = Mapping[str, Value]
"""The answers, what is derived from them, and what was decided before, by its decision's name."""


@dataclass(frozen=True)
class Is:
    """The answer is one of these words."""

    name: str
    words: tuple[str, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        return facts[self.name] in self.words

    def __str__(self) -> str:
        """In words."""
        return f"{self.name} is {' or '.join(self.words)}"


@dataclass(frozen=True)
class AtMost:
    """The quantity is at most the limit."""

    name: str
    limit: float

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        return float(facts[self.name]) <= self.limit

    def __str__(self) -> str:
        """In words."""
        return f"{self.name} is at most {_quantity(self.name, self.limit)}"


@dataclass(frozen=True)
class MoreThan:
    """The quantity is more than the limit."""

    name: str
    limit: float

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        return float(facts[self.name]) > self.limit

    def __str__(self) -> str:
        """In words."""
        return f"{self.name} is more than {_quantity(self.name, self.limit)}"


Condition = Is | AtMost | MoreThan


def is_(name: str, *words: str) -> Is:
    """The answer is one of these words."""
    return Is(name, words)


def _quantity(name: str, limit: float) -> str:
    answer = BY_NAME[name].answer
    return answer.text(limit) if isinstance(answer, Quantity) else f"{limit:g}"


@dataclass(frozen=True)
class Reason:
    """Something that speaks for an option, or against it when its weight is below zero.

    Attributes:
        weight: 1 is a preference, 2 a good reason, 3 and more decide unless several others stand against it.
        because: a sentence.
        when: all of these must hold; always, if there are none.
        source: address of a page that says so.
    """

    weight: int
    because: str
    when: tuple[Condition, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Bar:
    """Something that rules an option out."""

    because: str
    when: tuple[Condition, ...]
    source: str = ""


@dataclass(frozen=True)
class Option:
    """One possible answer of a decision.

    Attributes:
        name: one word with hyphens, under which later decisions ask for it.
        title: what it is called.
    """

    name: str
    title: str
    reasons: tuple[Reason, ...] = ()
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Something to be decided. Of equally good options the first is taken.

    Attributes:
        name: under which later decisions ask for what was chosen.
        title: of its section.
    """

    name: str
    title: str
    options: tuple[Option, ...]

    def conditions(self) -> Iterator[Condition]:
        """Every condition in it."""
        for option in self.options:
            for reason in option.reasons:
                yield from reason.when
            for bar in option.bars:
                yield from bar.when


def all_hold(when: tuple[Condition, ...], facts: Facts) -> bool:
    """Whether all conditions hold."""
    return all(condition.holds(facts) for condition in when)
