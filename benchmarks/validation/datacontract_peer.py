"""Data Contract CLI: `python datacontract_peer.py INPUT ANSWERS`.

The contract is in ODCS, with SQL for what the standard has no word for. A range is two checks here, one of each end,
whose numbers are added. Of values that are not unique it counts the values, and the rows that are involved; what is
planted are pairs, of which there are as many as rows too many.
"""

import sys
from collections import defaultdict
from typing import Any

from datacontract.data_contract import DataContract
from rules import METRICS, RULES, UUID, Rule, contract, properties, write_answers

SQL = {
    "at_most": "select count(*) from {{model}} where {column} > {argument}",
    "mean": "select avg({column}) from {{model}}",
    "sum": "select sum({column}) from {{model}}",
    "row_count": "select count(*) from {{model}}",
    "maximum": "select max({column}) from {{model}}",
    "null_share": "select avg(case when {column} is null then 1.0 else 0.0 end) from {{model}}",
    "stdev": "select stddev_samp({column}) from {{model}}",
    "median": "select median({column}) from {{model}}",
}
TYPES = {
    "not_null": ("field_required",),
    "unique": ("field_unique",),
    "uuid": ("field_regex",),
    "matches": ("field_regex",),
    "one_of": ("field_enum",),
    "between": ("field_minimum", "field_maximum"),
    "length": ("field_min_length", "field_max_length"),
}
"""What its checks are called."""


def quality(rule: Rule) -> dict[str, Any]:
    query = SQL[rule.kind].format(column=rule.column, argument=rule.arguments[0])
    bounds = {"mustBeBetween": list(rule.arguments)} if rule.kind in METRICS else {"mustBe": 0}
    return {"id": rule.name, "type": "sql", "query": query, **bounds}


def answer(rule: Rule, checks: list[Any]) -> dict[str, Any]:
    if not checks or any(check.diagnostics is None or check.result not in ("passed", "failed") for check in checks):
        sys.exit(f"{rule.name}: {[(check.result, check.reason) for check in checks]}")
    value = sum(check.diagnostics["value"] for check in checks)
    counted = {"value": float(value)} if rule.kind in METRICS else {"failing": int(value)}
    if rule.kind == "unique":
        counted["involved"] = checks[0].diagnostics["failed_rows"]
    return {"holds": all(check.result == "passed" for check in checks), **counted}


def main() -> None:
    path, answers = sys.argv[1:]
    server = {"server": "file", "type": "local", "path": path, "format": "parquet"}
    said = [quality(rule) for rule in RULES if rule.kind in SQL]
    columns = properties(uuid={"pattern": UUID})
    for column in columns:
        if column["logicalType"] == "timestamp":
            del column["physicalType"]  # it casts a file to what is said, and has no type with a zone
    text = contract(columns, said, servers=[server])
    by_rule = defaultdict(list)
    for check in DataContract(data_contract_str=text).test().checks:
        by_rule[check.qualityId or (check.type, check.field)].append(check)
    found = {}
    for rule in RULES:
        wanted = [rule.name, *((kind, rule.column) for kind in TYPES.get(rule.kind, ()))]
        found[rule.name] = answer(rule, [check for key in wanted for check in by_rule.get(key, [])])
    write_answers(answers, found)


if __name__ == "__main__":
    main()
