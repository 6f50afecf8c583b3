"""Answers that cannot be true together, and the nearest ones that can."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log

from dataeng_assets.advise.questions import BY_NAME, YES, Answers, Quantity, Value
from dataeng_assets.advise.rule import AtMost, Condition, MoreThan, all_hold, is_
from dataeng_assets.advise.units import GB, MINUTE, SECOND, TB

_MORE = 1.01
"""How far above a limit lies what is said to be more: a percent."""


@dataclass(frozen=True)
class Contradiction:
    """Conditions that must not hold together."""

    says: str
    when: tuple[Condition, ...]


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
        (
            is_(
                "destination",
                "duckdb",
                "delta",
                "iceberg",
                "postgres",
                "snowflake",
                "bigquery",
                "redshift",
                "databricks",
            ),
            AtMost("latency", 1 * SECOND),
        ),
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
    names = [condition.name for condition in one.when]
    changes = [
        next(((name, value) for value in _by_nearness(name, one, answers) if _mends(one, {**answers, name: value}, alone)),
             None)
        for name in names
    ]  # fmt: skip
    return Found(one.says, {name: answers[name] for name in names}, tuple(change for change in changes if change))


def _mends(one: Contradiction, answers: Answers, alone: bool) -> bool:
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
