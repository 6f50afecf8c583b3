"""What is discovered of the sample shop is what its contracts say, and can be copied by it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataeng_assets.contracts.checks.kinds import OneOf
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import Contract
from dataeng_assets.extract.declare import write_declaration
from dataeng_assets.extract.discover import Discovered, discover
from dataeng_assets.extract.plan import SourceTable, Window
from dataeng_assets.extract.run import extract
from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.postgres.connect import connect
from dataeng_assets.postgres.tables import describe_tables
from dataeng_assets.sample.fill import fill
from dataeng_assets.settings import ROOT
from dataeng_assets.testing.servers import new_database

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def shop(
    postgres_server: Postgres, kafka_broker: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Discovered]]:
    folder = tmp_path_factory.mktemp("shop")
    with new_database(postgres_server) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATAENG_STATE", str(folder / "state"))
        (folder / "state").mkdir()
        truth = folder / "state" / "truth"
        fill(url, kafka_broker.bootstrap, truth=truth, days=3, scale=0.002, topic=folder.name)
        with connect(url, "test") as connection:
            tables = describe_tables(connection, "shop")
        yield url, discover(tables, source="shop", schema="shop", folder=folder / "contracts", owner="data")


def shape(contract: Contract) -> list[object]:
    accepted = [rule.check for rule in contract.rules if isinstance(rule.check, OneOf)]
    return [
        contract.key,
        [(c.name, c.type, c.nullable, [check for check in accepted if check.column == c.name])
         for c in contract.columns],
    ]  # fmt: skip


def test_columns_types_keys_and_labels_are_those_of_the_contracts(shop: tuple[str, Discovered]) -> None:
    written = load_contracts(ROOT / "dataeng_assets" / "defs" / "shop" / "contracts")
    found = {contract.name: contract for contract in shop[1].contracts}
    assert found.keys() == written.keys()
    for name, contract in written.items():
        typed = {c.name for c in contract.columns if c.type.kind.startswith("shop.")}
        ours, theirs = shape(contract), shape(found[name])
        assert theirs[0] == ours[0]
        for mine, its in zip(ours[1], theirs[1], strict=True):
            assert its[:3] == mine[:3], name
            assert its[3] == mine[3] or mine[0] not in typed, name


def test_the_table_without_a_clock_is_read_whole(shop: tuple[str, Discovered]) -> None:
    found = shop[1]
    assert (found.watermark, found.options(found.watermark)) == ("updated_at", {"product_categories": {"mode": "full"}})
    assert found.left_out == ()


def test_every_table_is_copied_by_what_was_discovered(shop: tuple[str, Discovered], tmp_path: Path) -> None:
    url, found = shop
    folder = found.contracts[0].path.parent
    write_declaration(found, folder.parent, "DATAENG_SHOP_URL")
    contracts = load_contracts(folder)
    tables = [
        SourceTable(contract, "shop", found.watermarks[name], ("bronze", "shop", name))
        for name, contract in contracts.items()
    ]
    reports = extract(url, tables, Lake(str(tmp_path / "lake"), {}), Window(None, None), run_id="one")
    assert {report.key[-1]: report.rows_appended == report.rows_in_source > 0 for report in reports} == dict.fromkeys(
        contracts, True
    )
