from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.contracts.checks.functions import register_functions
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Compare,
    DifferInRow,
    Format,
    Holds,
    IsNull,
    JsonSchema,
    Length,
    Like,
    Matches,
    MultipleOf,
    NotNull,
    OneOf,
    Operator,
    RowCheck,
    SumsTo,
    TupleOneOf,
)
from dataeng_assets.contracts.checks.predicates import judged_sql, violation_sql
from dataeng_assets.contracts.checks.rule import Rule

NAN = float("nan")
KINDS = {"t": "VARCHAR", "i": "BIGINT", "d": "DECIMAL(12,2)", "f": "DOUBLE", "day": "DATE", "l": "VARCHAR[]"}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        register_functions(made)
        yield made


def verdicts(
    connection: duckdb.DuckDBPyConnection, check: RowCheck, rows: list[tuple[Any, ...]], where: str = ""
) -> list[tuple[bool, bool]]:
    """For each row (t, i, d, f, day, l): whether it breaks the check, and whether it was judged."""
    rule = Rule(check, "rule", where=where)
    columns = ", ".join(f"{name} {kind}" for name, kind in KINDS.items())
    connection.execute(f"create or replace temp table rows_judged (n integer, {columns})")
    connection.executemany(
        "insert into rows_judged values (?, ?, ?, ?, ?, ?, ?)", [(n, *row) for n, row in enumerate(rows)]
    )
    found = connection.execute(
        f"select {violation_sql(rule, KINDS)}, {judged_sql(rule)} from rows_judged order by n"
    ).fetchall()
    return [(broken, judged) for broken, judged in found]


def row(**values: Any) -> tuple[Any, ...]:
    return tuple(values.get(name) for name in KINDS)


KEEPS, BREAKS, NOT_JUDGED = (False, True), (True, True), (False, False)


@pytest.mark.parametrize(
    ("check", "values", "verdict"),
    [
        (NotNull("t"), {}, BREAKS),
        (NotNull("t"), {"t": ""}, KEEPS),
        (NotNull("t", ("", "n/a")), {"t": "n/a"}, BREAKS),
        (NotNull("i", ("-1",)), {"i": -1}, BREAKS),
        (IsNull("t"), {"t": ""}, BREAKS),
        (IsNull("t"), {}, KEEPS),
        (OneOf("t", ("a", "b")), {"t": "b"}, KEEPS),
        (OneOf("t", ("a", "b")), {"t": "B"}, BREAKS),
        (OneOf("t", ("a", "b")), {"t": "b "}, BREAKS),
        (OneOf("t", ("a", "b")), {}, NOT_JUDGED),
        (OneOf("t", ("\u00e9",)), {"t": "e\u0301"}, BREAKS),
        (OneOf("t", (1, True)), {"t": "true"}, KEEPS),
        (OneOf("i", ("1", "x")), {"i": 1}, KEEPS),
        (OneOf("i", ("1", "x")), {"i": 2}, BREAKS),
        (OneOf("i", ()), {"i": 2}, BREAKS),
        (OneOf("i", (1,), negated=True), {"i": 1}, BREAKS),
        (OneOf("i", ("x",), negated=True), {"i": 1}, KEEPS),
        (OneOf("i", (1,), negated=True), {}, NOT_JUDGED),
        (Between("d", 0, 100), {"d": Decimal("100.00")}, KEEPS),
        (Between("d", 0, 100, maximum_open=True), {"d": Decimal("100.00")}, BREAKS),
        (Between("d", 0, 100, maximum_open=True), {"d": Decimal("99.99")}, KEEPS),
        (Between("d", Decimal("0.10")), {"d": Decimal("0.10")}, KEEPS),
        (Between("f", 0.1), {"f": 0.1}, KEEPS),
        (Between("f", 0.1, minimum_open=True), {"f": 0.1}, BREAKS),
        (Between("f", 0), {"f": NAN}, BREAKS),
        (Between("f", None, 5), {"f": NAN}, BREAKS),
        (Between("f", None, None), {"f": NAN}, BREAKS),
        (Between("f", 0), {"f": float("inf")}, KEEPS),
        (Between("f", 0), {}, NOT_JUDGED),
        (Between("day", "2024-01-01", "2024-12-31"), {"day": date(2024, 12, 31)}, KEEPS),
        (Between("day", "2024-01-01", "2024-12-31"), {"day": date(2025, 1, 1)}, BREAKS),
        (Between("t", "a", "c"), {"t": "d"}, BREAKS),
        (MultipleOf("d", Decimal("0.05")), {"d": Decimal("1.15")}, KEEPS),
        (MultipleOf("d", Decimal("0.05")), {"d": Decimal("1.16")}, BREAKS),
        (MultipleOf("f", 0.1), {"f": 0.3}, KEEPS),
        (MultipleOf("i", 3), {"i": 10}, BREAKS),
        (Length("t", 2, 3), {"t": "\u00e9\u00e9"}, KEEPS),
        (Length("t", 2, 3), {"t": "abcd"}, BREAKS),
        (Length("l", 1), {"l": []}, BREAKS),
        (Length("l", 1), {"l": [None]}, KEEPS),
        (Matches("t", ("^[a-z]+$",)), {"t": "abc"}, KEEPS),
        (Matches("t", ("b",)), {"t": "abc"}, KEEPS),
        (Matches("t", ("^b",)), {"t": "abc"}, BREAKS),
        (Matches("t", ("a", "x")), {"t": "abc"}, BREAKS),
        (Matches("t", ("a", "x"), any_of=True), {"t": "abc"}, KEEPS),
        (Matches("t", ("y", "x"), negated=True), {"t": "abc"}, KEEPS),
        (Matches("t", ("y", "a"), negated=True), {"t": "abc"}, BREAKS),
        (Matches("i", ("^7",)), {"i": 71}, KEEPS),
        (Like("t", ("a%",)), {"t": "abc"}, KEEPS),
        (Like("t", ("a",)), {"t": "abc"}, BREAKS),
        (JsonSchema("t", '{"type": "object", "required": ["a"]}'), {"t": '{"a": 1}'}, KEEPS),
        (JsonSchema("t", '{"type": "object", "required": ["a"]}'), {"t": "{}"}, BREAKS),
        (JsonSchema("t", '{"type": "object"}'), {"t": "{"}, BREAKS),
        (JsonSchema("t", '{"type": "object"}'), {}, NOT_JUDGED),
        (JsonSchema("t", '{"pattern": "^(a+)+$"}'), {"t": '"' + "a" * 5000 + '!"'}, BREAKS),
        (Compare("i", Operator.LESS, "d"), {"i": 1, "d": Decimal(2)}, KEEPS),
        (Compare("i", Operator.LESS, "d"), {"i": 2, "d": Decimal(2)}, BREAKS),
        (Compare("i", Operator.AT_MOST, "d"), {"i": 2}, NOT_JUDGED),
        (TupleOneOf(("t", "i"), (("a", 1), ("b", 2))), {"t": "a", "i": 1}, KEEPS),
        (TupleOneOf(("t", "i"), (("a", 1), ("b", 2))), {"t": "a", "i": 2}, BREAKS),
        (TupleOneOf(("t", "i"), (("a", 1), ("b", 2))), {"t": "a"}, NOT_JUDGED),
        (SumsTo(("i", "d"), Decimal("3.5")), {"i": 1, "d": Decimal("2.5")}, KEEPS),
        (SumsTo(("i", "i"), 2**64 - 2), {"i": 2**63 - 1}, KEEPS),
        (SumsTo(("i", "d"), 3), {"i": 1}, NOT_JUDGED),
        (DifferInRow(("i", "d")), {"i": 2, "d": Decimal("2.00")}, BREAKS),
        (DifferInRow(("i", "d")), {"i": 2}, NOT_JUDGED),
        (Holds("i > 1 or t = 'x'"), {"i": 1, "t": "y"}, BREAKS),
        (Holds("i > 1"), {}, NOT_JUDGED),
        (Holds("i > 1"), {"i": 2}, KEEPS),
    ],
)
def test_a_row_is_judged_as_its_kind_of_check_says(
    connection: duckdb.DuckDBPyConnection, check: RowCheck, values: dict[str, Any], verdict: tuple[bool, bool]
) -> None:
    assert verdicts(connection, check, [row(**values)]) == [verdict]


def test_a_condition_limits_what_is_judged(connection: duckdb.DuckDBPyConnection) -> None:
    rows = [row(t="shipped"), row(t="placed"), row(), row(t="shipped", day=date(2024, 1, 1))]
    assert verdicts(connection, NotNull("day"), rows, where="t = 'shipped'") == [
        BREAKS,
        NOT_JUDGED,
        NOT_JUDGED,
        KEEPS,
    ]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000", "x", ""]),
        ("email", ["a.b+c@example.co.uk"], ["a@b", "a..b@example.com", "@example.com", "a b@example.com", "a@b.c\n"]),
        ("date", ["2024-02-29"], ["2023-02-29", "2024-2-9", "2024-02-29 "]),
        ("date-time", ["2024-02-29T23:59:60Z", "2024-01-01t00:00:00.1+05:30"], ["2024-01-01", "2024-02-30T00:00Z"]),
        ("time", ["23:59:59Z", "00:00:00"], ["24:00:00", "1:00:00"]),
        ("hostname", ["a-b.example"], ["-a.example", "a..b", "a" * 64]),
        ("ipv4", ["192.168.0.1"], ["256.1.1.1", "1.2.3", "01.2.3.4"]),
        ("ipv6", ["::", "::1", "2001:db8::42:8329", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1::"], [":::", "1:2", "1:2:3:4:5:6:7:8:9"]),  # noqa: E501
        ("uri", ["https://example.com/a?b=%20#c", "urn:isbn:1"], ["example.com", "http://a b", "http://%zz"]),
        ("json", ["{}", "1"], ["{", ""]),
        ("%d.%m.%Y", ["29.02.2024"], ["30.02.2024", "2024-02-29"]),
        ("number", ["-1.5e3", ".5"], ["1,5", "", "e"]),
        ("integer", ["-7"], ["7.0", ""]),
        ("duration", ["P1DT2H", "P3W"], ["1D", "PT1X"]),
    ],
)  # fmt: skip
def test_a_format_takes_what_is_written_so_and_nothing_else(
    connection: duckdb.DuckDBPyConnection, name: str, good: list[str], bad: list[str]
) -> None:
    found = verdicts(connection, Format("t", name), [row(t=text) for text in [*good, *bad]])
    assert found == [KEEPS] * len(good) + [BREAKS] * len(bad)


def test_a_format_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="no format 'uiid'"):
        violation_sql(Rule(Format("t", "uiid"), "rule"), KINDS)


@given(st.lists(st.text(), min_size=1, max_size=5), st.lists(st.text(), max_size=5))
def test_whatever_a_text_holds_it_is_compared_and_never_executed(values: list[str], texts: list[str]) -> None:
    with duckdb.connect() as made:
        clean = [text.replace("\x00", "") for text in texts]
        allowed = [value.replace("\x00", "") for value in values]
        found = verdicts(made, OneOf("t", tuple(allowed)), [row(t=text) for text in clean]) if clean else []
    assert [broken for broken, _ in found] == [text not in allowed for text in clean]


@pytest.mark.parametrize(
    ("check", "value", "kind", "holds"),
    [
        (Format("c", "date-time"), "2026-01-01 00:00:00+00", "TIMESTAMP WITH TIME ZONE", True),
        (Format("c", "date-time"), "2026-01-01", "DATE", False),
        (Format("c", "date"), "2026-01-01", "DATE", True),
        (Format("c", "%d.%m.%Y"), "2026-01-01", "DATE", True),
        (Format("c", "time"), "10:00:00", "TIME", True),
        (Format("c", "uuid"), "0" * 32, "UUID", True),
        (Format("c", "email"), "2026-01-01", "DATE", False),
        (JsonSchema("c", '{"required": ["x"]}'), "{'x': 1}", "STRUCT(x INTEGER)", True),
        (JsonSchema("c", '{"required": ["y"]}'), "{'x': 1}", "STRUCT(x INTEGER)", False),
        (JsonSchema("c", '{"maxItems": 1}'), "[1, 2]", "INTEGER[]", False),
    ],
)
def test_a_value_that_is_stored_as_what_it_is_needs_no_form(
    connection: duckdb.DuckDBPyConnection, check: RowCheck, value: str, kind: str, holds: bool
) -> None:
    condition = violation_sql(Rule(check, "r"), {"c": kind})
    found = connection.execute(f"select {condition} from (select cast(? as {kind}) as c)", [value]).fetchone()
    assert found == (not holds,)
