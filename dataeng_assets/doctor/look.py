"""Looking: each probe in its turn, and what one of them cannot do is named and keeps no other from its work."""

from collections.abc import Callable, Iterable, Iterator

from dataeng_assets.doctor.finding import Finding, NotLooked, Report, Said, reported, safe
from dataeng_assets.doctor.probes import PROBES, Probe
from dataeng_assets.doctor.scope import Scope

Notice = Callable[[str], None]


def look(scope: Scope, notice: Notice, probes: Iterable[Probe] = PROBES) -> Report:
    """Look at everything in scope.

    Args:
        scope: where.
        notice: is told what is being looked at, before it is.
        probes: what looks.
    """
    said: list[Said] = []
    for probe in probes:
        notice(probe.what)
        said += _guarded(probe, scope)
    return reported(one for one in said if not isinstance(one, Finding) or scope.concerns(one.concerns))


def _guarded(probe: Probe, scope: Scope) -> Iterator[Said]:
    try:
        yield from probe.look(scope)
    except Exception as error:  # noqa: BLE001  # whatever breaks one probe is told, and the others still look
        yield NotLooked(probe.what, safe(f"{type(error).__name__}: {error}"))
