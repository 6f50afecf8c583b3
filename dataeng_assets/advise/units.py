"""Lengths of time, sizes and rates as people write them: `5s`, `100 ms`, `50GB`, `2TB/day`."""

import re

SECOND, MINUTE, HOUR, DAY, YEAR = 1.0, 60.0, 3600.0, 86_400.0, 31_536_000.0
KB, MB, GB, TB, PB = 1e3, 1e6, 1e9, 1e12, 1e15

_TIMES = {
    "ms": SECOND / 1000, "s": SECOND, "sec": SECOND, "second": SECOND, "m": MINUTE, "min": MINUTE, "minute": MINUTE,
    "h": HOUR, "hour": HOUR, "d": DAY, "day": DAY, "w": 7 * DAY, "week": 7 * DAY, "y": YEAR, "year": YEAR,
}  # fmt: skip
_SIZES = {"b": 1.0, "kb": KB, "mb": MB, "gb": GB, "tb": TB, "pb": PB}
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)\s*", re.IGNORECASE)
_SHOWN_TIMES = (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND), ("ms", SECOND / 1000))
_SHOWN_SIZES = (("PB", PB), ("TB", TB), ("GB", GB), ("MB", MB), ("kB", KB), ("B", 1.0))


class UnitUnknown(ValueError):
    """A text is no quantity of the kind that is asked for; says which forms are."""


def seconds(text: str) -> float:
    """The seconds of a length of time above zero.

    Raises:
        UnitUnknown: it is none.
    """
    return _quantity(text, _TIMES, "a length of time such as 100ms, 5s, 15min, 2h or 7d")


def size_bytes(text: str) -> float:
    """The bytes of a size above zero; units are decimal, 1 GB is 1,000,000,000 bytes.

    Raises:
        UnitUnknown: it is none.
    """
    return _quantity(text, _SIZES, "a size such as 500MB, 50GB or 2TB")


def bytes_per_day(text: str) -> float:
    """The bytes per day of a rate above zero.

    Raises:
        UnitUnknown: it is none.
    """
    form = "a rate such as 10MB/s, 5GB/hour or 2TB/day"
    amount, slash, per = text.partition("/")
    factor = _TIMES.get(_singular(per))
    if not slash or factor is None:
        raise UnitUnknown(f"{text.strip()!r} is not {form}.")
    try:
        return size_bytes(amount) * DAY / factor
    except UnitUnknown:
        raise UnitUnknown(f"{text.strip()!r} is not {form}.") from None


def time_text(length: float) -> str:
    """A length of time in the largest unit that it has at least one of."""
    return _shown(length, _SHOWN_TIMES)


def size_text(size: float) -> str:
    """A size in the largest unit that it has at least one of."""
    return _shown(size, _SHOWN_SIZES)


def rate_text(rate: float) -> str:
    """A rate in bytes per day."""
    return f"{size_text(rate)}/day"


def _quantity(text: str, units: dict[str, float], form: str) -> float:
    match = _NUMBER.fullmatch(text)
    factor = units.get(_singular(match[2])) if match else None
    if match is None or factor is None or not float(match[1]):
        raise UnitUnknown(f"{text.strip()!r} is not {form}.")
    return float(match[1]) * factor


def _singular(unit: str) -> str:
    plain = unit.strip().lower()
    return plain[:-1] if len(plain) > 3 and plain.endswith("s") else plain


def _shown(amount: float, units: tuple[tuple[str, float], ...]) -> str:
    name, factor = next((one for one in units if amount >= one[1] * (1 - 1e-9)), units[-1])
    return f"{round(amount / factor, 2):g} {name}"
