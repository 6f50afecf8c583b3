"""What an exporter gives: a document, and what it could not say."""

from collections.abc import Iterable
from dataclasses import dataclass

from dataeng_assets.contracts.checks.rule import NONE, NotExecuted, Rule, Severity, Suite
from dataeng_assets.contracts.checks.words import demanded


@dataclass(frozen=True)
class Written:
    """A document in another form.

    Attributes:
        text: the document.
        unsaid: what the suite says and the document does not, with the reason.
    """

    text: str
    unsaid: tuple[NotExecuted, ...] = ()


def unsaid(rule: Rule, reason: str) -> NotExecuted:
    """A rule that the other form has no words for."""
    tolerated = f", {rule.bounds}" if rule.bounds != NONE else ""
    return NotExecuted(rule.place or rule.name, f"{demanded(rule)}{tolerated}", reason)


def is_firm(rule: Rule) -> bool:
    """Whether a rule holds for every row, without exception, and is no mere warning."""
    return rule.bounds == NONE and not rule.where and rule.severity is Severity.ERROR


def softness(rule: Rule, form: str) -> str:
    """Why a rule that is not firm is left out."""
    if rule.severity is Severity.WARNING:
        return f"{form} has no warnings"
    return f"{form} has no {'conditions on rows' if rule.where else 'tolerance'}"


def about(suite: Suite, form: str, *, consumers: bool = False) -> Iterable[NotExecuted]:
    """What a suite says beside its rules."""
    if suite.quarantine:
        yield NotExecuted(suite.name, "quarantine", f"{form} has no word for setting rows aside")
    if suite.consumers and not consumers:
        names = ", ".join(consumer.name for consumer in suite.consumers)
        yield NotExecuted(suite.name, f"consumers {names}", f"{form} has no word for who reads the table")
    for name, promise in suite.sla.items():
        yield NotExecuted(suite.name, f"{name} {promise}", f"{form} has no word for promises")
    yield from suite.not_executed
