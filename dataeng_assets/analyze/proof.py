"""Whether a rewrite gives the same rows as what it replaces, and how that is known."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the generated data said."""

    PROVEN = "proven"
    REFUTED = "refuted"
    NOT_PROVEN = "not proven"


@dataclass(frozen=True)
class Proof:
    """The outcome over a number of generated data sets.

    Attributes:
        counter_example: rows for which the two differ; empty unless refuted.
        reason: why it could not be decided; empty unless not proven.
    """

    verdict: Verdict
    datasets: int
    counter_example: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Rewrite:
    """The whole statement as it would be afterwards."""

    sql: str
    proof: Proof
