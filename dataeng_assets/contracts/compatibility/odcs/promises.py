"""What a contract promises beside its tables: service levels, owner, version."""

import re
from collections.abc import Iterator, Sequence

from open_data_contract_standard.model import OpenDataContractStandard, ServiceLevelAgreementProperty, Team

from dataeng_assets.contracts.compatibility.verdict import Breaks, Change

_SECONDS = {
    "s": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400,
    "w": 604800, "week": 604800, "y": 31557600, "yr": 31557600, "year": 31557600,
}  # fmt: skip
# a smaller value is the better promise for all but these
_MORE_IS_BETTER = frozenset(("retention", "availability", "throughput", "endofsupport", "endoflife"))
_KNOWN = _MORE_IS_BETTER | {
    "latency", "freshness", "frequency", "errorrate", "timetodetect", "timetonotify", "timetorepair",
    "timeofavailability", "generalavailability",
}  # fmt: skip
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:[-+].*)?")


def sla_changes(old: OpenDataContractStandard, new: OpenDataContractStandard) -> Iterator[Change]:
    """Service levels that were loosened, tightened, added or removed; a looser one breaks those who rely on it."""
    before, now = (
        {(one.property, one.element): one for one in document.slaProperties or []} for document in (old, new)
    )
    for key, one in before.items():
        name = f"{key[0]} of {key[1]}" if key[1] else str(key[0])
        if key not in now:
            yield _loosened("sla_removed", name, f"{name} ({_shown(one)}) is no longer promised")
        elif _amount(one) != _amount(now[key]):
            what = f"{name} was {_shown(one)} and is {_shown(now[key])}"
            if _is_tighter(one, now[key]):
                yield Change("sla_tightened", f"sla.{name}", f"{what}: a better promise breaks nobody")
            else:
                yield _loosened("sla_loosened", name, what)
    for key, one in now.items():
        if key not in before:
            yield Change("sla_added", f"sla.{key[0]}", f"{key[0]} is promised: {_shown(one)}")


def _loosened(kind: str, name: str, what: str) -> Change:
    return Change(
        kind, f"sla.{name}", f"{what}: consumers rely on the better promise", frozenset({Breaks.FORWARD}),
        "agree on a date with the consumers, keep the old promise until then",
    )  # fmt: skip


def _is_tighter(old: ServiceLevelAgreementProperty, new: ServiceLevelAgreementProperty) -> bool:
    was, becomes = _amount(old)[0], _amount(new)[0]
    name = str(old.property).lower()
    if name not in _KNOWN or _amount(old)[1:] != _amount(new)[1:]:
        return False
    comparable = type(was) is type(becomes) or (isinstance(was, float) and isinstance(becomes, float))
    if not comparable or isinstance(was, bool) or was is None or becomes is None:
        return False
    # both are of one type, which is not seen from the comparison of their types above
    return bool(becomes > was) if name in _MORE_IS_BETTER else bool(becomes < was)  # type: ignore[operator]


def _amount(one: ServiceLevelAgreementProperty) -> tuple[float | str | bool | None, str, object]:
    """The value in seconds where it is a time, with its unit where it is none."""
    unit = (one.unit or "").lower()
    seconds = _SECONDS.get(unit) or _SECONDS.get(unit.removesuffix("s"))
    if isinstance(one.value, int | float) and not isinstance(one.value, bool):
        return float(one.value * (seconds or 1)), "" if seconds else unit, one.valueExt
    return one.value, unit, one.valueExt


def _shown(one: ServiceLevelAgreementProperty) -> str:
    return f"{one.value} {one.unit or ''}".strip()


def people_changes(
    old: OpenDataContractStandard, new: OpenDataContractStandard, consumers: tuple[Sequence[str], Sequence[str]]
) -> Iterator[Change]:
    """Who answers for the data, what state it is in, and who relies on it; that breaks nobody and is told."""
    for kind, place, was, becomes in (
        ("owner_changed", "team.name", _owner(old), _owner(new)),
        ("status_changed", "status", old.status, new.status),
    ):
        if was != becomes:
            yield Change(kind, place, f"was {was or 'not said'} and is {becomes or 'not said'}")
    before, now = consumers
    for name in dict.fromkeys([*before, *now]):
        if (name in before) != (name in now):
            happened = "added" if name in now else "removed"
            yield Change(f"consumer_{happened}", "consumers", f"{name} was {happened}")


def _owner(document: OpenDataContractStandard) -> str | None:
    return document.team.name if isinstance(document.team, Team) else None


def version_changes(
    old: OpenDataContractStandard, new: OpenDataContractStandard, changes: Sequence[Change]
) -> Iterator[Change]:
    """Whether the version was raised as semantic versioning demands: major for what breaks, minor for what does not."""
    if not changes:
        return
    was, becomes = (_VERSION.fullmatch(one.version or "") for one in (old, new))
    if not was or not becomes:
        given = new.version if was else old.version
        yield Change("version_not_raised", "version", f"{given!r} is no version of the form 1.2.3, so none can follow")
        return
    major, minor, _ = (int(part) for part in was.groups())
    if any(change.breaks for change in changes):
        due = (major + 1, 0, 0) if major else (0, minor + 1, 0)
        why = "something breaks"
    else:
        due, why = (major, minor + 1, 0), "something was added or told"
    if tuple(int(part) for part in becomes.groups()) < due:
        wanted = ".".join(map(str, due))
        yield Change(
            "version_not_raised", "version", f"was {old.version} and is {new.version}: {why}, so it should be {wanted}"
        )
