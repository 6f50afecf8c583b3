"""What a rule is. The rules themselves are in `rules`, their pages are made by `pages`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from dataeng_assets.analyze.engines import ALL, Engine
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Effect, Place, Severity
from dataeng_assets.analyze.statement import Statement


@dataclass(frozen=True)
class Hit:
    """Where a rule found what it looks for; `node` is for the rewrite."""

    place: Place
    message: str
    node: exp.Expr
    evidence: tuple[str, ...] = ()
    effect: Effect | None = None
    severity: Severity | None = None


@dataclass(frozen=True)
class Example:
    """Two statements for the page and the test: the first is found by the rule alone, the second by none.

    Attributes:
        facts: what must be known of tables for it.
        engine: on which it is shown.
    """

    bad: str
    good: str
    engine: Engine = Engine.SPARK
    facts: Facts = Facts()


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: words with hyphens; never changes, as people name it in their pipelines.
        title: what is wrong, in a few words.
        severity: unless the hit says otherwise.
        why: what it costs, by engine where they differ; the entry None is for all others.
        when_not: when it is right all the same.
        find: gives the hits in a statement.
        effect: what the change is expected to bring when the hit has no figure.
    """

    id: str
    title: str
    severity: Severity
    example: Example
    why: Mapping[Engine | None, str]
    when_not: str
    find: Callable[[Statement, Facts], Iterable[Hit]]
    effect: str = ""
    engines: frozenset[Engine] = ALL

    def why_on(self, engine: Engine) -> str:
        """What it costs on this engine."""
        return self.why.get(engine) or self.why[None]
