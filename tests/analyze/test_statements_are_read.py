"""Texts become statements with places; what cannot be read is named and never a traceback."""

import pytest

from dataeng_assets.analyze.analysis import analyze
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.statement import statements


def test_a_finding_covers_exactly_what_it_is_about() -> None:
    text = "select 1;\n-- é is one column\nselect a,\n  b\nfrom t where 'é' = c and shipped_at =  null and b = 1;"
    (finding,) = analyze(text, Engine.SPARK).findings
    place = finding.place
    assert (place.line, place.column, place.end_line, place.end_column) == (5, 26, 5, 44)
    assert text.splitlines()[4][25:43] == "shipped_at =  null"


def test_a_syntax_error_has_its_place_and_the_other_statements_are_judged() -> None:
    result = analyze("select a from t where a = null;\nselect date(ts from;", Engine.SPARK, file="q.sql")
    assert [finding.rule for finding in result.findings] == ["equals-null"]
    assert [str(error) for error in result.unread] == ["q.sql:2:16: Syntax error near 'from': Expecting )."]


@pytest.mark.parametrize("engine", Engine)
def test_a_statement_nested_200_deep_is_judged(engine: Engine) -> None:
    nested = "select * from (" * 200 + "select a from t where a = null" + ") q" * 200
    result = analyze(nested, engine)
    assert result.unread == ()
    assert "equals-null" in {finding.rule for finding in result.findings}


@pytest.mark.parametrize("text", ["select " + "(" * 9000 + "1" + ")" * 9000, "select " + "not " * 9000 + "a"])
def test_a_statement_nested_too_deep_is_named(text: str) -> None:
    (error,) = analyze(text, Engine.SPARK).unread
    assert "nested too deep" in error.reason


def test_binary_data_is_named() -> None:
    assert "binary" in statements("select \0", Engine.SPARK)[1][0].reason


def test_a_megabyte_is_judged() -> None:
    text = "select a from t where a in (" + ", ".join(map(str, range(150_000))) + ") and b = null"
    assert len(text) > 1_000_000
    assert "equals-null" in {finding.rule for finding in analyze(text, Engine.SPARK).findings}


@pytest.mark.parametrize(
    ("engine", "marked"),
    [
        (Engine.SPARK, "cast(a as date) = '2024-01-05'"),
        (Engine.POSTGRES, "a::date = '2024-01-05'"),
        (Engine.SPARK, "substring(a, 0, 3) = 'abc'"),
        (Engine.POSTGRES, "extract(year from a) = 2024"),
        (Engine.POSTGRES, "(a at time zone 'Europe/Berlin')::date = '2024-01-05'"),
    ],
)
def test_what_is_marked_begins_with_its_own_word(engine: Engine, marked: str) -> None:
    """Casts and calls with a grammar of their own have no place in sqlglot; what is in them has one."""
    text = f"select b from t where {marked} and b = 1"
    (finding,) = analyze(text, engine).findings
    assert text[finding.place.column - 1 : finding.place.end_column - 1] == marked
    assert f"`{marked}`" in finding.message


def test_a_subquery_is_marked_with_its_brackets() -> None:
    text = "select a.id, (select max(b.v) from b where b.k = a.k) as v from a"
    (finding,) = analyze(text, Engine.SPARK).findings
    assert text[finding.place.column - 1 : finding.place.end_column - 1] == "(select max(b.v) from b where b.k = a.k)"


def test_the_time_window_of_spark_is_a_function_and_not_a_clause() -> None:
    text = "select window(ts, '5 minutes') as w, count(*) as n from events group by window(ts, '5 minutes')"
    read, unread = statements(text, Engine.SPARK)
    assert (len(read), unread) == (1, [])
    named = "select sum(v) over w as s from t window w as (partition by k)"
    assert statements(named, Engine.SPARK)[1] == []
