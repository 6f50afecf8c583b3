"""From a suite of Great Expectations, 0.x or 1.x, as JSON, to a suite. Its expectations belong in `gx_expectations`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataeng_assets.contracts.checks.rule import Severity, Suite
from dataeng_assets.contracts.convert.collect import Collector, known_columns
from dataeng_assets.contracts.convert.gx_arguments import Arguments, NotSaid
from dataeng_assets.contracts.convert.gx_expectations import EXPECTATIONS, rules_of
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place, Plain, plain_of

EXPECTED = "a suite of Great Expectations: a mapping with expectations"
_OLD_NAMES = {
    "expect_column_pair_values_A_to_be_greater_than_B": "expect_column_pair_values_a_to_be_greater_than_b",
    "unexpected_rows": "unexpected_rows_expectation",
}


def read_great_expectations(given: Path | Mapping[str, Any] | Plain) -> tuple[Suite, ...]:
    """The suite of a suite of expectations.

    Raises:
        ContractError: it is none, or an expectation lacks what it needs.
    """
    plain = plain_of(
        given, EXPECTED, lambda data: isinstance(data, dict) and isinstance(data.get("expectations"), list)
    )
    said = plain.data
    collector = Collector(plain)
    parameters = said.get("suite_parameters") or said.get("evaluation_parameters") or {}
    for number, one in enumerate(said["expectations"]):
        _expectation(one, ("expectations", number), collector, parameters)
    meta = _meta(said)
    return (
        Suite(
            name=str(said.get("name") or said.get("expectation_suite_name") or plain.path.stem),
            id=str(said.get("id") or ""),
            version=str(meta.get("version", "")),
            owner=str(meta.get("owner", "")),
            description=_notes(said) or _notes(meta),
            columns=known_columns(collector.rules),
            rules=tuple(collector.rules),
            not_executed=tuple(collector.left),
        ),
    )


def _expectation(one: Any, place: Place, collector: Collector, parameters: Mapping[str, Any]) -> None:
    plain = collector.plain
    if not isinstance(one, dict):
        raise plain.error(place, one, "an expectation: a mapping with type and kwargs")
    word = "type" if "type" in one else "expectation_type"
    said, kwargs = one.get(word), one.get("kwargs", {})
    if not isinstance(said, str) or not isinstance(kwargs, dict):
        raise plain.error((*place, word), said, "the name of an expectation, and kwargs as a mapping")
    name = _OLD_NAMES.get(said, said)
    if name not in EXPECTATIONS:
        hint = did_you_mean(name, list(EXPECTATIONS))
        collector.leave((*place, word), {said: kwargs}, f"no expectation of GX core{hint}; say it as SQL")
        return
    arguments = Arguments(plain, (*place, "kwargs"), kwargs, parameters)
    meta = _meta(one)
    try:
        rules = rules_of(name, arguments)
    except NotSaid as reason:
        collector.leave(place, {said: kwargs}, str(reason))
        return
    severity = Severity.ERROR if one.get("severity", "critical") == "critical" else Severity.WARNING
    description = str(one.get("description") or "") or _notes(one) or _notes(meta)
    for rule in rules:
        about = {"bounds": rule.bounds, "where": rule.where, "severity": severity, "description": description}
        collector.add(place, rule.check, name=str(meta.get("rule", "")), **about)


def _meta(said: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = said.get("meta")
    return meta if isinstance(meta, dict) else {}


def _notes(said: Mapping[str, Any]) -> str:
    """Notes, which are a text, a list of texts, or a mapping with either as `content`."""
    notes = said.get("notes") or said.get("description") or ""
    content = notes.get("content", "") if isinstance(notes, dict) else notes
    return " ".join(map(str, content)) if isinstance(content, list) else str(content)
