"""How many comparisons of two JSON Schemas a second, on schemas as they occur.

    .venv/bin/python benchmarks/compatibility.py [--json FILE] [--seconds 2]

One check compares two versions in both directions, from parsed JSON to changes: nothing is kept between checks. Each
row is one kind of schema with one typical change. The figure to reach, 500 a second, is that of each of the schemas
with 20 properties; the file holds every row.
"""

import argparse
import json
import platform
import statistics
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dataeng_assets.contracts.compatibility.json_schema.compare import compare_json_schemas

TARGET = 500
Schema = dict[str, Any]


def order(properties: int = 20) -> Schema:
    """An order: twenty properties, among them an address and a list of items."""
    kinds: list[Schema] = [
        {"type": "string", "maxLength": 200},
        {"type": "integer", "minimum": 0},
        {"type": "number", "minimum": 0, "multipleOf": 0.01},
        {"type": ["string", "null"], "format": "date-time"},
        {"enum": ["placed", "paid", "shipped", "returned"]},
    ]
    named = {f"field_{n}": deepcopy(kinds[n % len(kinds)]) for n in range(properties - 2)}
    item = {
        "type": "object",
        "properties": {"sku": {"type": "string"}, "quantity": {"type": "integer", "minimum": 1}, "price": kinds[2]},
        "required": ["sku", "quantity"],
        "additionalProperties": False,
    }
    named["address"] = {"$ref": "#/$defs/address"}
    named["items"] = {"type": "array", "minItems": 1, "items": item}
    address = {"type": "object", "properties": {n: {"type": "string"} for n in ("street", "city", "zip", "country")}}
    return {
        "type": "object",
        "properties": named,
        "required": ["field_0", "field_1", "items"],
        "additionalProperties": False,
        "$defs": {"address": {**address, "required": ["city"], "additionalProperties": False}},
    }


def events() -> Schema:
    """Five kinds of events, told apart by a constant."""
    one = order(8)
    kinds = []
    for kind in ("created", "changed", "paid", "shipped", "returned"):
        properties = {**deepcopy(one["properties"]), "kind": {"const": kind}}
        kinds.append({"type": "object", "properties": properties, "required": ["kind"]})
    return {"oneOf": kinds, "$defs": one["$defs"]}


def tree() -> Schema:
    """A category with categories in it."""
    properties = {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}}
    return {"type": "object", "properties": properties, "required": ["name"], "additionalProperties": False}


def cases() -> dict[str, tuple[Schema, Schema]]:
    """Pairs of versions by what they show."""
    same, wider, added, nested, unions, deeper = order(), order(), order(), order(), events(), tree()
    wider["properties"]["field_0"]["maxLength"] = 400
    added["properties"]["note"] = {"type": "string"}
    nested["properties"]["items"]["items"]["properties"]["quantity"]["maximum"] = 99
    nested["$defs"]["address"]["required"] = ["city", "zip"]
    unions["oneOf"][2]["properties"]["field_0"]["maxLength"] = 400
    deeper["properties"]["name"]["minLength"] = 1
    return {
        "20 properties, nothing changed": (order(), same),
        "20 properties, one wider": (order(), wider),
        "20 properties, one added": (order(), added),
        "20 properties, two nested ones stricter": (order(), nested),
        "union of 5 with 9 properties each": (events(), unions),
        "a tree": (tree(), deeper),
    }


def checks_per_second(old: Schema, new: Schema, seconds: float) -> float:
    started = time.perf_counter()
    count = 0
    while time.perf_counter() - started < seconds:
        compare_json_schemas(old, new)
        count += 1
    return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--seconds", type=float, default=2, help="how long each row is measured")
    chosen = parser.parse_args()
    table = Table("schemas", "changes", "checks a second", title="Compatibility of two JSON Schemas, one process")
    figures = {}
    for name, (old, new) in cases().items():
        rate = checks_per_second(old, new, chosen.seconds)
        figures[name] = round(rate)
        table.add_row(name, str(len(compare_json_schemas(old, new))), f"{rate:,.0f}")
    Console().print(table)
    typical = [rate for name, rate in figures.items() if name.startswith("20 properties")]
    mean, slowest = statistics.harmonic_mean(typical), min(typical)
    Console().print(f"20 properties: {mean:,.0f} checks a second, the slowest {slowest:,}; to reach: {TARGET}")
    if chosen.json:
        result = {
            "case": "compatibility",
            "contestant": "ours",
            "checks_per_second": round(mean),
            "slowest_checks_per_second": slowest,
            "target": TARGET,
            "python": platform.python_version(),
            "by_schema": figures,
        }
        chosen.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
