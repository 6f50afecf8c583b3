"""Engines whose checks may stand in an ODCS document as `type: custom`, and who reads them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.convert.great_expectations import read_great_expectations
from dataeng_assets.contracts.convert.odcs_quality import CustomEngine
from dataeng_assets.contracts.errors import ContractError


def _expectation(said: Any, column: str) -> Iterable[Rule]:
    """The rules of one expectation of Great Expectations: `{type: expect_…, kwargs: {…}}`.

    Raises:
        ValueError: it is none, or is not executed; says why.
    """
    if not isinstance(said, Mapping):
        reason = "an expectation of Great Expectations is a mapping with type and kwargs"
        raise ValueError(reason)  # noqa: TRY004 - it is the document that is wrong
    kwargs = dict(said.get("kwargs") or {})
    if column and str(said.get("type") or said.get("expectation_type")).startswith("expect_column_"):
        kwargs.setdefault("column", column)
    try:
        (suite,) = read_great_expectations({"expectations": [{**said, "kwargs": kwargs}]})
    except ContractError as broken:
        raise ValueError(f"found {broken.found}, where only this is understood: {broken.allowed}") from None
    if suite.not_executed:
        raise ValueError(suite.not_executed[0].reason)
    return [replace(rule, name="") for rule in suite.rules]


ENGINES: Mapping[str, CustomEngine] = MappingProxyType(dict.fromkeys(("greatexpectations", "gx"), _expectation))
"""By the engine's name in small letters without signs."""
