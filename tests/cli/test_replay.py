"""What `dataeng replay` says, and with which exit code it ends."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app
from dataeng_assets.components import declared, kafka_topic
from dataeng_assets.components.declared import find_table
from dataeng_assets.components.kafka_topic import KafkaTopicComponent
from dataeng_assets.contracts.checks.kinds import OneOf
from dataeng_assets.contracts.checks.rule import Quarantine, Rule
from dataeng_assets.contracts.model import Column, Contract, EventTime
from dataeng_assets.contracts.types import event_type, postgres_type
from dataeng_assets.extract.commit import open_bronze
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.ingest import make_tables

KNOWN = Rule(OneOf("status", ("new", "paid")), "known_status")
READ_AT = datetime(2026, 1, 9, tzinfo=UTC)


def column(name: str, kind: str, *, key: bool = False) -> Column:
    return Column(name, postgres_type(kind), kind, not key, personal=False, description=name)


ORDERS = Contract(
    path=Path("orders.yaml"), id="shop.orders", name="orders", version="1.0.0", description="Orders.", owner="tests",
    domain="shop", tags=(), columns=(column("order_id", "bigint", key=True), column("status", "text")),
    key=("order_id",), rules=(KNOWN,), quarantine=Quarantine(),
)  # fmt: skip
CLICKS = Contract(
    path=Path("clicks.yaml"), id="events.clicks", name="clicks", version="1.0.0", description="Clicks.", owner="tests",
    domain="events", tags=(), key=("event_id",), event_time=EventTime("at", READ_AT - READ_AT, READ_AT - READ_AT),
    columns=tuple(
        Column(name, event_type(kind), kind, nullable=False, personal=False, description=name)
        for name, kind in (("event_id", "string"), ("status", "string"), ("at", "timestamp"))
    ),
)  # fmt: skip


@pytest.fixture
def orders(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> SourceTable:
    """A table with two rows set aside: a status that is not known, and one that is by now."""
    table = SourceTable(ORDERS, "shop", "updated_at", ("bronze", "shop", "orders"))
    monkeypatch.setenv("DATAENG_LAKE", lake.uri)
    monkeypatch.setattr(declared, "_declared", lambda _: iter([table]))
    aside = open_bronze(lake, table).quarantine
    assert aside is not None
    row = {"_op": "upsert", "_extracted_at": READ_AT, "_run_id": "run", "_broken": ["x"], "_contract_version": "0.9.0"}
    rows = [{"order_id": n, "status": status, "_row_hash": n, **row} for n, status in enumerate(["paid", "lost"])]
    append(aside, pa.Table.from_pylist(rows, schema=pa.schema(aside.schema().to_arrow())), transactions={})
    return table


def replay(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["replay", *arguments], env={"COLUMNS": "160"})


def held(lake: Lake) -> int:
    return lake.open(("bronze", "shop", "orders")).to_pyarrow_dataset().count_rows()


def lines(result: Result) -> dict[str, str]:
    cells = (line.rsplit(maxsplit=1) for line in result.output.splitlines() if line.strip())
    return {name.strip(): count for name, *rest in cells for count in rest}


def test_a_replay_says_what_became_of_each_row_and_exits_1_while_something_is_broken(
    orders: SourceTable, lake: Lake
) -> None:
    dry = replay("shop.orders", "--dry-run")
    assert (dry.exit_code, lines(dry)["would be released"], held(lake)) == (1, "1", 0)
    first = replay("shop.orders")
    assert (first.exit_code, held(lake)) == (1, 1)
    found = lines(first)
    outcomes = ("validated again", "released", "still broken", "known_status", "released before")
    assert [found[name] for name in outcomes] == list("21110")
    assert "Released as replay-" in first.output
    again = lines(replay("orders"))
    assert [again[name] for name in ("released", "still broken", "released before")] == list("011")


def test_a_replay_exits_0_when_nothing_is_broken_any_more(
    orders: SourceTable, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = replace(orders, contract=replace(ORDERS, rules=()))
    monkeypatch.setattr(declared, "_declared", lambda _: iter([known]))
    assert (replay("bronze.shop.orders").exit_code, held(lake)) == (0, 2)


@pytest.mark.parametrize(("limit", "code", "rows"), [("0", 1, 0), ("49.9%", 1, 0), ("50%", 1, 1), ("1", 1, 1)])
def test_above_the_limit_nothing_is_released(orders: SourceTable, lake: Lake, limit: str, code: int, rows: int) -> None:
    result = replay("shop.orders", "--limit", limit)
    assert (result.exit_code, held(lake), "Nothing was released" in result.output) == (code, rows, rows == 0)


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("arguments", [["nowhere"], ["shop.orders", "--limit", "few"], ["shop.orders", "--limit=-1"]])
def test_what_cannot_be_decided_exits_2(arguments: list[str]) -> None:
    assert replay(*arguments).exit_code == 2


def test_a_table_of_which_nothing_was_set_aside_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    table = SourceTable(ORDERS, "shop", None, ("bronze", "shop", "orders"))
    monkeypatch.setenv("DATAENG_LAKE", lake.uri)
    monkeypatch.setattr(declared, "_declared", lambda _: iter([table]))
    result = replay("shop.orders")
    assert (result.exit_code, "Nothing was ever set aside" in result.output) == (2, True)


def test_dead_letters_are_released_without_a_broker_and_the_windows_wait_for_it(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAENG_LAKE", lake.uri)
    monkeypatch.delenv("NO_SUCH_BROKER", raising=False)
    component = KafkaTopicComponent(topic="clicks", domain="events", bootstrap_variable="NO_SUCH_BROKER")
    monkeypatch.setattr(kafka_topic, "find_topic", lambda _: (component, CLICKS))
    stream = component.stream(CLICKS)
    make_tables(stream)
    letters = lake.open(stream.dead_letters)
    row = {"_kafka_partition": 0, "_ingested_at": READ_AT, "_run_id": "run", "reason": "rule:old"}
    values = [b'{"event_id":"a","status":"new","at":"2026-01-09T00:00:00Z"}', b"{"]
    rows = [{**row, "_kafka_offset": offset, "value": value} for offset, value in enumerate(values)]
    append(letters, pa.Table.from_pylist(rows, schema=pa.schema(letters.schema().to_arrow())), transactions={})
    result = replay("clicks")
    found = lines(result)
    assert (result.exit_code, found["released"], found["not_json"]) == (1, "1", "1")
    assert "Windows are computed anew by the next run" in result.output
    assert lake.open(stream.main).to_pyarrow_dataset().count_rows() == 1


def test_a_table_is_found_by_each_of_its_names(tmp_path: Path) -> None:
    attributes = "{source: crm, url_variable: CRM_URL}"
    for source in ("crm", "erp"):
        contracts = tmp_path / source / "contracts"
        contracts.mkdir(parents=True)
        component = "dataeng_assets.components.PostgresTablesComponent"
        (tmp_path / source / "defs.yaml").write_text(f"type: {component}\nattributes: {attributes}\n")
        shutil.copy(ROOT / "docs/reference/example-contract.yaml", contracts / "accounts.yaml")
        attributes = "{source: erp, url_variable: ERP_URL}"
    names = ("crm.accounts", "bronze.crm.accounts")
    assert {find_table(name, tmp_path).key for name in names} == {("bronze", "crm", "accounts")}
    with pytest.raises(LookupError, match=r"No table 'account' is declared.*crm\.accounts, erp\.accounts"):
        find_table("account", tmp_path)
    with pytest.raises(LookupError, match="Several tables are called 'accounts'"):
        find_table("accounts", tmp_path)
