"""Lengths of time as documents write them: ISO 8601, in days or less."""

import re
from datetime import timedelta

from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.plain import Place

_DURATION = re.compile(r"P(?=.)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def duration(document: Document, place: Place, value: object) -> timedelta:
    """The length that stands at a place.

    Raises:
        ContractError: it is none.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise document.error(place, value, "an ISO 8601 duration in days or less, such as PT10M")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def duration_text(length: timedelta) -> str:
    """ISO 8601, such as P1D, PT10M or PT0S."""
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{length.microseconds:06}".rstrip("0") if length.microseconds else ""
    parts = ((hours, f"{hours}H"), (minutes, f"{minutes}M"), (seconds or fraction, f"{seconds}{fraction}S"))
    days, time = f"{length.days}D" if length.days else "", "".join(text for value, text in parts if value)
    return f"P{days}{'T' if time else ''}{time}" if days or time else "PT0S"
