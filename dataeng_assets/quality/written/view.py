"""A result as pages show it: everything in words. It can be kept, and shown again without the contract.

Made from a result by `view`; where it stands on a page belongs in `parts`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dataeng_assets.contracts.checks.words import kind_of
from dataeng_assets.quality.results import RuleResult, Sample
from dataeng_assets.quality.written.words import (
    Outcome,
    allowed,
    from_root,
    number,
    numbers,
    outcome,
    told_columns,
)


@dataclass(frozen=True)
class RuleView:
    """One rule and what became of it.

    Attributes:
        kind: what is demanded, in a word or two.
        found: rows that break it, or the metric.
        allowed: what its bounds allow.
        figures: numbers with their names.
        dimension: in the words of ODCS; empty when the contract names none.
        samples: personal values were masked in the engine.
    """

    name: str
    outcome: Outcome
    kind: str
    columns: tuple[str, ...]
    found: str
    allowed: str
    figures: tuple[tuple[str, str], ...]
    reason: str = ""
    next_step: str = ""
    description: str = ""
    dimension: str = ""
    place: str = ""
    samples: tuple[Sample, ...] = ()


def view(result: RuleResult) -> RuleView:
    """A result in words."""
    rule = result.rule
    return RuleView(
        name=rule.name,
        outcome=outcome(result),
        kind=kind_of(rule.check).replace("_", " "),
        columns=told_columns(rule.check),
        found=number(result.value if result.failing is None else result.failing),
        allowed=allowed(rule),
        figures=tuple(numbers(result)),
        reason=result.reason,
        next_step=result.next_step,
        description=rule.description,
        dimension=rule.dimension,
        place=from_root(rule.place),
        samples=result.samples,
    )


def worst_first(views: Iterable[RuleView]) -> list[RuleView]:
    """Violations, then what is undecided, then warnings; each in the order they come in."""
    order = list(Outcome)
    return sorted(views, key=lambda one: order.index(one.outcome))
