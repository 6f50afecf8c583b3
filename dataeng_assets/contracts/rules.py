"""The rules of one column, from every form in which ODCS writes them. Applying them belongs to whoever checks data."""

from typing import Any

from open_data_contract_standard.model import DataQuality, SchemaProperty

from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.model import AcceptedValues, NotNull, Range, Rule, Unique
from dataeng_assets.contracts.plain import Place
from dataeng_assets.contracts.types import ColumnType

_METRICS = ["duplicateValues", "invalidValues", "nullValues"]
_DESCRIBES = {"id", "name", "description", "dimension", "businessImpact", "tags", "customProperties"}
_DECIDES = {"type", "metric", "arguments", "mustBe"}
_NUMBERS = ("integer", "float", "decimal")


def read_rules(document: Document, prop: SchemaProperty, kind: ColumnType, at: Place) -> tuple[Rule, ...]:
    """The rules of a column, each once: `required`, `unique`, `enum`, `logicalTypeOptions` and `quality`.

    Raises:
        ContractError: a rule that is not understood, or that does not fit the column's type. None is passed over.
    """
    rules: list[Rule] = []
    if prop.required:
        rules.append(NotNull())
    if prop.unique:
        rules.append(Unique())
    if prop.enum:
        rules.append(AcceptedValues(labels(document, prop, at)))
    if prop.logicalTypeOptions:
        rules.append(_range(document, prop.logicalTypeOptions, kind, (*at, "logicalTypeOptions")))
    for position, quality in enumerate(prop.quality or []):
        rules.append(_quality(document, quality, kind, (*at, "quality", position)))
    values = (*at, "enum" if prop.enum else "quality")
    if any(isinstance(rule, AcceptedValues) for rule in rules) and (kind.element or kind).family != "text":
        raise document.error(values, f"accepted values for {kind.kind}", "accepted values for columns that hold text")
    return tuple(dict.fromkeys(rules))


def labels(document: Document, prop: SchemaProperty, at: Place) -> tuple[str, ...]:
    """The values of a column's `enum`, in order.

    Raises:
        ContractError: one is no text (YAML reads a bare `no` as false) or stands there twice.
    """
    return _texts(document, [value.value for value in prop.enum or []], (*at, "enum"))


def _range(document: Document, options: dict[str, Any], kind: ColumnType, at: Place) -> Range:
    allowed = ["minimum", "maximum"]
    for name, value in options.items():
        if name not in allowed:
            raise document.error(
                (*at, name),
                f"an option {name!r} that is not checked",
                f"minimum and maximum{did_you_mean(name, allowed)}",
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or kind.family not in _NUMBERS:
            raise document.error((*at, name), f"{value!r} for {kind.kind}", "a number, for a column of numbers")
    return Range(options.get("minimum"), options.get("maximum"))


def _quality(document: Document, quality: DataQuality, kind: ColumnType, at: Place) -> Rule:
    said = {name for name in quality.model_fields_set if getattr(quality, name) is not None}
    unknown = sorted(said - _DESCRIBES - _DECIDES)
    if unknown:
        raise document.error((*at, unknown[0]), f"{unknown[0]}, which is not checked", ", ".join(sorted(_DECIDES)))
    if quality.type not in (None, "library"):
        raise document.error((*at, "type"), quality.type, "library")
    if quality.metric not in _METRICS:
        hint = did_you_mean(quality.metric or "", _METRICS)
        raise document.error((*at, "metric"), quality.metric, f"one of {', '.join(_METRICS)}{hint}")
    if quality.mustBe != 0 or isinstance(quality.mustBe, bool):
        raise document.error((*at, "mustBe"), quality.mustBe, "0: not one row may break the rule")
    arguments = dict(quality.arguments or {})
    if quality.metric != "invalidValues":
        if arguments:
            raise document.error((*at, "arguments"), arguments, f"none for {quality.metric}")
        return NotNull() if quality.metric == "nullValues" else Unique()
    place = (*at, "arguments")
    if set(arguments) == {"validValues"}:
        return AcceptedValues(_texts(document, arguments["validValues"], (*place, "validValues")))
    if arguments and set(arguments) <= {"minimum", "maximum"}:
        return _range(document, arguments, kind, place)
    raise document.error(place, arguments or None, "validValues, or minimum and maximum")


def _texts(document: Document, values: object, at: Place) -> tuple[str, ...]:
    if not isinstance(values, list) or not values:
        raise document.error(at, values, "a list of texts")
    for position, value in enumerate(values):
        if not isinstance(value, str):
            raise document.error((*at, position), value, "a text; quote what YAML would read as something else")
        if value in values[:position]:
            raise document.error((*at, position), f"{value!r} a second time", "each value once")
    return tuple(values)
