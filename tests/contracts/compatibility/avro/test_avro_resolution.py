"""Whom a change of an Avro schema breaks; and that fastavro, which reads by the same rules, never proves us wrong."""

import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.compatibility.avro.compare import compare_avro_schemas
from dataeng_assets.contracts.compatibility.avro.document import read_schema
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change
from dataeng_assets.contracts.errors import ContractError

BACKWARD, FORWARD = frozenset({Breaks.BACKWARD}), frozenset({Breaks.FORWARD})
BOTH, NOBODY = BACKWARD | FORWARD, frozenset()


def changes(old: Any, new: Any) -> tuple[Change, ...]:
    return compare_avro_schemas(read_schema(old, Path("old.avsc")), read_schema(new, Path("new.avsc")))


def broken(old: Any, new: Any) -> frozenset[Breaks]:
    return frozenset().union(*(change.breaks for change in changes(old, new)))


def order(*fields: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Order", "fields": list(fields), **more}


def one(kind: Any, **more: Any) -> dict[str, Any]:
    return order({"name": "f", "type": kind, **more})


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **more}


def fixed(size: int, name: str = "F") -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


def logical(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "logicalType": name}


@pytest.mark.parametrize(
    ("old", "new", "breaks", "kinds"),
    [
        (order(), one("int"), BACKWARD, {"field_added"}),
        (order(), one("int", default=0), NOBODY, {"field_added"}),
        (one("int"), order(), FORWARD, {"field_removed"}),
        (one("int", default=0), order(), NOBODY, {"field_removed"}),
        (one("int", default=0), one("int", default=1), NOBODY, {"default_changed"}),
        (one("int"), one("int", doc="the number"), NOBODY, set()),
        (one("int"), one("long"), FORWARD, {"type_changed"}),
        (one("int"), one("double"), FORWARD, {"type_changed"}),
        (one("long"), one("float"), FORWARD, {"type_changed"}),
        (one("float"), one("double"), FORWARD, {"type_changed"}),
        (one("double"), one("float"), BACKWARD, {"type_changed"}),
        (one("int"), one("string"), BOTH, {"type_changed"}),
        (one("string"), one("bytes"), FORWARD, {"type_changed"}),
        (one("int"), one({"type": "array", "items": "int"}), BOTH, {"type_changed"}),
        (one({"type": "array", "items": "int"}), one({"type": "array", "items": "long"}), FORWARD, {"type_changed"}),
        (one({"type": "map", "values": "long"}), one({"type": "map", "values": "int"}), BACKWARD, {"type_changed"}),
        (one("int"), one(["null", "int"]), FORWARD, {"type_added"}),
        (one(["null", "int"]), one("int"), BACKWARD, {"type_removed"}),
        (one(["null", "int"]), one(["int", "null"]), NOBODY, set()),
        (one(["null", "int"]), one(["null", "long"]), FORWARD, {"type_changed", "type_added", "type_removed"}),
        (one(["null", "int"]), one(["null", "string"]), BOTH, {"type_removed", "type_added"}),
        (one("bytes"), one(["bytes", "string"]), NOBODY, {"type_added", "type_changed"}),
        (one("bytes"), one(["string", "bytes"]), BACKWARD, {"type_changed"}),
        (one(enum("A")), one(enum("A", "B")), FORWARD, {"symbol_added"}),
        (one(enum("A", default="A")), one(enum("A", "B", default="A")), NOBODY, {"symbol_added"}),
        (one(enum("A", "B")), one(enum("A")), BACKWARD, {"symbol_removed"}),
        (one(enum("A", "B")), one(enum("A", default="A")), NOBODY, {"symbol_removed"}),
        (one(enum("A", "B")), one(enum("B", "A")), NOBODY, set()),
        (one(fixed(4)), one(fixed(8)), BOTH, {"type_changed"}),
        (one(fixed(4)), one(fixed(4, "G")), BOTH, {"name_changed"}),
        (one(decimal(9, 2)), one(decimal(9, 3)), BOTH, {"logical_type_changed"}),
        (one(decimal(9, 2)), one(decimal(12, 2)), BOTH, {"logical_type_changed"}),
        (one("bytes"), one(decimal(9, 2)), BACKWARD, {"logical_type_changed"}),
        (one(logical("long", "timestamp-millis")), one(logical("long", "timestamp-micros")), BOTH,
         {"logical_type_changed"}),
        (one(logical("long", "timestamp-millis")), one("long"), FORWARD, {"logical_type_changed"}),
        (one(logical("int", "date")), one("long"), FORWARD, {"type_changed", "logical_type_changed"}),
        (order(), order(name="Purchase"), BOTH, {"name_changed"}),
        (order(), order(name="Purchase", aliases=["Order"]), FORWARD, {"name_changed"}),
        (order(), order(namespace="shop"), NOBODY, {"name_changed"}),
        (one("int"), one("int", aliases=["f"]), NOBODY, set()),
        (order({"name": "a", "type": "int"}), order({"name": "b", "type": "int", "aliases": ["a"]}), FORWARD,
         {"field_renamed", "field_removed", "field_added"}),
        (order({"name": "a", "type": "int"}, {"name": "b", "type": "int"}),
         order({"name": "b", "type": "int", "aliases": ["a", "b"]}), BOTH, {"alias_ambiguous", "field_removed"}),
        (order(), order({"name": "a", "type": "int", "aliases": ["b"]}, {"name": "b", "type": "int"}), BACKWARD,
         {"field_added"}),
        (order({"name": "b", "type": "int"}),
         order({"name": "a", "type": "int", "aliases": ["b"]}, {"name": "b", "type": "int"}), BACKWARD,
         {"field_added"}),
        ("int", "long", FORWARD, {"type_changed"}),
        (["null", order()], order(), BACKWARD, {"type_removed"}),
        (one(["null", "Order"], default=None), one(["null", "Order"], default=None), NOBODY, set()),
    ],
)  # fmt: skip
def test_whom_a_change_breaks(old: Any, new: Any, breaks: frozenset[Breaks], kinds: set[str]) -> None:
    assert broken(old, new) == breaks
    assert {change.kind for change in changes(old, new)} == kinds


def test_a_breaking_change_has_a_safe_migration_and_a_harmless_one_needs_none() -> None:
    old = order({"name": "a", "type": "int"}, {"name": "b", "type": enum("A")}, {"name": "c", "type": "int"})
    new = order({"name": "a", "type": "string"}, {"name": "b", "type": enum("B")}, {"name": "d", "type": "int"})
    for change in changes(old, new):
        assert bool(change.migration) == bool(change.breaks)


def test_a_recursive_record_is_compared_once_and_its_place_leads_to_the_field() -> None:
    def tree(kind: str) -> Any:
        return order({"name": "kids", "type": {"type": "array", "items": "Order"}}, {"name": "id", "type": kind})

    (change,) = changes(tree("int"), tree("long"))
    assert change.place == "Order.id"


NAMES = st.sampled_from(["a", "b"])
PRIMITIVE = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "bytes", "string"])
SYMBOLS = st.lists(st.sampled_from("ABCD"), min_size=1, max_size=3, unique=True)
ENUMS = st.builds(lambda s, d: enum(*s, **({"default": s[0]} if d else {})), SYMBOLS, st.booleans())
LOGICAL = st.sampled_from(
    [
        logical("int", "date"), logical("long", "timestamp-millis"), logical("long", "timestamp-micros"),
        logical("string", "uuid"), decimal(6, 2), decimal(6, 0), decimal(8, 2),
    ]
)  # fmt: skip
DEFAULTS = {
    "null": None,
    "boolean": True,
    "int": 7,
    "long": 8,
    "float": 1.5,
    "double": 2.5,
    "string": "x",
    "bytes": "x",
}


SIMPLE: list[tuple[Any, tuple[Any, ...]]] = [
    ("null", (None,)), ("boolean", (True,)), ("int", (-(2**31), 2**31 - 1)), ("long", (-(2**63), 2**63 - 1)),
    ("float", (0.5,)), ("double", (1e300,)), ("bytes", (b"x", b"\xff\xfe")), ("string", ("ä", "")),
    (logical("int", "date"), (date(2026, 1, 1),)), (logical("string", "uuid"), (UUID(int=7),)),
    (logical("long", "timestamp-millis"), (datetime(2026, 1, 1, tzinfo=UTC),)),
    (logical("long", "timestamp-micros"), (datetime(2026, 1, 1, tzinfo=UTC),)),
    (logical("long", "time-micros"), (time(23, 59),)),
    (decimal(4, 2), (Decimal("1.25"),)), (decimal(4, 0), (Decimal(7),)),
    (enum("A"), ("A",)), (enum("B", default="B"), ("B",)), (fixed(1), (b"x",)), (fixed(2, "G"), (b"xx",)),
]  # fmt: skip


@pytest.mark.parametrize(("old", "written"), SIMPLE, ids=str)
def test_a_pair_of_simple_types_called_compatible_can_be_read(old: Any, written: tuple[Any, ...]) -> None:
    for new, _ in SIMPLE:
        if Breaks.BACKWARD not in broken(one(old), one(new)):
            for value in written:
                read_back({"f": value}, one(old), one(new))


@st.composite
def fields_of(draw: st.DrawFn, kinds: st.SearchStrategy[Any]) -> dict[str, Any]:
    field: dict[str, Any] = {"name": draw(NAMES), "type": draw(kinds)}
    first = field["type"][0] if isinstance(field["type"], list) and field["type"] else field["type"]
    if isinstance(first, str) and draw(st.booleans()):
        field["default"] = DEFAULTS[first]
    if draw(st.integers(0, 3)) == 0:
        field["aliases"] = [draw(NAMES)]
    return field


def nested(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    unions = st.lists(kinds.filter(lambda kind: not isinstance(kind, list)), min_size=1, max_size=3)
    records = st.builds(
        lambda name, fields, alias: {"type": "record", "name": name, "fields": fields, "aliases": alias},
        st.sampled_from(["R", "S", "n.R"]),
        st.lists(fields_of(kinds), max_size=3, unique_by=lambda field: field["name"]),
        st.lists(st.sampled_from(["R", "S"]), max_size=1),
    )
    return st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, kinds),
        st.builds(lambda values: {"type": "map", "values": values}, kinds),
        unions,
        records,
    )


KINDS = st.recursive(
    st.one_of(PRIMITIVE, PRIMITIVE, LOGICAL, ENUMS, st.builds(fixed, st.integers(1, 2))), nested, max_leaves=4
)
RECORDS = st.lists(fields_of(KINDS), max_size=3, unique_by=lambda field: field["name"]).map(lambda f: order(*f))


def named_once(kind: Any, named: dict[str, Any], inside: tuple[str, ...] = ()) -> Any:
    """The schema with each name defined once, referred to afterwards, and no record in itself; `named` is filled."""
    if isinstance(kind, list):
        branches = [named_once(branch, named, inside) for branch in kind]
        by_name = {b if isinstance(b, str) else b.get("name", b["type"]): b for b in branches}
        return list(by_name.values())
    if isinstance(kind, str):
        return kind
    name = kind.get("name")
    if name in inside:
        return "int"
    if name in named:
        return name
    parts = {key: named_once(kind[key], named, inside) for key in ("items", "values") if key in kind}
    if "fields" in kind:
        inner = (*inside, name)
        parts["fields"] = [{**field, "type": named_once(field["type"], named, inner)} for field in kind["fields"]]
    if name:
        named[name] = {**kind, **parts}
    return {**kind, **parts}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two schemas; the second often keeps fields of the first, so that pairs are near enough to be compatible."""
    old, new = draw(RECORDS), draw(RECORDS)
    kept = [field for field in old["fields"] if draw(st.booleans())]
    names = {field["name"] for field in kept}
    return old, order(*kept, *(field for field in new["fields"] if field["name"] not in names))


def values(kind: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Data of a schema."""
    if isinstance(kind, list):
        return st.one_of(*[values(branch, named) for branch in kind])
    if isinstance(kind, str) and kind in named:
        return values(named[kind], named)
    name = kind if isinstance(kind, str) else kind["type"]
    special = {"date": st.dates(), "uuid": st.uuids(), "decimal": st.decimals(-9, 9, places=0)}
    if isinstance(kind, dict) and "logicalType" in kind:
        return special.get(kind["logicalType"], st.datetimes(timezones=st.just(UTC)))
    simple: dict[str, st.SearchStrategy[Any]] = {
        "null": st.none(), "boolean": st.booleans(), "int": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1), "float": st.floats(width=32, allow_nan=False),
        "double": st.floats(allow_nan=False), "bytes": st.binary(max_size=4), "string": st.text(max_size=4),
    }  # fmt: skip
    if name in simple:
        return simple[name]
    match kind["type"]:
        case "array":
            return st.lists(values(kind["items"], named), max_size=2)
        case "map":
            return st.dictionaries(st.text(max_size=2), values(kind["values"], named), max_size=2)
        case "enum":
            return st.sampled_from(kind["symbols"])
        case "fixed":
            return st.binary(min_size=kind["size"], max_size=kind["size"])
    return st.fixed_dictionaries({field["name"]: values(field["type"], named) for field in kind["fields"]})


def read_back(value: Any, writer: Any, reader: Any) -> Any:
    stream = io.BytesIO()
    try:
        fastavro.schemaless_writer(stream, writer, value)
    except (ValueError, TypeError, AttributeError):
        # it tries each type of a union in turn, and some refuse a value of another
        assume(False)
    stream.seek(0)
    try:
        return fastavro.schemaless_reader(stream, writer, reader)
    except TypeError as fault:
        # it looks a type up by its definition where one schema names it and the other defines it in the same place
        assume("unhashable" not in str(fault))
        raise


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], max_examples=200)
@given(pair=pairs(), data=st.data())
def test_what_is_called_compatible_can_be_read(pair: tuple[Any, Any], data: st.DataObject) -> None:
    named: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    old, new = (named_once(schema, names) for schema, names in zip(pair, named, strict=True))
    try:
        breaks = broken(old, new)
    except ContractError:
        assume(False)
    for writer, reader, names, direction in ((old, new, named[0], BACKWARD), (new, old, named[1], FORWARD)):
        if not breaks & direction:
            read_back(data.draw(values(writer, names)), writer, reader)
