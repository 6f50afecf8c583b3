"""The promises below `slaProperties` of an ODCS document: freshness is measured, the others are told."""

import math
from collections.abc import Mapping
from types import MappingProxyType

from open_data_contract_standard.model import SchemaObject, ServiceLevelAgreementProperty

from dataeng_assets.contracts.checks.kinds import Measure, Metric
from dataeng_assets.contracts.checks.rule import Bounds
from dataeng_assets.contracts.convert.odcs_findings import Aside, Findings
from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.plain import Place

PROMISE = "a promise for people; it is told, and not measured"
"""Why a promise other than freshness is not executed."""

NO_ELEMENT = "name the column that says how new a row is as `element`"
"""Why a freshness is not executed."""

_FRESHNESS = ("latency", "freshness", "ly")
_SECONDS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
        **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
        **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
        **dict.fromkeys(("d", "day", "days"), 86400),
        **dict.fromkeys(("w", "wk", "week", "weeks"), 7 * 86400),
    }
)


def is_freshness(sla: ServiceLevelAgreementProperty) -> bool:
    """Whether it says how old the newest data may be: the standard's word is latency."""
    return (sla.property or "").strip().lower() in _FRESHNESS


def age_of(document: Document, sla: ServiceLevelAgreementProperty, at: Place) -> float | int:
    """The greatest age in seconds.

    Raises:
        ContractError: it is no number above 0, or has no unit that is known.
    """
    value = sla.value
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value <= 0:
        raise document.error((*at, "value"), value, "a number above 0")
    seconds = _SECONDS.get((sla.unit or "").strip().lower())
    if seconds is None:
        raise document.error((*at, "unit"), sla.unit, "one of s, min, h, d, w")
    return value * seconds


def hours_of(seconds: float) -> float | int:
    """Seconds in hours, whole where they are."""
    hours = seconds / 3600
    return int(hours) if hours.is_integer() else hours


def read_sla(findings: Findings, table: SchemaObject) -> dict[str, str]:
    """Take up the promises about one table; those that are not measured, by name and in words.

    Raises:
        ContractError: a freshness that is no age, or whose column there is not.
    """
    document = findings.document
    told: dict[str, str] = {}
    for position, sla in enumerate(document.odcs.slaProperties or []):
        at = ("slaProperties", position)
        columns = _columns(document, sla, table)
        if columns is None:
            if table is (document.odcs.schema_ or [])[0] and not _is_about_any(document, sla):
                findings.leave(
                    (*at, "element"), f"{sla.property}: {_words(sla)}", f"no {sla.element or 'element'} here"
                )
            continue  # about another table
        if not is_freshness(sla):
            name, words = (sla.property or "").strip(), _words(sla)
            told[name] = f"{told[name]}; {words}" if name in told else words
            findings.leave(at, f"{name}: {words}", PROMISE)
            continue
        hours = hours_of(age_of(document, sla, at))
        if not columns:
            findings.leave(
                at, f"{sla.property}: {_words(sla)}", "name the column that says how new a row is as `element`"
            )
        for column in columns:
            aside = Aside(bounds=Bounds(upper=hours), description=(sla.description or "").strip())
            findings.demand((*at, "element"), Measure(Metric.HOURS_OLD, column), aside)
    return told


def _words(sla: ServiceLevelAgreementProperty) -> str:
    return " ".join(str(part) for part in (sla.value, sla.valueExt, sla.unit) if part is not None)


def _is_about_any(document: Document, sla: ServiceLevelAgreementProperty) -> bool:
    return any(_columns(document, sla, one) is not None for one in document.odcs.schema_ or [])


def _columns(document: Document, sla: ServiceLevelAgreementProperty, table: SchemaObject) -> tuple[str, ...] | None:
    """The columns of this table that are named; empty when the promise is about all, None when about others."""
    said = sla.element or (document.odcs.slaDefaultElement if is_freshness(sla) else None)
    if not said or not said.strip():
        return ()
    tables = [one.name for one in document.odcs.schema_ or []]
    found, is_ours = [], False
    for element in (part.strip() for part in said.split(",")):
        name, dot, column = element.partition(".")
        if element == table.name or (dot and name == table.name):
            is_ours = True
            found += [column] if dot else []
        elif element not in tables and (not dot or name not in tables) and len(tables) == 1:
            is_ours = True
            found.append(element)
    return tuple(found) if is_ours else None
