"""A broken contract is refused with the place, what was found and what is allowed."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.load import load_contract, load_contracts

DOCUMENTS = Path(__file__).with_name("documents")
ORDERS = (DOCUMENTS / "orders.yaml").read_text()
EXAMPLE = (Path(__file__).parents[2] / "docs" / "reference" / "example-contract.yaml").read_text()
EVENTS = (DOCUMENTS / "user_events.yaml").read_text()


@pytest.fixture
def broken(tmp_path):
    def check(document: str, old: str, new: str) -> ContractError:
        assert old in document
        path = tmp_path / "contract.yaml"
        path.write_text(document.replace(old, new, 1))
        with pytest.raises(ContractError) as caught:
            load_contract(path)
        assert caught.value.file == path
        assert str(path) in str(caught.value)
        return caught.value

    return check


def line_of(text: str) -> int:
    return next(i for i, line in enumerate(ORDERS.splitlines(), 1) if text in line)


@pytest.mark.parametrize(
    ("old", "new", "place", "found", "allowed"),
    [
        ("numeric(12,2)", "numeric", "schema[0].properties[5].physicalType", "column total_amount", "precision"),
        ("numeric(12,2)", "numeric(40,2)", "schema[0].properties[5].physicalType", "numeric(40,2)", "38 digits"),
        ("numeric(12,2)", "numeric(12,-2)", "schema[0].properties[5].physicalType", "numeric(12,-2)", "scale"),
        ("physicalType: bigint", "physicalType: bigit", "schema[0].properties[0].physicalType", "bigit", "'bigint'?"),
        ("required: true", "requird: true", "schema[0].properties[0].requird", "requird", "'required'?"),
        ("required: true", "required: maybe", "schema[0].properties[0].required", "maybe", "boolean"),
        ("tion: personal", "tion: personl", "schema[0].properties[8].classification", "personl", "'personal'?"),
        ("apiVersion: v3.2.0", "apiVersion: v2.2.2", "apiVersion", "v2.2.2", "ODCS 3"),
        ("kind: DataContract", "kind: Contract", "kind", "Contract", "DataContract"),
        ("status: active", "state: active", "state", "state", "'status'?"),
        ("  name: shop-platform\n", "", "team.name", "nothing", "text"),
        ("name: customer_id", "name: Order_ID", "schema[0].properties[2].name", "Order_ID", "no other column"),
        ("name: customer_id", "name: _op", "schema[0].properties[2].name", "_op", "underscore"),
        ("description: The customer wh", "tags: [x] #", "schema[0].properties[2].description", "nothing", "text"),
        ("logicalType: integer", "logicalType: number", "schema[0].properties[0].logicalType", "number", "integer"),
        ("value: placed", "value: no", "schema[0].properties[3].enum[0]", "False", "quote"),
        ("value: paid", "value: placed", "schema[0].properties[3].enum[1]", "placed", "once"),
        ("minimum: 0", "minimun: 0", "schema[0].properties[5].logicalTypeOptions.minimun", "minimun", "'minimum'?"),
        ("minimum: 0", "minimum: low", "schema[0].properties[5].logicalTypeOptions.minimum", "low", "number"),
        ("unit: h", "unit: fortnight", "slaProperties[0].unit", "fortnight", "h"),
        ("value: 26", "value: -1", "slaProperties[0].value", "-1", "above 0"),
        ("physicalType: table", "physicalType: tabel", "schema[0].physicalType", "tabel", "table"),
        ("required: true\n        unique", "unique", "schema[0].properties[0].required", "order_id", "required"),
    ],
)  # fmt: skip
def test_what_is_broken_is_named_with_its_place(broken, old, new, place, found, allowed):
    error = broken(ORDERS, old, new)
    assert error.place == place
    assert found in error.found
    assert allowed in error.allowed


def test_the_line_of_a_broken_value_is_given(broken):
    assert broken(ORDERS, "numeric(12,2)", "numeric").line == line_of("physicalType: numeric(12,2)")


@pytest.mark.parametrize(
    ("old", "new", "place", "allowed"),
    [
        ("property: lateAfter", "property: lateAfer", "schema[0].customProperties", "lateAfter"),
        ("property: maxAhead", "property: allowedLatenes", "schema[0].customProperties[2].property", "allowedLateness"),
        ("value: PT10M", "value: 10 minutes", "schema[0].customProperties[1].value", "PT10M"),
        ("value: timestamp", "value: event_id", "schema[0].customProperties[0].value", "timestamp"),
        ("physicalType: uuid", "physicalType: text", "schema[0].properties[0].physicalType", "string"),
        ("c: invalidValues", "c: invalidVals", "schema[0].properties[2].quality[0].metric", "'invalidValues'?"),
        ("mustBe: 0", "mustBe: none", "schema[0].properties[2].quality[0].mustBe", "a number"),
        ("mustBe: 0", "severity: low", "schema[0].properties[2].quality[0]", "mustBe"),
        ("validValues:", "values:", "schema[0].properties[2].quality[0].arguments.values", "validValues"),
    ],
)  # fmt: skip
def test_what_is_broken_in_a_topic_is_named_with_its_place(broken, old, new, place, allowed):
    error = broken(EVENTS, old, new)
    assert error.place == place
    assert allowed in error.allowed


def test_a_key_given_twice_is_refused_although_yaml_would_take_the_last(broken):
    error = broken(ORDERS, "status: active", "status: active\nstatus: retired")
    assert (error.place, error.found) == ("status", "the same key a second time")


def test_python_tags_are_refused_and_not_run(broken, tmp_path):
    broken(ORDERS, "status: active", f"status: !!python/object/apply:os.mkdir ['{tmp_path}/run']")
    assert not (tmp_path / "run").exists()


def test_aliases_are_refused_because_they_can_grow_without_end(broken):
    error = broken(ORDERS, "tags: [transactions]", "tags: &a [x]\nservers: *a")
    assert "alias" in error.found


@pytest.mark.parametrize("content", ["", "[]", "a: b: c", "just text", "\tx: 1"])
def test_a_file_that_is_no_document_is_refused(broken, content):
    broken(ORDERS, ORDERS, content)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: café".encode("latin-1"))
    with pytest.raises(ContractError, match="not UTF-8"):
        load_contract(path)


def test_two_documents_of_one_name_are_refused(tmp_path):
    (tmp_path / "a.yaml").write_text(ORDERS)
    (tmp_path / "b.yaml").write_text(ORDERS)
    with pytest.raises(ContractError, match=r"a\.yaml has this one"):
        load_contracts(tmp_path)


def test_the_parts_of_a_key_need_positions(broken):
    second = ("        description: The customer who ordered.", "        primaryKey: true\n        description: x")
    error = broken(ORDERS, *second)
    assert "each of 1 to 2" in error.allowed


VALUES = st.sampled_from(
    ["[]", "[[1]]", "{1: 2}", "null", "true", ".nan", "-1", "x", "2026-02-30", "'{table'", "(a", "[*a]"]
)


@given(line=st.integers(0, EXAMPLE.count("\n") - 1), value=VALUES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_replaced_loads_or_is_refused_by_name(tmp_path, line, value):
    lines = EXAMPLE.splitlines()
    lines[line] = f"{lines[line].partition(':')[0]}: {value}"
    path = tmp_path / "replaced.yaml"
    path.write_text("\n".join(lines))
    with suppress(ContractError):
        load_contract(path)


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_line_left_out_or_shortened_loads_or_is_refused_by_name(tmp_path, data):
    lines = data.draw(st.sampled_from([ORDERS, EVENTS, EXAMPLE, EXAMPLE])).splitlines()
    position = data.draw(st.integers(0, len(lines) - 1))
    keep = data.draw(st.integers(0, len(lines[position])))
    path = tmp_path / "mutated.yaml"
    path.write_text("\n".join([*lines[:position], lines[position][:keep], *lines[position + 1 :]]))
    with suppress(ContractError):
        load_contract(path)
