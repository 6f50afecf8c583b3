"""Every kind of check to and from a plain mapping, such as `{check: between, column: amount, minimum: 0}`.

The keys are the fields of the kinds in `kinds`; what has its default is left out. Values that JSON lacks stand in a
mapping of one key: `{date: 2026-01-31}`, `{timestamp: …}`, `{decimal: "0.10"}`, `{float: nan}`. Where such a mapping
stands in a document belongs in `convert`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from dataeng_assets.contracts.checks import kinds
from dataeng_assets.contracts.checks.kinds import Check
from dataeng_assets.contracts.errors import did_you_mean


class CheckRefused(ValueError):
    """A mapping is no check.

    Attributes:
        key: where in the mapping; empty for the mapping as a whole.
        found: what stands there.
        allowed: what may stand there.
    """

    def __init__(self, key: str, found: object, allowed: str) -> None:
        self.key, self.allowed = key, allowed
        self.found = "nothing" if found is None else found if isinstance(found, str) else repr(found)
        super().__init__(f"{key or 'check'}: found {self.found}; allowed: {allowed}")


def kind_name(kind: type[Check]) -> str:
    """`not_null` for `NotNull`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


KINDS: Mapping[str, type[Check]] = MappingProxyType({kind_name(kind): kind for kind in get_args(Check)})
"""Every kind of check by its name."""

_WORDS: Mapping[tuple[type[Check], str], tuple[str, ...]] = MappingProxyType(
    {
        (kinds.DistinctValues, "relation"): ("within", "contains", "equals"),
        (kinds.Reconciles, "measure"): ("row_count", "sum", "hash"),
    }
)
_NOT_FINITE = ("nan", "inf", "-inf")


def as_mapping(check: Check) -> dict[str, Any]:
    """The mapping of a check: plain values that JSON and YAML hold without loss."""
    return {"check": kind_name(type(check)), **_said(check)}


def from_mapping(said: Mapping[str, Any]) -> Check:
    """The check of a mapping.

    Raises:
        CheckRefused: an unknown kind or key, a key that is missing, or a value of another type.
    """
    name = said.get("check")
    if not isinstance(name, str) or name not in KINDS:
        hint = did_you_mean(name, list(KINDS)) if isinstance(name, str) else ""
        raise CheckRefused("check", name, f"one of {', '.join(KINDS)}{hint}")
    kind = KINDS[name]
    made: Check = _made(kind, {key: value for key, value in said.items() if key != "check"}, "")
    for (owner, key), words in _WORDS.items():
        if kind is owner and getattr(made, key) not in words:
            raise CheckRefused(key, getattr(made, key), f"one of {', '.join(words)}")
    return made


def plain(value: Any) -> Any:
    """A value of a check as JSON and YAML hold it."""
    if is_dataclass(value):
        return _said(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def scalar(value: Any, key: str = "") -> Any:
    """The reverse of `plain` for a single value.

    Raises:
        CheckRefused: it is a list, or a mapping of no known kind of value.
    """
    if not isinstance(value, Mapping):
        if value is None or isinstance(value, str | int | float | date | Decimal):
            return value
        raise CheckRefused(key, value, "a text, a number, true or false")
    (word, text), *more = [*value.items(), ("", "")] if value else [("", "")]
    readers = {"decimal": _decimal, "timestamp": datetime.fromisoformat, "date": date.fromisoformat, "float": _float}
    if len(more) != 1 or word not in readers:
        raise CheckRefused(key, dict(value), f"a single value, or one of {', '.join(readers)} with its text")
    try:
        return readers[word](str(text))
    except (ValueError, InvalidOperation):
        raise CheckRefused(key, text, f"a {word}") from None


def _said(value: Any) -> dict[str, Any]:
    return {
        field.name: plain(getattr(value, field.name))
        for field in fields(value)
        if field.default is MISSING or getattr(value, field.name) != field.default
    }


def _made(kind: type[Any], said: Mapping[str, Any], at: str) -> Any:
    hints, known = get_type_hints(kind), {field.name: field for field in fields(kind)}
    for key in said:
        if key not in known:
            names = list(known)
            near = did_you_mean(str(key), names)
            raise CheckRefused(f"{at}{key}", f"an unknown key {key!r}", f"{', '.join(names)}{near}")
    missing = [name for name, field in known.items() if _is_needed(field) and name not in said]
    if missing:
        raise CheckRefused(f"{at}{missing[0]}", None, "a value; it has no default")
    return kind(**{key: _read(hints[key], value, f"{at}{key}") for key, value in said.items()})


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _read(hint: Any, value: Any, key: str) -> Any:
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), value, key)
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    nested: list[Any] = [one for one in options if is_dataclass(one)]
    if nested and isinstance(value, Mapping):
        return _made(nested[0], value, f"{key}.")
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        if value not in list(hint):
            hint_words = [str(word.value) for word in hint]
            near = did_you_mean(str(value), hint_words)
            raise CheckRefused(key, value, f"one of {', '.join(hint_words)}{near}")
        return hint(value)
    value = scalar(value, key)
    if type(value) is int and float in options and int not in options:
        value = float(value)
    if type(value) not in options and not (value is None and NoneType in options):
        raise CheckRefused(key, value, _wanted(options))
    return value


def _tuple(items: tuple[Any, ...], value: Any, key: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise CheckRefused(key, value, "a list")
    if items[-1] is Ellipsis:
        return tuple(_read(items[0], item, f"{key}[{i}]") for i, item in enumerate(value))
    if len(value) != len(items):
        raise CheckRefused(key, list(value), f"a list of {len(items)}")
    return tuple(_read(hint, item, f"{key}[{i}]") for i, (hint, item) in enumerate(zip(items, value, strict=True)))


def _wanted(options: tuple[Any, ...]) -> str:
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Decimal: "a decimal"}
    said = [words.get(one, getattr(one, "__name__", str(one))) for one in options if one is not NoneType]
    return " or ".join(said)


def _decimal(text: str) -> Decimal:
    return Decimal(text)


def _float(text: str) -> float:
    if text not in _NOT_FINITE:
        raise ValueError(text)
    return float(text)
