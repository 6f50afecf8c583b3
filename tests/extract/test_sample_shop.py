"""The sample shop as it is declared: after each run bronze holds the present of every table, to the last value."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataeng_assets.components import PostgresTablesComponent
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.extract.plan import SourceTable, Window
from dataeng_assets.extract.run import TableReport, extract
from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.sample.fill import fill
from dataeng_assets.sample.schema import ARROW, TABLES, key_of
from dataeng_assets.sample.tick import tick
from dataeng_assets.sample.truth import Truth
from dataeng_assets.settings import ROOT
from dataeng_assets.testing.servers import new_database

pytestmark = pytest.mark.server

TICKS = 4


@dataclass
class Past:
    """A shop that has been extracted after each of some ticks."""

    lake: Lake
    truth: Truth
    tables: list[SourceTable]
    runs: list[dict[str, TableReport]]

    def log(self, table: str) -> list[dict[str, Any]]:
        return self.lake.open(("bronze", "shop", table)).to_pyarrow_table().to_pylist()


def declared() -> list[SourceTable]:
    folder = ROOT / "dataeng_assets" / "defs" / "shop"
    component = PostgresTablesComponent.model_validate(yaml.safe_load((folder / "defs.yaml").read_text())["attributes"])
    return component.source_tables(load_contracts(folder / "contracts"))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, kafka_broker: Kafka) -> Iterator[Past]:
    state: Path = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch, new_database(postgres_server) as url:
        patch.setenv("DATAENG_STATE", str(state))
        made = Past(Lake(str(state / "lake")), Truth(state / "truth"), declared(), [])
        services = {"url": url, "bootstrap": kafka_broker.bootstrap, "truth": made.truth.folder}
        fill(**services, days=20, scale=0.03, topic="user_events_of_the_extract")
        for number in range(TICKS + 1):
            if number:
                tick(**services)
            reports = extract(url, made.tables, made.lake, Window(None, None), run_id=f"run-{number}")
            made.runs.append({report.key[-1]: report for report in reports})
        yield made


@pytest.mark.parametrize("table", TABLES)
def test_the_newest_versions_are_the_present_of_the_shop(past, table):
    newest: dict[tuple, dict[str, Any]] = {}
    for row in sorted(past.log(table), key=lambda row: row["_extracted_at"]):
        newest[tuple(row[name] for name in key_of(table))] = row
    living = [newest[key] for key in sorted(newest) if newest[key]["_op"] != "delete"]
    present = past.truth.current(table).to_pylist()
    assert present
    assert [{name: row[name] for name in ARROW[table].names} for row in living] == present


@pytest.mark.parametrize("table", TABLES)
def test_no_version_is_stored_that_never_was(past, table):
    def row(found: dict[str, Any]) -> tuple:
        return tuple(str(found[name]) for name in ARROW[table].names)

    happened = {row(version) for version in past.truth.versions(table).to_pylist()}
    assert {row(version) for version in past.log(table)} <= happened


def test_categories_vanish_and_come_back_and_nothing_else_is_ever_deleted(past):
    operations = {table: {row["_op"] for row in past.log(table)} for table in TABLES}
    assert operations.pop("product_categories") == {"upsert", "delete", "return"}
    assert set().union(*operations.values()) == {"upsert"}
    told = [(run["product_categories"].rows_deleted, run["product_categories"].rows_returned) for run in past.runs]
    assert told[0] == (0, 0)
    assert sum(deleted for deleted, _ in told) > 0


def test_a_table_read_whole_has_as_many_living_keys_as_the_source_has_rows(past):
    counts = [run["product_categories"] for run in past.runs]
    assert [report.rows_living for report in counts] == [report.rows_in_source for report in counts]
    assert {report.rows_living for table, report in past.runs[-1].items() if table != "product_categories"} == {None}


@pytest.mark.parametrize("table", TABLES)
def test_a_run_stores_at_most_one_version_of_a_key(past, table):
    stored = [(*(row[name] for name in key_of(table)), row["_extracted_at"]) for row in past.log(table)]
    assert len(stored) == len(set(stored))
