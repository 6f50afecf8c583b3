# ruff: noqa: E501  # a statement before and after is easier compared when each stands on one line
"""Rewrites: the changed place, the text around it, and that what is called proven survives other data."""

import random

import pytest

from dataeng_assets.analyze.analysis import analyze
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.analyze.proof import Verdict, prove
from dataeng_assets.analyze.rewrites import REWRITES, recommended
from dataeng_assets.analyze.rules import RULES

ORDERS = Facts(
    {
        "orders": TableFacts(
            "orders",
            keys=(frozenset({"order_id"}),),
            columns={
                "order_id": ColumnFacts("bigint", nullable=False, is_unique=True),
                "status": ColumnFacts("varchar"),
                "amount": ColumnFacts("decimal(18,2)"),
                "ordered_at": ColumnFacts("timestamp"),
            },
        )
    }
)
PROVEN, REFUTED, NOT_PROVEN = Verdict.PROVEN, Verdict.REFUTED, Verdict.NOT_PROVEN
# engine, rule, verdict, before, after
CASES = [
    ("spark", "function-on-column", PROVEN,
     "select order_id -- kept\nfrom orders /* and this */\nwhere  date(ordered_at) = '2024-01-05'  and status = 'x'",
     "select order_id -- kept\nfrom orders /* and this */\nwhere  ordered_at >= date '2024-01-05' and ordered_at < date '2024-01-06'  and status = 'x'"),
    ("postgres", "function-on-column", PROVEN,
     "SELECT order_id FROM orders WHERE ordered_at::date BETWEEN '2024-01-05' AND '2024-01-31'",
     "SELECT order_id FROM orders WHERE ordered_at >= date '2024-01-05' and ordered_at < date '2024-02-01'"),
    ("bigquery", "function-on-column", PROVEN,
     'select order_id from orders where extract(year from ordered_at) = 2024',
     "select order_id from orders where ordered_at >= '2024-01-01' and ordered_at < '2025-01-01'"),
    ("snowflake", "function-on-column", PROVEN,
     "select order_id from orders where date_trunc('month', ordered_at) <= '2024-12-01'",
     "select order_id from orders where ordered_at < date '2025-01-01'"),
    ("redshift", "function-on-column", PROVEN,
     "select order_id from orders where cast(ordered_at as date) > '2024-02-28'",
     "select order_id from orders where ordered_at >= date '2024-02-29'"),
    ("databricks", "function-on-column", PROVEN,
     'select order_id from orders where year(ordered_at) = 2024 or amount > 3',
     "select order_id from orders where (ordered_at >= date '2024-01-01' and ordered_at < date '2025-01-01') or amount > 3"),
    ("duckdb", "function-on-column", PROVEN,
     "select order_id from orders where left(status, 3) = 'abc'",
     "select order_id from orders where status like 'abc%'"),
    ("postgres", "arithmetic-on-column", PROVEN,
     'select order_id from orders where amount + 5 > 10',
     'select order_id from orders where amount > 5'),
    ("spark", "coalesce-in-filter", PROVEN,
     "select order_id from orders where coalesce(status, 'x') = 'x'",
     "select order_id from orders where (status = 'x' or status is null)"),
    ("postgres", "implicit-cast", PROVEN,
     "select order_id from orders where order_id = '15'",
     'select order_id from orders where order_id = 15'),
    ("spark", "equals-null", REFUTED,
     'select order_id from orders where status = null',
     'select order_id from orders where status is null'),
    ("spark", "distinct-with-group-by", PROVEN,
     'select distinct status, count(*) as n from orders group by status',
     'select status, count(*) as n from orders group by status'),
    ("spark", "disjoint-union", PROVEN,
     "select 'a' as k, order_id from orders where amount > 3\nUNION\nselect 'b' as k, order_id from orders",
     "select 'a' as k, order_id from orders where amount > 3\nUNION ALL\nselect 'b' as k, order_id from orders"),
    ("duckdb", "left-join-turned-inner", PROVEN,
     "select o.order_id, c.name from orders o LEFT OUTER JOIN customers c on c.id = o.status where c.country = 'DE'",
     "select o.order_id, c.name from orders o JOIN customers c on c.id = o.status where c.country = 'DE'"),
    ("duckdb", "order-by-in-subquery", PROVEN,
     'select order_id from (select order_id from orders order by order_id desc) x where order_id > 3',
     'select order_id from (select order_id from orders) x where order_id > 3'),
    ("postgres", "count-instead-of-exists", PROVEN,
     'select c.id from customers c where (select count(*) from orders o where o.status = c.id) = 0',
     'select c.id from customers c where not exists (select 1 from orders o where o.status = c.id)'),
    ("postgres", "not-in-nullable", REFUTED,
     'select id from customers where id not in (select status from orders where amount > 3 or amount < 0)',
     'select id from customers where not exists (select 1 from orders where orders.status = customers.id and (amount > 3 or amount < 0))'),
    ("postgres", "having-without-aggregate", PROVEN,
     "select status, count(*) as n\nfrom orders\nwhere amount > 3\ngroup by status\nhaving status = 'x'",
     "select status, count(*) as n\nfrom orders\nwhere (amount > 3) and (status = 'x')\ngroup by status"),
    ("postgres", "correlated-scalar-subquery", PROVEN,
     "select c.id, (select count(*) from orders o where o.status = c.id and o.amount > 3) as n from customers c where c.id > 'a'",
     "select c.id, coalesce(by_status.value_, 0) as n from customers c left join (select o.status as key_0, count(*) as value_ from orders o where o.amount > 3 group by o.status) by_status on by_status.key_0 = c.id where c.id > 'a'"),
    ("duckdb", "or-in-join", PROVEN,
     'select o.order_id, c.id from orders o join customers c on o.status = c.id or o.status = c.name',
     'select o.order_id, c.id from orders o join customers c on o.status = c.id\nunion all\nselect o.order_id, c.id from orders o join customers c on (o.status = c.name) and not coalesce(o.status = c.id, false)'),
    ("postgres", "offset-paging", NOT_PROVEN,
     'select order_id from orders order by order_id limit 20 offset 10000',
     'select order_id from orders where order_id > :last_order_id order by order_id limit 20'),
]  # fmt: skip


def _rewrites(sql, engine, facts=ORDERS):
    analysis = analyze(sql, Engine(engine), facts=facts, recommend=recommended)
    assert not analysis.unread
    return {finding.rule: finding.rewrite for finding in analysis.findings}


@pytest.mark.parametrize(
    ("engine", "rule", "verdict", "before", "after"), CASES, ids=[f"{e}-{r}" for e, r, *_ in CASES]
)
def test_a_rewrite_changes_its_place_and_says_what_is_known_of_it(engine, rule, verdict, before, after):
    rewrite = _rewrites(before, engine)[rule]
    assert rewrite is not None
    assert rewrite.sql == after
    assert rewrite.proof.verdict is verdict, rewrite.proof


@pytest.mark.parametrize("case", [case for case in CASES if case[2] is PROVEN], ids=lambda case: f"{case[0]}-{case[1]}")
def test_what_is_called_proven_survives_two_hundred_data_sets_of_another_seed(case):
    engine, _, _, before, after = case
    seed = random.SystemRandom().randrange(2**32)
    proof = prove(before, after, ORDERS, seed=seed, dialect=engine)
    assert proof.verdict is PROVEN, f"seed {seed}: {proof}"


def test_a_rewrite_that_data_refutes_is_not_offered():
    union = "select 'a' as k, status from orders union select 'b' as k, status from orders"
    assert _rewrites(union, "spark")["disjoint-union"] is None, "the branches themselves hold rows twice"


def test_what_has_a_rewrite_is_a_rule():
    assert REWRITES.keys() <= {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.id in REWRITES], ids=lambda rule: rule.id)
def test_a_rewrite_of_each_rules_own_example_can_be_read_again(rule):
    rewrite = _rewrites(rule.example.bad, rule.example.engine, rule.example.facts).get(rule.id)
    if rewrite is not None:
        again = analyze(rewrite.sql, rule.example.engine, facts=rule.example.facts)
        assert not again.unread
        assert rule.id not in {finding.rule for finding in again.findings}


def test_a_statement_among_others_is_given_back_alone():
    text = "select 1;\nselect order_id from orders where date(ordered_at) = '2024-01-05';\nselect 2"
    rewrite = _rewrites(text, "spark")["function-on-column"]
    assert rewrite.sql.startswith("select order_id")
    assert rewrite.sql.endswith("date '2024-01-06'")


def test_a_condition_on_totals_stays_behind_the_grouping():
    """With ROLLUP a key is NULL in the row of totals, which no row before the grouping is."""
    totals = "select status, count(*) as n from orders group by rollup(status) having status is null"
    assert "having-without-aggregate" not in _rewrites(totals, "spark")


def test_a_subquery_that_gives_an_empty_list_becomes_no_join():
    lists = "select c.id, (select collect_list(o.order_id) from orders o where o.status = c.id) as ids from customers c"
    assert _rewrites(lists, "spark")["correlated-scalar-subquery"] is None


WIDE = Facts({"wide": TableFacts("wide", columns={f"c{n}": ColumnFacts("integer") for n in range(12)})})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "with w as (select * from wide where c3 > 2), n as (select count(*) as n from w) select w.c1, n.n from w cross join n where w.c2 = 4",
            "with w as (select c1, c2 from wide where c3 > 2), n as (select count(*) as n from w) select w.c1, n.n from w cross join n where w.c2 = 4",
        ),
        (
            "select c7, c5 from (select * from wide) w join other o using (c5)",
            "select c7, c5 from (select c5, c7 from wide) w join other o using (c5)",
        ),
    ],
)
def test_a_star_inside_is_written_as_the_columns_that_are_used_outside(before, after):
    rewrite = _rewrites(before, "spark", WIDE)["select-star"]
    assert rewrite.sql == after
    assert rewrite.proof.verdict is PROVEN, rewrite.proof


@pytest.mark.parametrize(
    "sql",
    [
        "select * from wide where c3 > 2 order by c1",
        "with w as (select * from wide) select * from w",
        "with w as (select * from wide) select to_json(w) as j from w",
        "with w as (select * from wide) select c1 from w natural join other",
        "with w as (select * from wide) select count(*) as n from w",
        "select c1 from (select * from wide union all select * from old) w",
    ],
)
def test_a_star_whose_columns_may_all_be_needed_is_left(sql):
    assert _rewrites(sql, "spark", WIDE)["select-star"] is None


def test_the_columns_that_a_star_stands_for_are_compared_with_those_that_are_named():
    names = list(WIDE.tables["wide"].columns)
    whole = prove("select * from wide", f"select {', '.join(names)} from wide", WIDE, seed=1)
    assert whole.verdict is PROVEN, whole
    fewer = prove("select * from wide", f"select {', '.join(names[1:])} from wide", WIDE, seed=1)
    assert fewer.verdict is NOT_PROVEN


CHANGES = [
    ("spark", "delete from orders where year(ordered_at) = 2025",
     "delete from orders where ordered_at >= date '2025-01-01' and ordered_at < date '2026-01-01'"),
    ("postgres", "update orders o set status = 'x', amount = amount * 2 where o.ordered_at::date = '2026-01-01'",
     "update orders o set status = 'x', amount = amount * 2 where o.ordered_at >= date '2026-01-01' and o.ordered_at < date '2026-01-02'"),
]  # fmt: skip


@pytest.mark.parametrize(("engine", "before", "after"), CHANGES)
def test_what_changes_rows_is_compared_by_the_rows_that_it_changes(engine, before, after):
    rewrite = _rewrites(before, engine)["function-on-column"]
    assert rewrite.sql == after
    assert rewrite.proof.verdict is PROVEN, rewrite.proof
    other_day = after.replace("2026-01-01", "2026-01-03")
    assert prove(before, other_day, ORDERS, seed=1, dialect=engine).verdict is REFUTED
    other_value = after.replace("* 2", "* 3")
    if other_value != after:
        assert prove(before, other_value, ORDERS, seed=1, dialect=engine).verdict is REFUTED


def test_a_delete_by_another_table_is_not_compared():
    before = (
        "delete from orders using customers c where c.id = orders.status and orders.ordered_at::date = '2026-01-01'"
    )
    rewrite = _rewrites(before, "postgres")["function-on-column"]
    assert (rewrite.proof.verdict, "this statement writes" in rewrite.proof.reason) == (NOT_PROVEN, True)
