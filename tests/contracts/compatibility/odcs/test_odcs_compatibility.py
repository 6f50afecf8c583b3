"""Whom a change of an ODCS contract breaks, and which of its consumers that concerns."""

from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from dataeng_assets.contracts.compatibility.odcs.compare import compare_contracts
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change
from dataeng_assets.contracts.document import read_document
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.types import postgres_type

BACKWARD, FORWARD = frozenset({Breaks.BACKWARD}), frozenset({Breaks.FORWARD})
BOTH, NOBODY = BACKWARD | FORWARD, frozenset()


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    first, second = (read_document(Path("orders.yaml"), yaml.safe_dump(one)) for one in (old, new))
    return list(compare_contracts(first, second))


def contract(*columns: dict[str, Any], version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    """A document with one table; what begins with `table_` belongs to the table."""
    table = {key.removeprefix("table_"): value for key, value in more.items() if key.startswith("table_")}
    document = {key: value for key, value in more.items() if not key.startswith("table_")}
    schema = [{"name": "orders", "properties": list(columns), **table}]
    return {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "o", "version": version, "schema": schema, **document}


def column(name: str = "a", physical: str | None = "integer", logical: str = "integer", **more: Any) -> dict[str, Any]:
    said = {"name": name, "physicalType": physical, "logicalType": logical, **more}
    return {key: value for key, value in said.items() if value is not None}


def text(physical: str | None = "text", **more: Any) -> dict[str, Any]:
    return column(physical=physical, logical="string", **more)


def quality(**more: Any) -> dict[str, Any]:
    return column(quality=[{"name": "few", "metric": "nullValues", **more}])


def sla(value: Any, unit: str | None = "h", name: str = "latency") -> dict[str, Any]:
    return contract(slaProperties=[{"property": name, "value": value, **({"unit": unit} if unit else {})}])


def options(**more: Any) -> dict[str, Any]:
    return text(logicalTypeOptions=more)


def enum(*values: Any) -> dict[str, Any]:
    return text(enum=[{"value": value} for value in values])


@pytest.mark.parametrize(
    ("old", "new", "breaks", "kind"),
    [
        ([], [column()], NOBODY, "column_added"),
        ([], [column(required=True)], BACKWARD, "column_added"),
        ([column()], [], FORWARD, "column_removed"),
        ([column(), text(name="b")], [text(name="b"), column()], NOBODY, "column_order_changed"),
        ([column()], [column(physical="bigint")], FORWARD, "type_changed"),
        ([column(physical="bigint")], [column(physical="integer")], BACKWARD, "type_changed"),
        ([column()], [column(physical="int4")], NOBODY, "type_rewritten"),
        ([column()], [text()], BOTH, "type_changed"),
        ([column()], [column(physical="double precision", logical="number")], FORWARD, "type_changed"),
        ([column(physical="bigint")], [column(physical="double precision", logical="number")], BOTH, "type_changed"),
        ([column()], [column(physical="numeric(12,2)", logical="number")], FORWARD, "type_changed"),
        ([column()], [column(physical="numeric(11,2)", logical="number")], BOTH, "type_changed"),
        ([column(physical="numeric(12,2)")], [column(physical="numeric(14,2)")], FORWARD, "type_changed"),
        ([column(physical="numeric(12,2)")], [column(physical="numeric(12,4)")], BOTH, "type_changed"),
        ([column(physical="real")], [column(physical="double precision")], FORWARD, "type_changed"),
        ([text("varchar(20)")], [text("varchar(10)")], BACKWARD, "type_changed"),
        ([text("varchar(20)")], [text("text")], FORWARD, "type_changed"),
        ([text("uuid")], [text("text")], FORWARD, "type_changed"),
        ([text("text[]")], [text("uuid[]")], BACKWARD, "type_changed"),
        ([column(physical="timestamp")], [column(physical="timestamptz")], BOTH, "type_changed"),
        ([column(physical="NUMBER(10,2)")], [column(physical="NUMBER(12,2)")], FORWARD, "type_changed"),
        ([column(physical="STRING(10)")], [column(physical="STRING")], FORWARD, "type_changed"),
        ([column(physical="VARIANT")], [column(physical="OBJECT")], BOTH, "type_changed"),
        ([column(physical=None)], [column(physical=None, logical="number")], FORWARD, "type_changed"),
        ([column(physical=None)], [column(physical=None, logical="string")], BOTH, "type_changed"),
        ([column()], [column(required=True)], BACKWARD, "required_changed"),
        ([column(required=True)], [column()], FORWARD, "required_changed"),
        ([column()], [column(unique=True)], BACKWARD, "unique_changed"),
        ([column(unique=True)], [column()], FORWARD, "unique_changed"),
        ([column(primaryKey=True)], [column()], BOTH, "key_changed"),
        ([enum("x")], [enum("x", "y")], FORWARD, "enum_value_added"),
        ([enum("x", "y")], [enum("x")], BACKWARD, "enum_value_removed"),
        ([text()], [enum("x")], BACKWARD, "enum_changed"),
        ([enum("x")], [text()], FORWARD, "enum_changed"),
        ([options(maxLength=10)], [options(maxLength=20)], FORWARD, "option_changed"),
        ([options(maxLength=10)], [options(maxLength=5)], BACKWARD, "option_changed"),
        ([options(minimum=0)], [options(minimum=1)], BACKWARD, "option_changed"),
        ([options(minimum=0)], [options(minimum=-1)], FORWARD, "option_changed"),
        ([options()], [options(format="uuid")], BACKWARD, "option_changed"),
        ([options()], [options(pattern="a")], BACKWARD, "option_changed"),
        ([options(pattern="a")], [options()], FORWARD, "option_changed"),
        ([options(pattern="a")], [options(pattern="b")], BOTH, "option_changed"),
        ([options(multipleOf=2)], [options(multipleOf=4)], BACKWARD, "option_changed"),
        ([options(uniqueItems=False)], [options(uniqueItems=True)], BACKWARD, "option_changed"),
        ([column()], [quality(mustBe=0)], BACKWARD, "rule_added"),
        ([column(quality=[{"name": "few", "metric": "nullValues", "mustBe": 0, "description": "a"}])],
         [column(quality=[{"name": "few", "metric": "nullValues", "mustBe": 0, "description": "b"}], required=True)],
         BACKWARD, "required_changed"),
        ([quality(mustBe=0)], [column()], FORWARD, "rule_removed"),
        ([quality(mustBeLessThan=5)], [quality(mustBeLessThan=3)], BACKWARD, "rule_changed"),
        ([quality(mustBeLessThan=5)], [quality(mustBeLessOrEqualTo=5)], FORWARD, "rule_changed"),
        ([quality(mustBeLessThan=5)], [quality(mustBe=4)], BACKWARD, "rule_changed"),
        ([quality(mustBeBetween=[0, 9])], [quality(mustBeBetween=[1, 10])], BOTH, "rule_changed"),
        ([quality(mustBeLessThan=5)], [quality(mustBeLessThan=5, unit="percent")], BOTH, "rule_changed"),
        ([quality(mustNotBe=5)], [quality(mustNotBe=6)], BOTH, "rule_changed"),
        ([quality(mustBe=0, severity="error")], [quality(mustBe=0, severity="info")], FORWARD, "severity_changed"),
        ([quality(mustBe=0, severity="warning")], [quality(mustBe=0)], BACKWARD, "severity_changed"),
        ([column()], [quality(mustBe=0, severity="warning")], NOBODY, "rule_added"),
        ([quality(mustBe=0, type="text")], [column()], NOBODY, "rule_removed"),
        ([quality(mustBe=0, severity="info")], [quality(mustBe=1, severity="info")], NOBODY, "rule_changed"),
        ([quality(mustBe=0, arguments={"validValues": [1]})], [quality(mustBe=0, arguments={"validValues": [1, 2]})],
         FORWARD, "rule_changed"),
        ([text(classification="personal")], [text()], BOTH, "classification_lowered"),
        ([text()], [text(classification="personal")], NOBODY, "classification_changed"),
        ([text(physicalName="x")], [text(physicalName="y")], FORWARD, "physical_name_changed"),
        ([text()], [text(deprecated=True)], NOBODY, "deprecated_changed"),
    ],
)  # fmt: skip
def test_whom_a_change_of_columns_breaks(
    old: list[dict[str, Any]], new: list[dict[str, Any]], breaks: frozenset[Breaks], kind: str
) -> None:
    (change,) = [one for one in compare(contract(*old), contract(*new)) if one.kind != "version_not_raised"]
    assert (change.kind, change.breaks) == (kind, breaks)
    assert bool(change.migration) == bool(change.breaks)
    assert change.place == "orders" or change.place.startswith("orders.a")


NUMBERS = {
    "smallint": (-(2**15), 2**15 - 1), "integer": (-(2**31), 2**31 - 1), "bigint": (-(2**63), 2**63 - 1),
    "real": (1.5, -3e38), "double precision": (1.5, 1e300), "numeric(5,0)": (Decimal(99999),),
    "numeric(10,0)": (Decimal(9999999999),), "numeric(7,2)": (Decimal("99999.99"),),
    "numeric(21,2)": (Decimal("9" * 19 + ".99"),), "numeric(12,4)": (Decimal("99999999.9999"),),
}  # fmt: skip


@pytest.mark.parametrize(("old", "values"), NUMBERS.items(), ids=str)
def test_a_type_that_is_said_to_hold_another_holds_its_extremes(old: str, values: tuple[Any, ...]) -> None:
    for new in NUMBERS:
        changes = compare(contract(column(physical=old)), contract(column(physical=new)))
        if not any(Breaks.BACKWARD in change.breaks for change in changes):
            before, now = postgres_type(old).arrow, postgres_type(new).arrow
            cast = pa.array(values, before).cast(now)
            assert cast.cast(before).to_pylist() == pa.array(values, before).to_pylist()


@pytest.mark.parametrize(
    ("old", "new", "breaks", "kind"),
    [
        (sla(26), sla(30), FORWARD, "sla_loosened"),
        (sla(26), sla(20), NOBODY, "sla_tightened"),
        (sla(2, "d"), sla(48, "h"), None, ""),
        (sla(99, "percent", "availability"), sla(98, "percent", "availability"), FORWARD, "sla_loosened"),
        (sla(99, "percent", "availability"), sla(99.9, "percent", "availability"), NOBODY, "sla_tightened"),
        (sla("weekly", None, "cadence"), sla("daily", None, "cadence"), FORWARD, "sla_loosened"),
        (sla(26), contract(), FORWARD, "sla_removed"),
        (contract(), sla(26), NOBODY, "sla_added"),
        (contract(team={"name": "a"}), contract(team={"name": "b"}), NOBODY, "owner_changed"),
        (contract(status="active"), contract(status="retired"), NOBODY, "status_changed"),
        (contract(), contract(table_physicalType="topic"), BOTH, "table_kind_changed"),
        (contract(), contract(table_quality=[{"metric": "rowCount", "mustBeGreaterThan": 0}]), BACKWARD, "rule_added"),
        (contract(table_customProperties=[{"property": "lateAfter", "value": "PT1M"}]), contract(), NOBODY,
         "custom_property_changed"),
        (contract(tags=["a"]), contract(tags=["b"]), None, ""),
        (contract(text("uuid")), contract(text("uuid", logicalTypeOptions={"format": "uuid"})), None, ""),
    ],
)  # fmt: skip
def test_whom_a_change_of_promises_breaks(
    old: dict[str, Any], new: dict[str, Any], breaks: frozenset[Breaks] | None, kind: str
) -> None:
    found = [one for one in compare(old, new) if one.kind != "version_not_raised"]
    assert [(one.kind, one.breaks) for one in found] == ([] if breaks is None else [(kind, breaks)])


def test_a_column_of_the_same_type_and_description_looks_renamed() -> None:
    old, new = (contract(column(name, description="What was paid.")) for name in ("amount", "total"))
    removed, added, _ = compare(old, new)
    assert "looks renamed to total" in removed.reason
    assert "looks like amount renamed" in added.reason
    assert "keep amount beside total" in removed.migration


def test_where_two_columns_might_be_the_renamed_one_none_is_named() -> None:
    old = contract(column("amount", description="x"))
    new = contract(column("total", description="x"), column("sum", description="x"))
    assert not any("renamed" in one.reason for one in compare(old, new))


def test_a_table_with_the_same_columns_looks_renamed() -> None:
    old, new = contract(column()), contract(column(), table_name="sales")
    assert "looks renamed to sales" in compare(old, new)[0].reason


def test_what_is_nested_is_compared_at_its_own_place() -> None:
    def nested(kind: str) -> dict[str, Any]:
        inner = {"name": "street", "logicalType": kind}
        address = {"name": "address", "logicalType": "object", "properties": [inner]}
        items = {"logicalType": "object", "properties": [{"name": "sku", "logicalType": kind}]}
        attributes = {"key": {"logicalType": "string"}, "value": {"logicalType": kind}}
        return contract(
            address,
            {"name": "lines", "logicalType": "array", "items": items},
            {"name": "more", "logicalType": "map", "map": attributes},
        )

    places = [one.place for one in compare(nested("integer"), nested("number"))]
    assert places == ["orders.address.street", "orders.lines[].sku", "orders.more{value}", "version"]


def consumers(*given: Any) -> list[dict[str, Any]]:
    return [{"property": "consumers", "value": list(given)}]


def test_a_breaking_change_names_the_consumers_that_use_what_changed() -> None:
    relying = consumers(
        {"name": "everything"},
        {"name": "amounts", "columns": ["amount"], "contact": "amounts@example.org"},
        {"name": "other table", "columns": ["refunds.amount"]},
        {"name": "notes", "columns": ["orders.note"]},
    )
    old = contract(column("amount"), text(name="note"), customProperties=relying)
    new = contract(text(name="note"), customProperties=relying)
    (change,) = [one for one in compare(old, new) if one.kind == "column_removed"]
    assert change.affected == ("everything", "amounts")


def test_consumers_of_one_table_are_not_concerned_with_another() -> None:
    tables = [
        {"name": name, "properties": [column()], "customProperties": consumers({"name": f"reader of {name}"})}
        for name in ("orders", "refunds")
    ]
    old = {**contract(), "schema": tables}
    new = {**contract(), "schema": [{**tables[0], "properties": []}, tables[1]]}
    assert compare(old, new)[0].affected == ("reader of orders",)


def test_a_consumer_who_came_or_went_is_told() -> None:
    old = contract(customProperties=consumers({"name": "a"}))
    new = contract(customProperties=consumers({"name": "b"}))
    assert {one.kind for one in compare(old, new)} == {"consumer_removed", "consumer_added", "version_not_raised"}


@pytest.mark.parametrize("given", ["everybody", [{"columns": ["a"]}], [{"name": "a", "columns": "b"}], [{"nam": "a"}]])
def test_consumers_that_cannot_be_read_are_refused(given: Any) -> None:
    broken = contract(customProperties=[{"property": "consumers", "value": given}])
    with pytest.raises(ContractError, match=r"customProperties\[0\]"):
        compare(broken, broken)


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(ContractError, match=r"properties\[1\]"):
        compare(contract(), contract(column(), column()))


@pytest.mark.parametrize(
    ("old", "new", "is_breaking", "wanted"),
    [
        ("1.2.3", "1.2.3", True, "2.0.0"),
        ("1.2.3", "1.9.0", True, "2.0.0"),
        ("1.2.3", "2.0.0", True, None),
        ("1.2.3", "1.2.4", False, "1.3.0"),
        ("1.2.3", "1.3.0", False, None),
        ("0.4.1", "0.4.2", True, "0.5.0"),
        ("0.4.1", "0.5.0", True, None),
        ("1.2.3", "latest", False, "form 1.2.3"),
    ],
)
def test_the_version_is_raised_as_semantic_versioning_demands(
    old: str, new: str, is_breaking: bool, wanted: str | None
) -> None:
    added = column(required=True) if is_breaking else column()
    found = [one for one in compare(contract(version=old), contract(added, version=new)) if one.place == "version"]
    assert [one.breaks for one in found] == ([NOBODY] if wanted else [])
    assert not wanted or wanted in found[0].reason


def test_an_equal_document_has_no_change_and_needs_no_version() -> None:
    document = contract(column(), team={"name": "a"}, customProperties=consumers({"name": "a"}))
    assert compare(document, deepcopy(document)) == []
