"""What the sample's contracts demand is true of the shop: after its past, in its days, and when it does its worst."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataeng_assets.contracts.checks.kinds import OfType
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import Contract
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.results import Status
from dataeng_assets.quality.scan.judge import judge
from dataeng_assets.sample import schema
from dataeng_assets.sample.fill import fill
from dataeng_assets.sample.tick import tick

CONTRACTS = load_contracts(Path(__file__).parents[2] / "dataeng_assets" / "defs" / "shop" / "contracts")


@pytest.fixture
def days(database: str, kafka_broker: Kafka, topic_name: str, tmp_path: Path, state: Path) -> Iterator[str]:
    """After each of them the shop is looked at: the past, a day, and two bad ones."""

    def lived() -> Iterator[str]:
        folder = tmp_path / "truth"
        fill(database, kafka_broker.bootstrap, truth=folder, topic=topic_name, scale=0.02)
        yield database
        for hostile in (False, True, True):
            tick(database, kafka_broker.bootstrap, truth=folder, hostile=hostile)
            yield database

    return lived()


def tables(url: str, folder: Path) -> dict[str, Path]:
    """The shop's tables as files, in the types of the contracts."""
    files = {}
    with psycopg.connect(url) as connection:
        for name in schema.TABLES:
            rows = connection.execute(f"select {schema.projection(name)} from shop.{name}").fetchall()  # type: ignore[arg-type]
            names = schema.ARROW[name].names
            table = pa.Table.from_pylist(
                [dict(zip(names, row, strict=True)) for row in rows], schema=schema.ARROW[name]
            )
            files[name] = folder / f"{name}.parquet"
            pq.write_table(table, files[name])
    return files


def broken(contract: Contract, files: dict[str, Path]) -> list[str]:
    # what type bronze has is the extract's to prove; which column a file has in its place is not asked here
    rules = tuple(rule for rule in contract.rules if not isinstance(rule.check, OfType))
    with duckdb.connect() as connection, open_input(str(files[contract.name]), connection) as opened:
        found = judge(
            connection,
            opened,
            replace(contract.suite, rules=rules),
            other=lambda name: f"read_parquet('{files[name]}')",
        )
    return [f"{one.rule.name}: {one.status} {one.reason}" for one in found.results if one.status is not Status.HOLDS]


@pytest.mark.server
def test_every_rule_of_the_shop_holds_on_good_days_and_bad_ones(days: Iterator[str], tmp_path: Path) -> None:
    warnings = {"customer_is_known", "product_is_known"}
    for url in days:
        files = tables(url, tmp_path)
        for contract in CONTRACTS.values():
            assert {line for line in broken(contract, files) if line.partition(":")[0] not in warnings} == set()
