"""Whatever its dialect's parser accepts, no statement stops the analysis."""

import pytest
from random_sql import Grammar
from sqlglot import exp

from dataeng_assets.analyze.analysis import findings
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.analyze.statement import statements

KNOWN = Facts(
    {
        "shop.orders": TableFacts(
            "shop.orders",
            rows=10_000_000,
            bytes=90_000_000_000,
            files=30_000,
            partition_columns=("event_date",),
            keys=(frozenset({"order_id"}),),
            columns={
                "order_id": ColumnFacts("bigint", nullable=False, is_unique=True, distinct=10_000_000),
                "amount": ColumnFacts("double"),
                "k": ColumnFacts("string", most_common_share=0.5, distinct=7),
                "ordered_at": ColumnFacts("timestamp"),
            },
        ),
        "customers": TableFacts(
            "customers",
            bytes=50_000_000,
            clustered_by=("id",),
            indexes=(("id", "k"),),
            columns={"k": ColumnFacts("int")},
        ),
    }
)
"""Facts of each kind, so that the rules that need them run, too."""


@pytest.mark.parametrize("engine", Engine)
def test_no_random_statement_stops_the_analysis(engine: Engine) -> None:
    grammar, read, fired = Grammar(seed=20261122), 0, set()
    for _ in range(200):
        text = grammar.statement()
        accepted, _ = statements(text, engine)
        for statement in accepted:
            read += 1
            assert isinstance(statement.tree, exp.Expr)
            for finding in findings(statement, KNOWN):
                fired.add(finding.rule)
                place = finding.place
                assert (place.line, place.column) < (place.end_line, place.end_column), text
                assert place.end_column <= len(text) + 1, text
    assert read > 160
    assert len(fired) > 30
