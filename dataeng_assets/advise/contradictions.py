"""Answers that cannot be true together, and the nearest ones that can."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log

from dataeng_assets.advise.questions import BY_NAME, YES, Answers, Quantity, Value
from dataeng_assets.advise.rule import AtMost, Condition, MoreThan, all_hold, is_
from dataeng_assets.advise.units import GB, MINUTE, SECOND, TB

_MORE = 1.2
"""How far above a limit lies what is proposed instead: enough to be seen in the figure."""


@dataclass(frozen=True)
class Contradiction:
    """Conditions that must not hold together."""

    says: str
    when: tuple[Condition, ...]


_COMMITTED = ("duckdb", "delta", "iceberg", "postgres", "snowflake", "bigquery", "redshift", "databricks")

CONTRADICTIONS: tuple[Contradiction, ...] = (
    Contradiction(
        "Jobs on a schedule alone are never that fresh: something must run all the time, and somebody look after it.",
        (is_("operations", "batch-only"), AtMost("latency", 5 * MINUTE)),
    ),
    Contradiction(
        "A record that may be lost need not count exactly once.",
        (is_("exactly-once", YES), is_("loss-tolerated", YES)),
    ),
    Contradiction(
        "A table or a warehouse shows rows when they are committed, which takes a second or more; a topic does not.",
        (is_("destination", *_COMMITTED), AtMost("latency", 1 * SECOND)),
    ),
    Contradiction(
        "A file is there when it was written to its end, and a database is asked; neither is that quick. "
        "Let the changes come through a topic.",
        (is_("source", "files", "postgres"), AtMost("latency", 10 * SECOND)),
    ),
    Contradiction(
        "That source is a service of another cloud.",
        (is_("source", "kinesis"), is_("cloud", "gcp", "azure", "none")),
    ),
    Contradiction(
        "That source is a service of another cloud.",
        (is_("source", "pubsub"), is_("cloud", "aws", "azure", "none")),
    ),
    Contradiction(
        "That destination is a service of another cloud.",
        (is_("destination", "redshift"), is_("cloud", "gcp", "azure", "none")),
    ),
    Contradiction(
        "That destination is a service of another cloud.",
        (is_("destination", "bigquery"), is_("cloud", "aws", "azure", "none")),
    ),
    Contradiction(
        "That destination is a service in a cloud, and none may be used.",
        (is_("destination", "snowflake", "databricks"), is_("cloud", "none")),
    ),
    Contradiction(
        "DuckDB is one file on one host.",
        (is_("destination", "duckdb"), MoreThan("volume", TB)),
    ),
    Contradiction(
        "One Postgres server does not take that in every day and answer beside it.",
        (is_("destination", "postgres"), MoreThan("volume", TB)),
    ),
    Contradiction(
        "Each event by itself needs nothing remembered; that much state comes from windows or joins.",
        (is_("shape", "single"), MoreThan("state", 100 * GB)),
    ),
)


@dataclass(frozen=True)
class Found:
    """A contradiction that the answers have.

    Attributes:
        says: why it is one.
        answers: the answers that do not go together, by question.
        changes: single answers that would leave no contradiction at all, the nearest one of each question.
    """

    says: str
    answers: Mapping[str, Value]
    changes: tuple[tuple[str, Value], ...]


def contradictions(answers: Answers) -> tuple[Found, ...]:
    """What cannot be true together; empty when the answers are consistent."""
    found = [one for one in CONTRADICTIONS if all_hold(one.when, answers)]
    return tuple(_found(one, answers, alone=len(found) == 1) for one in found)


def is_consistent(answers: Answers) -> bool:
    """Whether no contradiction is in the answers."""
    return not any(all_hold(one.when, answers) for one in CONTRADICTIONS)


def _found(one: Contradiction, answers: Answers, *, alone: bool) -> Found:
    changes = [_nearest_change(condition.name, one, answers, alone=alone) for condition in one.when]
    return Found(
        one.says,
        {condition.name: answers[condition.name] for condition in one.when},
        tuple(change for change in changes if change),
    )


def _nearest_change(name: str, one: Contradiction, answers: Answers, *, alone: bool) -> tuple[str, Value] | None:
    tried = ((name, value) for value in _by_nearness(name, one, answers))
    return next((change for change in tried if _mends(one, {**answers, change[0]: change[1]}, alone=alone)), None)


def _mends(one: Contradiction, answers: Answers, *, alone: bool) -> bool:
    """Whether nothing is left; of several contradictions, whether this one is gone and no other one came."""
    return is_consistent(answers) if alone else not all_hold(one.when, answers)


def _by_nearness(name: str, one: Contradiction, answers: Answers) -> Iterator[Value]:
    question = BY_NAME[name]
    if isinstance(question.answer, Quantity):
        yield from sorted(_beyond(name, one.when), key=lambda value: _distance(value, float(answers[name])))
        return
    words = list(question.answer)
    here = words.index(str(answers[name]))
    yield from sorted(words, key=lambda word: abs(words.index(word) - here))


def _beyond(name: str, when: Sequence[Condition]) -> list[float]:
    """Quantities on the other side of the limits of all contradictions."""
    limits = [one for found in CONTRADICTIONS for one in (*found.when, *when) if one.name == name]
    above = [one.limit * _MORE for one in limits if isinstance(one, AtMost)]
    return above + [one.limit for one in limits if isinstance(one, MoreThan)]


def _distance(value: float, other: float) -> float:
    return abs(log(value / other)) if value and other else inf


def completed(given: Mapping[str, Value], usual: Answers) -> tuple[Answers, tuple[str, ...]]:
    """All answers: the given ones, else the usual ones, of which some give way where they contradict given ones.

    Returns:
        The answers, and the questions whose usual answer gave way.
    """
    answers: dict[str, Value] = {**usual, **given}
    gave_way: list[str] = []
    for _ in usual:
        changes = [change for found in contradictions(answers) for change in found.changes if change[0] not in given]
        if not changes:
            break
        name, value = changes[0]
        answers[name] = value
        gave_way.append(name)
    return answers, tuple(dict.fromkeys(gave_way))
