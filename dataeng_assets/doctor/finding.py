"""What was found, what was looked at, and what could not be looked at, as plain values."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dataeng_assets.causes.catalogue import CAUSES

_SECRET = re.compile(
    r"(?i)(?<=://)[^/\s:@]+(?::[^/\s@]*)?@|"  # who logs in, in an address
    r"(?:password|passwd|pwd|secret|token|api_?key|access_?key|credential)[\w.-]*[\"']?\s*[=:]\s*[\"']?[^\s,;\"'}]+|"
    r"\bBearer\s+\S+|\bAKIA[0-9A-Z]{16}\b"
)
_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+|(?<=\)=\()[^)]*(?=\))")
"""Addresses of people, and the values that Postgres adds to an error: `Key (email)=(...)`."""
_LONGEST = 400


@dataclass(frozen=True)
class Finding:
    """One cause, at one place, proven.

    Attributes:
        cause: id in the catalogue.
        where: the run, table, stream, slot or file.
        proof: what was seen, in numbers; a fact each.
        at: when it was seen or happened.
        names: what the capitals in the remedy's commands stand for here.
        concerns: dotted keys of the assets that it is about; empty where it is about all.
    """

    cause: str
    where: str
    proof: tuple[str, ...]
    at: datetime | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    concerns: frozenset[str] = frozenset()

    @property
    def commands(self) -> tuple[str, ...]:
        """The remedy's commands, with what is known filled in."""
        return tuple(_filled(step.command, self.names) for step in CAUSES[self.cause].remedy if step.command)

    @property
    def page(self) -> str:
        """Of the runbook, from the root of the project."""
        return CAUSES[self.cause].page

    def as_data(self) -> dict[str, Any]:
        """As JSON holds it."""
        cause = CAUSES[self.cause]
        return {
            "cause": self.cause,
            "title": cause.title,
            "where": self.where,
            "proof": list(self.proof),
            "at": self.at.isoformat() if self.at else None,
            "remedy": [{"text": step.text, "command": _filled(step.command, self.names)} for step in cause.remedy],
            "can_be_fixed": bool(cause.fix),
            "page": self.page,
        }


@dataclass(frozen=True)
class Looked:
    """What a probe has looked at."""

    count: int
    what: str


@dataclass(frozen=True)
class NotLooked:
    """What a probe could not look at, and why; the opposite of a pass."""

    what: str
    why: str


Said = Finding | Looked | NotLooked


@dataclass(frozen=True)
class Report:
    """All that was found."""

    findings: tuple[Finding, ...]
    looked: tuple[Looked, ...]
    not_looked: tuple[NotLooked, ...]

    @property
    def exit_code(self) -> int:
        """0 nothing wrong, 1 something found, 2 nothing found and not everything could be looked at."""
        if self.findings:
            return 1
        return 2 if self.not_looked else 0

    def as_data(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "findings": [finding.as_data() for finding in self.findings],
            "looked_at": [{"what": one.what, "count": one.count} for one in self.looked],
            "not_looked_at": [{"what": one.what, "why": one.why} for one in self.not_looked],
        }


def reported(said: Iterable[Said]) -> Report:
    """What was said, by its kind."""
    kept = list(said)
    return Report(
        tuple(one for one in kept if isinstance(one, Finding)),
        tuple(one for one in kept if isinstance(one, Looked)),
        tuple(one for one in kept if isinstance(one, NotLooked)),
    )


def safe(text: str) -> str:
    """One line of somebody else's words, without secrets and personal values, and not too long."""
    line = _PERSONAL.sub("…", _SECRET.sub("…", " ".join(text.split())))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _filled(command: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\b[A-Z][A-Z_]+\b", lambda found: names.get(found[0], found[0]), command)
