"""Statements of our own that say which rules fire, each as often as it is named; no other rule may.

`star_schema` holds reports as benchmarks of warehouses ask them, in the dialect of Spark; `known_tables` is judged with
facts, in the dialect of the engine in the file's name or of Spark.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataeng_assets.analyze.analysis import analyze
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.analyze.rule import Rule
from dataeng_assets.analyze.rules import RULES

FOLDER = Path(__file__).parent / "corpus"
MARK = "-- fires: "
GIGABYTE = 1_000_000_000
SHOP = Facts(
    {
        "orders": TableFacts(
            "orders",
            partition_columns=("event_date",),
            keys=(frozenset({"order_id"}),),
            columns={
                "order_id": ColumnFacts("bigint"),
                "customer_id": ColumnFacts("bigint"),
                "shop_id": ColumnFacts("bigint", most_common_share=0.6),
                "visit_id": ColumnFacts("bigint"),
                "event_date": ColumnFacts("date"),
                "ordered_at": ColumnFacts("timestamp"),
                "weight": ColumnFacts("double"),
                "status": ColumnFacts("string"),
            },
        ),
        "customers": TableFacts(
            "customers",
            bytes=50_000_000,
            keys=(frozenset({"customer_id"}),),
            columns={"customer_id": ColumnFacts("bigint"), "name": ColumnFacts("string")},
        ),
        "visits": TableFacts(
            "visits", bytes=40 * GIGABYTE, clustered_by=("started_at",), keys=(frozenset({"visit_id"}),)
        ),
        "shops": TableFacts("shops", keys=(frozenset({"shop_id"}),)),
        "shops_of_customers": TableFacts("shops_of_customers", columns={"customer_id": ColumnFacts(nullable=False)}),
        "clicks": TableFacts("clicks", files=5000, bytes=GIGABYTE, keys=(frozenset({"click_id"}),)),
        "days": TableFacts("days", columns={"day": ColumnFacts("date"), "is_holiday": ColumnFacts("boolean")}),
        "payments": TableFacts("payments", bytes=300 * GIGABYTE),
    }
)


def corpus() -> Iterator[tuple[str, Engine, Facts, str, list[str]]]:
    for file in sorted(FOLDER.glob("*.sql")):
        engine = next((one for one in Engine if file.stem.endswith(one)), Engine.SPARK)
        facts = SHOP if file.stem.startswith("known_tables") else Facts()
        for number, part in enumerate(file.read_text().split(MARK)[1:], start=1):
            said, _, sql = part.partition("\n")
            fires = [] if said == "nothing" else said.split(", ")
            yield f"{file.stem}-{number}", engine, facts, sql.strip(), sorted(fires)


CORPUS = list(corpus())


@pytest.mark.parametrize(
    ("engine", "facts", "sql", "fires"), [one[1:] for one in CORPUS], ids=[one[0] for one in CORPUS]
)
def test_just_the_rules_that_are_named_fire(engine: Engine, facts: Facts, sql: str, fires: list[str]) -> None:
    result = analyze(sql, engine, facts=facts)
    assert result.unread == ()
    assert sorted(finding.rule for finding in result.findings) == fires


def test_the_corpus_is_large_and_each_rule_fires_at_least_twice_in_it() -> None:
    fired = Counter(rule for *_, fires in CORPUS for rule in set(fires))
    assert len(CORPUS) >= 500
    assert fired.keys() <= {rule.id for rule in RULES}
    assert {rule.id for rule in RULES if fired[rule.id] < 2} == {"long-in-list"}, "its statement has a thousand values"
    assert sum(not fires for *_, fires in CORPUS) >= 270


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_is_silent_on_statements_of_its_engines(rule: Rule) -> None:
    silent = [sql for _, engine, _, sql, fires in CORPUS if engine in rule.engines and rule.id not in fires]
    assert len(silent) >= 2
