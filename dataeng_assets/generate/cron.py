"""Cron expressions of five fields, in UTC: what is wrong with one, and an example of a right one."""

import re
from dataclasses import dataclass

from dataeng_assets.generate.request import RequestRefused

_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)


def checked_cron(given: str) -> str:
    """The expression, with one space between its fields.

    Raises:
        RequestRefused: it is none, or names a day that never comes; says what is wrong, with an example.
    """
    fields = given.split()
    if len(fields) == 1 and fields[0].startswith("@"):
        said = _SHORT.get(fields[0].lower())
        raise _refused(given, "short names differ between schedulers", f"write {said!r}" if said else "")
    if len(fields) != len(_FIELDS):
        raise _refused(given, f"it has {len(fields)} fields and not 5")
    values = [_values(given, text, field) for text, field in zip(fields, _FIELDS, strict=True)]
    days, months, weekdays = values[2], values[3], fields[4]
    if weekdays == "*" and min(days) > max(_LONGEST[month - 1] for month in months):
        raise _refused(given, f"day {min(days)} never comes in the months that it names")
    return " ".join(fields)


def _values(given: str, text: str, field: _Field) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if not match:
            raise _refused(given, f"{part!r} is no {field.name}")
        every, first, last, step = match.groups()
        start = field.lowest if every else _number(given, first, field)
        end = field.highest if every or (step and not last) else _number(given, last or first, field)
        if start > end:
            raise _refused(given, f"the {field.name} {part!r} runs backwards")
        if step == "0":
            raise _refused(given, f"the step of the {field.name} {part!r} is nothing")
        found.update(range(start, end + 1, int(step or 1)))
    return found


def _number(given: str, text: str, field: _Field) -> int:
    name = text.lower()
    value = int(text) if text.isdecimal() else field.names.index(name) + field.lowest if name in field.names else -1
    if not field.lowest <= value <= field.highest:
        raise _refused(given, f"the {field.name} {text!r} lies outside {field.lowest} to {field.highest}")
    return value


def _refused(given: str, what: str, instead: str = "") -> RequestRefused:
    fields = "minute, hour, day of the month, month, day of the week, in UTC"
    return RequestRefused(
        f"--schedule {given!r} cannot be used: {what}. "
        f"{instead or 'An example'}{'' if instead else ': `0 5 * * *`, each day at 5'} ({fields})."
    )
