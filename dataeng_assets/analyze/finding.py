"""What was found, where, and what speaks for it. Finding it belongs in `rules`, showing it in `output`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # the command line reads severities at each start, and a proof brings DuckDB and sqlglot with it
    from dataeng_assets.analyze.proof import Rewrite


class Severity(StrEnum):
    """How much it matters: an error gives wrong results or fails, a warning costs, an info is worth a look."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for info, 2 for error."""
        return list(Severity).index(self)


class Basis(StrEnum):
    """Where an expected effect is known from."""

    ESTIMATED = "estimated"
    MEASURED = "measured"


@dataclass(frozen=True, order=True)
class Place:
    """A span of a file; lines and columns are counted from 1 in characters, the end is not included."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Effect:
    """What a change is expected to bring, in words with numbers where they are known."""

    text: str
    basis: Basis = Basis.ESTIMATED


@dataclass(frozen=True)
class Finding:
    """One finding of one rule.

    Attributes:
        rule: its id.
        message: what is there, in a sentence.
        why: what it costs on this engine.
        evidence: the facts that were used, in words with numbers.
        rewrite: the whole statement as it would be afterwards, and whether it was proven equal.
    """

    rule: str
    severity: Severity
    place: Place
    message: str
    why: str
    evidence: tuple[str, ...] = ()
    effect: Effect | None = None
    rewrite: "Rewrite | None" = None
