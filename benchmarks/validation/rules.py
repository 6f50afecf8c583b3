"""The twelve columns and twenty-five rules that every contestant of `benchmarks/validate.py` is given.

It is imported in the environments of the peers too, and so needs nothing but Python. Rows are counted from zero; what
is wrong in them is planted by `data`, so that the answers are known beforehand.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
EMAIL = "^[a-z0-9]+@example[.]com$"
STATUSES = ("placed", "paid", "shipped", "delivered", "cancelled", "returned")
CURRENCIES = ("EUR", "USD", "GBP", "CHF")

COLUMNS = {
    "order_id": ("integer", "bigint"),
    "order_ref": ("string", "text"),
    "customer_id": ("integer", "bigint"),
    "status": ("string", "text"),
    "currency": ("string", "text"),
    "total_amount": ("number", "decimal(12,2)"),
    "discount_amount": ("number", "decimal(12,2)"),
    "email": ("string", "text"),
    "note": ("string", "text"),
    "score": ("number", "double"),
    "ordered_at": ("timestamp", "timestamp with time zone"),
    "shipped_at": ("timestamp", "timestamp with time zone"),
}
"""Logical and physical type by name."""

PLANTED = {
    "customer_id": (1000, 3),
    "order_id": (2500, 7),
    "status": (500, 11),
    "score": (2000, 13),
    "email": (800, 17),
    "shipped_at": (4000, 19),
}
"""What is wrong in a column: every so many rows, from this row on. A wrong order_id is that of the row before."""
NULL_SHARE = 0.9
"""Of `note`, which is there in every tenth row."""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: the same for all contestants.
        kind: not_null, unique, uuid, matches, one_of, between, length or at_most, which count rows that break them;
            or the metric that is measured, which lies between the first and the second argument.
        column: what is judged.
        arguments: of the kind.
        planted: whether the rows that break it are those of `PLANTED`.
        holds: whether it does, for a metric.
    """

    name: str
    kind: str
    column: str
    arguments: tuple[Any, ...] = ()
    planted: str = ""
    holds: bool = True


METRICS = ("mean", "sum", "row_count", "maximum", "null_share", "stdev", "median")
REQUIRED = ("order_id", "order_ref", "customer_id", "status", "currency", "total_amount", "ordered_at")
RULES = (
    *(Rule(f"{name}_is_there", "not_null", name, (), "customer_id" * (name == "customer_id")) for name in REQUIRED),
    Rule("order_id_is_unique", "unique", "order_id", (), "order_id"),
    Rule("order_ref_is_unique", "unique", "order_ref"),
    Rule("order_ref_is_a_uuid", "uuid", "order_ref", (UUID,)),
    Rule("status_is_known", "one_of", "status", STATUSES, "status"),
    Rule("currency_is_known", "one_of", "currency", CURRENCIES),
    Rule("total_amount_in_range", "between", "total_amount", (0, 10_000)),
    Rule("discount_amount_in_range", "between", "discount_amount", (0, 100)),
    Rule("score_in_range", "between", "score", (0, 1), "score"),
    Rule("currency_has_three_letters", "length", "currency", (3, 3)),
    Rule("email_is_ours", "matches", "email", (EMAIL,), "email"),
    Rule("shipped_after_ordered", "at_most", "ordered_at", ("shipped_at",), "shipped_at"),
    Rule("score_mean", "mean", "score", (0.4, 0.6)),
    Rule("total_amount_sum", "sum", "total_amount", (1, 1_000_000_000_000)),
    Rule("rows", "row_count", "", (1, 1_000_000_000)),
    Rule("total_amount_maximum", "maximum", "total_amount", (9_000, 10_000)),
    Rule("note_null_share", "null_share", "note", (0, 0.85), holds=False),
    Rule("score_stdev", "stdev", "score", (0.2, 0.4)),
    Rule("score_median", "median", "score", (0.4, 0.6)),
)


def planted(column: str, rows: int) -> int:
    """How many rows have what is planted in a column."""
    every, first = PLANTED[column]
    return len(range(first, rows, every))


def expected(rule: Rule, rows: int) -> dict[str, Any]:
    """The answer that is known beforehand: whether a rule holds, and how many rows break it.

    Of values that are not unique a contestant may count the rows that are too many (`failing`) or all that are involved
    (`involved`).
    """
    if rule.kind in METRICS:
        return {"holds": rule.holds}
    failing = planted(rule.planted, rows) if rule.planted else 0
    answer: dict[str, Any] = {"holds": not failing, "failing": failing}
    return answer | ({"involved": 2 * failing} if rule.kind == "unique" else {})


def write_answers(path: str, answers: Mapping[str, Mapping[str, Any]]) -> None:
    """Hand over what a contestant has found, by rule: `holds`, and `failing`, `involved` or `value` where it tells."""
    Path(path).write_text(json.dumps(answers, indent=1), encoding="utf-8")


def contract(properties: Iterable[Mapping[str, Any]], quality: Iterable[Mapping[str, Any]], **more: Any) -> str:
    """An ODCS document about the table, as JSON, which is YAML."""
    table = {"name": "orders", "physicalType": "table", "logicalType": "object"}
    return json.dumps(
        {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "orders",
            "name": "orders",
            "version": "1.0.0",
            "status": "active",
            **more,
            "schema": [{**table, "properties": list(properties), "quality": list(quality)}],
        },
        indent=1,
    )


OPTIONS = {"matches": ("pattern",), "between": ("minimum", "maximum"), "length": ("minLength", "maxLength")}
"""What ODCS calls the arguments of a kind."""


def properties(*, uuid: Mapping[str, str]) -> list[dict[str, Any]]:
    """The columns in ODCS with the rules that it has words for.

    Args:
        uuid: how the contestant is told that a text is a uuid.
    """
    found: dict[str, dict[str, Any]] = {
        name: {"name": name, "logicalType": logical, "physicalType": physical}
        for name, (logical, physical) in COLUMNS.items()
    }
    for rule in RULES:
        if rule.kind in ("not_null", "unique"):
            found[rule.column]["required" if rule.kind == "not_null" else "unique"] = True
        elif rule.kind == "one_of":
            found[rule.column]["enum"] = [{"value": value} for value in rule.arguments]
        elif rule.kind == "uuid":
            found[rule.column]["logicalTypeOptions"] = dict(uuid)
        elif rule.kind in OPTIONS:
            found[rule.column]["logicalTypeOptions"] = dict(zip(OPTIONS[rule.kind], rule.arguments, strict=True))
    return list(found.values())
