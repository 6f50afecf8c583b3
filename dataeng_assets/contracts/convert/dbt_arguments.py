"""The arguments and settings of one dbt test: taken by name, so that none is left unread; no Jinja is rendered."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from dataeng_assets.contracts.checks.rule import NONE, Bounds, Severity
from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.contracts.convert.arguments import NamedArguments
from dataeng_assets.contracts.convert.patterns import PatternRefused, re2
from dataeng_assets.contracts.plain import Place, Plain, shortened

_JINJA = re.compile(r"\{\{|\{%|\{#")
_RELATION = re.compile(
    r"""(?:\{\{\s*)?(ref|source)\(\s*['"]([\w.]+)['"]\s*(?:,\s*['"]([\w.]+)['"]\s*)?(?:,\s*v(?:ersion)?\s*=\s*\w+\s*)?\)(?:\s*\}\})?"""
)
_LITERAL_TIME = re.compile(r"(?i)(date|timestamp(?:tz)?)\s+'([^']+)'|'(\d{4}-\d{2}-\d{2}(?:[ T][\d:.+-]+)?)'")
_HARMLESS = {
    "severity", "tags", "enabled", "limit", "store_failures", "store_failures_as", "meta", "database", "schema",
    "alias", "group", "docs", "description", "sql_header",
}  # fmt: skip
"""Settings that do not change what is demanded (or are read where they do)."""
_CONDITION = re.compile(r"\s*(!=|<>|==?|<=?|>=?)\s*(\d+)\s*$|\s*between\s+(\d+)\s+and\s+(\d+)\s*$", re.IGNORECASE)


class NotSaid(Exception):
    """A test that has no rule; the message is the reason."""


class TestArguments(NamedArguments):
    """What one test says.

    Attributes:
        column: the column below which it stands; empty for one of the table.
    """

    __test__ = False

    def __init__(self, plain: Plain, place: Place, said: Mapping[str, Any], column: str) -> None:
        super().__init__(plain, place)
        self._said = dict(said)
        self.column = plain_column(str(self._said.pop("column_name", column)))
        self._unread = set(self._said)

    def get(self, name: str, default: Any = None) -> Any:
        """An argument's value.

        Raises:
            NotSaid: it holds Jinja.
        """
        self._unread.discard(name)
        value = self._said.get(name)
        if _JINJA.search(str(value)):
            raise NotSaid(f"{name} holds Jinja, which dbt alone renders; write the value down")
        return default if value is None else value

    @property
    def where(self) -> str:
        """The rows that a test of dbt-expectations judges: SQL, unlike in GX."""
        return str(self.get("row_condition", ""))

    @property
    def one_column(self) -> str:
        """The column that is judged.

        Raises:
            ContractError: the test stands below the table and names none.
        """
        if not self.column:
            raise self._plain.error(self._place, "a test without a column", "the test below a column, or column_name")
        return self.column

    def texts(self, name: str, *, default: list[str] | None = None) -> tuple[str, ...]:
        """Names of columns."""
        value = self.get(name, default)
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._plain.error((*self._place, name), shortened(value), "a list of columns")
        return tuple(plain_column(one) for one in value)

    def values(self, name: str) -> tuple[Any, ...]:
        """Values that are not NULL."""
        value = self.need(name, list, "a list of values")
        if any(isinstance(one, dict | list) for one in value):
            raise self._plain.error((*self._place, name), shortened(value), "a list of texts, numbers, dates")
        return tuple(one for one in value if one is not None)

    def table(self, name: str) -> str:
        """The other table, from `ref('x')`, `source('a', 'b')` or a plain name.

        Raises:
            NotSaid: it is something that only dbt resolves.
        """
        self._unread.discard(name)
        said = str(self._said.get(name, ""))
        found = _RELATION.fullmatch(said.strip())
        if found:
            last = found[3] or found[2]
            return f"{found[2]}.{found[3]}" if found[1] == "source" and found[3] else last
        if re.fullmatch(r"[\w.]+", said):
            return said
        raise NotSaid(f"{name} is {said or 'missing'}, which dbt alone resolves; write ref('…') or source('…', '…')")

    def pattern(self, text: Any) -> str:
        """A regular expression with its flags as RE2 takes it.

        Raises:
            NotSaid: RE2 refuses it.
        """
        flags = str(self.get("flags", "")).replace("g", "")
        try:
            return re2(f"(?{flags}){text}" if flags else str(text))
        except PatternRefused as refused:
            raise NotSaid(str(refused)) from None

    def bound(self, name: str) -> Any:
        """A bound: a number, a date or time when it is written as one, else an SQL expression."""
        value = self.get(name)
        found = _LITERAL_TIME.fullmatch(value.strip()) if isinstance(value, str) else None
        if not found:
            return value
        text = found[2] or found[3]
        try:
            return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
        except ValueError:
            return value

    @property
    def name(self) -> str:
        """The test's name in quotes, for SQL."""
        return quoted(self.one_column)

    def finish(self) -> None:
        """Refuse what was not read.

        Raises:
            NotSaid: an argument that nobody here knows may change what is demanded.
        """
        if self._unread:
            raise NotSaid(f"its argument {', '.join(sorted(self._unread))} is not known")


def plain_column(name: str) -> str:
    """A column's name without the quotes of SQL."""
    bare = re.fullmatch(r'"(.*)"|`(.*)`', name)
    return (bare[1] or bare[2] or "").replace('""', '"') if bare else name


def outcomes(config: Mapping[str, Any]) -> list[tuple[Severity, Bounds]]:
    """What `severity`, `error_if` and `warn_if` make of a number of failing rows.

    Raises:
        NotSaid: a condition that is none, or failures that are not counted as rows.
    """
    if str(config.get("fail_calc", "count(*)")).replace(" ", "") != "count(*)":
        raise NotSaid("its fail_calc is not the number of rows")
    unknown = set(config) - _HARMLESS - {"where", "error_if", "warn_if", "fail_calc", "name"}
    if unknown:
        raise NotSaid(f"its setting {', '.join(sorted(unknown))} is not known")
    warned = _bounds(config.get("warn_if"))
    if str(config.get("severity", "error")).lower() == "warn":
        return [(Severity.WARNING, warned)]
    failed = _bounds(config.get("error_if"))
    found = [(Severity.ERROR, failed)]
    return found if failed == warned else [*found, (Severity.WARNING, warned)]


def _bounds(condition: Any) -> Bounds:
    """The numbers of failures that are fine: those for which the condition is false."""
    if condition is None:
        return NONE
    found = _CONDITION.fullmatch(str(condition))
    if not found:
        raise NotSaid(f"its condition {condition!r} is none that dbt knows")
    if found[3]:
        return Bounds(lower=int(found[3]), upper=int(found[4]), excluded=True)
    sign, number = found[1], int(found[2])
    if sign in ("!=", "<>"):
        return NONE if number == 0 else Bounds(lower=number, upper=number)
    if sign in ("=", "=="):
        return Bounds(lower=number, upper=number, excluded=True)
    if sign.startswith(">"):
        return Bounds(upper=number, upper_open=sign == ">=") if sign == ">=" or number else NONE
    return Bounds(lower=number, lower_open=sign == "<=")
