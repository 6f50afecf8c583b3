"""What a probe says, by its kind, and what the fixtures give."""

from collections.abc import Callable, Iterable

from dataeng_assets.doctor.finding import Finding, NotLooked, Said
from dataeng_assets.doctor.scope import Scope

ScopeOf = Callable[..., Scope]


def found(said: Iterable[Said]) -> list[tuple[str, str]]:
    """Cause and place of each finding."""
    return [(one.cause, one.where) for one in said if isinstance(one, Finding)]


def causes(said: Iterable[Said]) -> set[str]:
    return {one.cause for one in said if isinstance(one, Finding)}


def proof(said: Iterable[Said]) -> str:
    return "\n".join(line for one in said if isinstance(one, Finding) for line in one.proof)


def missed(said: Iterable[Said]) -> str:
    return "\n".join(f"{one.what}: {one.why}" for one in said if isinstance(one, NotLooked))
