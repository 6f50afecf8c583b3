"""The forms of texts that a contract may name, each as a DuckDB condition on a text that is there.

A form says how a text is written, never whether what it names exists.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from dataeng_assets.contracts.checks.sql import literal

_DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})*"
_BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_BYTE}(\.{_BYTE}){{3}}"
_H16 = r"[0-9A-Fa-f]{1,4}"
_LS32 = rf"({_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(
    [
        rf"({_H16}:){{6}}{_LS32}",
        rf"::({_H16}:){{5}}{_LS32}",
        *(rf"(({_H16}:){{0,{n}}}{_H16})?::({_H16}:){{{4 - n}}}{_LS32}" for n in range(4)),
        rf"(({_H16}:){{0,4}}{_H16})?::{_LS32}",
        rf"(({_H16}:){{0,5}}{_H16})?::{_H16}",
        rf"(({_H16}:){{0,6}}{_H16})?::",
    ]
)
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"


def _written(pattern: str) -> Callable[[str], str]:
    return lambda text: f"regexp_full_match({text}, {literal(pattern)})"


def _date(text: str) -> str:
    return f"(regexp_full_match({text}, {literal(_DATE)}) and try_cast({text} as date) is not null)"


def _moment(text: str) -> str:
    pattern = rf"{_DATE}[Tt]{_CLOCK}{_ZONE}"
    return f"(regexp_full_match({text}, {literal(pattern)}) and try_cast({text}[:10] as date) is not null)"


FORMATS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "uuid": _written(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        "email": _written(rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+"),
        "date": _date,
        "time": _written(rf"{_CLOCK}({_ZONE})?"),
        "date-time": _moment,
        "duration": _written(r"P([0-9]+W|([0-9]+Y)?([0-9]+M)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?)"),
        "hostname": _written(_HOST),
        "ipv4": _written(_IPV4),
        "ipv6": _written(_IPV6),
        "uri": _written(_URI),
        "json": lambda text: f"json_valid({text})",
        "date-or-time": lambda text: (
            f"(try_cast({text} as timestamptz) is not null or try_cast({text} as date) is not null)"
        ),
        "integer": _written(r"[+-]?[0-9]+"),
        "number": _written(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"),
    }
)
"""Condition by name; the names are those of JSON Schema where it has one."""


def format_sql(name: str, text: str) -> str:
    """The condition for a format's name, or for a strftime pattern such as `%d.%m.%Y`.

    Raises:
        KeyError: it is neither; names the formats.
    """
    if "%" in name:
        return f"try_strptime({text}, {literal(name)}) is not null"
    if name not in FORMATS:
        raise KeyError(f"no format {name!r}; there are {', '.join(FORMATS)}, and strftime patterns such as %d.%m.%Y")
    return FORMATS[name](text)
