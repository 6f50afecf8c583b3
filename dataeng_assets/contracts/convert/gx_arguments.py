"""The arguments of one expectation: taken by name, so that none is left unread."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from dataeng_assets.contracts.checks.rule import NONE, Bounds, Number, Unit
from dataeng_assets.contracts.convert.arguments import NamedArguments
from dataeng_assets.contracts.convert.gx_conditions import NotUnderstood, where_of
from dataeng_assets.contracts.plain import Place, Plain, shortened

_HARMLESS = {
    "result_format", "include_config", "catch_exceptions", "meta", "batch_id", "condition_parser", "notes", "severity",
    "parse_strings_as_datetimes", "output_strftime_format", "allow_cross_type_comparisons", "windows", "table", "auto",
    "profiler_config", "allow_relative_error", "rendered_content", "description", "ignore_row_if",
    "unexpected_rows_query", "interpolate_nan",
}  # fmt: skip
"""They change how GX runs or shows an expectation, not what it demands (or are read where they do)."""


class NotSaid(Exception):
    """An expectation that has no rule; the message is the reason."""


class Arguments(NamedArguments):
    """What one expectation says."""

    def __init__(self, plain: Plain, place: Place, said: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
        super().__init__(plain, place)
        self._parameters = parameters
        self._said = {name: value for name, value in said.items() if value is not None}
        self._unread = set(self._said) - _HARMLESS

    def get(self, name: str, default: Any = None) -> Any:
        """An argument's value, a parameter of the suite in its place.

        Raises:
            NotSaid: the parameter has no value in the document.
        """
        self._unread.discard(name)
        value = self._said.get(name, default)
        if isinstance(value, dict) and "$PARAMETER" in value:
            parameter = value["$PARAMETER"]
            if parameter not in self._parameters:
                raise NotSaid(f"the value of parameter {parameter!r} is known to a run of GX only; write it down")
            return self._parameters[parameter]
        return value

    @property
    def column(self) -> str:
        """The column that is judged."""
        return str(self.need("column", str, "the name of a column"))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are judged together."""
        return tuple(self.texts("column_list"))

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        value = self.need(name, list, "a list of texts")
        if not value or not all(isinstance(one, str) for one in value):
            raise self._plain.error((*self._place, name), shortened(value), "a list of texts")
        return list(value)

    def values(self, name: str = "value_set") -> tuple[Any, ...]:
        """A list of values without NULL, which no set of values judges.

        Raises:
            NotSaid: there is none, as a profiler writes it; or one is no scalar.
        """
        said = self.get(name)
        if said is None:
            raise NotSaid(f"{name} names no value, so nothing is demanded")
        if not isinstance(said, list):
            raise self._plain.error((*self._place, name), shortened(said), "a list of values")
        if any(isinstance(value, dict | list) for value in said):
            raise NotSaid(f"{name} holds objects or lists, which no column of a table has")
        return tuple(self._moment(value) for value in said if value is not None)

    def range(self, low: str = "min_value", high: str = "max_value") -> tuple[Any, Any, bool, bool]:
        """Lowest, highest, and whether each is open.

        Raises:
            NotSaid: there is no bound.
            ContractError: no value lies between them.
        """
        least, most = _alike(self._moment(self.get(low)), self._moment(self.get(high)))
        is_open = bool(self.get("strict_min", False)), bool(self.get("strict_max", False))
        if least is None and most is None:
            raise NotSaid("neither bound has a value, so nothing is demanded")
        try:
            is_empty = least is not None and most is not None and (least > most or (least == most and any(is_open)))
        except TypeError:
            raise self._plain.error((*self._place, low), f"{least!r} to {most!r}", "bounds of one kind") from None
        if is_empty:
            raise self._plain.error((*self._place, low), f"{least} to {most}", "bounds between which a value lies")
        return least, most, *is_open

    def bounds(self, low: str = "min_value", high: str = "max_value") -> Bounds:
        """The range of a number.

        Raises:
            NotSaid: the bounds are no numbers.
        """
        least, most, least_open, most_open = self.range(low, high)
        if any(isinstance(bound, bool) or not isinstance(bound, int | float | None) for bound in (least, most)):
            raise NotSaid("its bounds are no numbers")
        return Bounds(least, most, least_open, most_open)

    @property
    def tolerance(self) -> Bounds:
        """How many rows may break it, from `mostly`."""
        mostly = self.get("mostly", 1)
        if isinstance(mostly, bool) or not isinstance(mostly, int | float) or not 0 <= mostly <= 1:
            raise self._plain.error((*self._place, "mostly"), shortened(mostly), "a share from 0 to 1")
        return NONE if mostly == 1 else Bounds(upper=percent_left(mostly), unit=Unit.PERCENT)

    @property
    def where(self) -> str:
        """The rows that are judged.

        Raises:
            NotSaid: the condition is not understood.
        """
        try:
            return where_of(self.get("row_condition"))
        except NotUnderstood as reason:
            raise NotSaid(f"its row_condition is not understood: {reason}") from None

    def ignored_rows(self, default: str) -> str:
        """Which rows are left out because values are missing: `any`, `all` or `never`."""
        said = str(self.get("ignore_row_if", default))
        return "never" if said in ("neither", "never") else "any" if said.startswith(("any", "either")) else "all"

    def finish(self) -> None:
        """Refuse what was not read.

        Raises:
            NotSaid: an argument that nobody here knows may change what is demanded.
        """
        if self._unread:
            raise NotSaid(f"its argument {', '.join(sorted(self._unread))} is not known")

    def _moment(self, value: Any) -> Any:
        if not (isinstance(value, str) and self._said.get("parse_strings_as_datetimes")):
            return value
        try:
            return date.fromisoformat(value) if len(value) == len("2026-01-31") else datetime.fromisoformat(value)
        except ValueError:
            raise NotSaid(f"{value!r} is no date or time in ISO 8601") from None


def _alike(least: Any, most: Any) -> tuple[Any, Any]:
    """A day beside a moment is its first moment."""
    if isinstance(least, datetime) != isinstance(most, datetime):
        least, most = (datetime.combine(one, time()) if type(one) is date else one for one in (least, most))
    return least, most


def percent_left(share: float) -> Number:
    """What is left of 100 percent, exactly: 5 for 0.95."""
    left = 100 - Decimal(str(share)) * 100
    return int(left) if left == left.to_integral_value() else left.normalize()
