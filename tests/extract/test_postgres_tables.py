"""What is declared in defs.yaml becomes assets, and what a run has done becomes results that can be believed."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox
from made_source import Shop

from dataeng_assets.components import PostgresTablesComponent, postgres_tables, table_results
from dataeng_assets.extract import quarantine
from dataeng_assets.orchestration.ledger.targets import Targets
from dataeng_assets.postgres import connect

pytestmark = pytest.mark.server

KEY = dg.AssetKey(["bronze", "shop", "items"])


def contract_document(name: str, **columns: str) -> dict[str, Any]:
    """A contract whose first column is the key; a type that ends with `?` may be empty."""
    properties = [
        {
            "name": column,
            "physicalType": kind.removesuffix("?"),
            "logicalType": {"text": "string", "timestamp with time zone": "timestamp"}.get(kind.strip("?"), "integer"),
            "required": not kind.endswith("?"),
            "primaryKey": number == 0,
            "description": column,
        }
        for number, (column, kind) in enumerate(columns.items())
    ]
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": f"shop.{name}",
        "version": "1.0.0",
        "status": "active",
        "domain": "shop",
        "team": {"name": "test"},
        "schema": [{"name": name, "physicalType": "table", "description": name, "properties": properties}],
    }


CLOCKED = {"item_id": "bigint", "value": "text?", "updated_at": "timestamp with time zone"}


class Declared:
    """A project with one source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contracts = [contract_document("items", **CLOCKED)]

    def definitions(self, **attributes: Any) -> dg.Definitions:
        with create_defs_folder_sandbox() as sandbox:
            given = {"source": "shop", "url_variable": "SHOP_URL", "db_schema": "shop", **attributes}
            path = sandbox.scaffold_component(
                component_cls=PostgresTablesComponent,
                defs_yaml_contents={
                    "type": "dataeng_assets.components.PostgresTablesComponent",
                    "attributes": given,
                },
            )
            shutil.rmtree(path / "contracts", ignore_errors=True)
            (path / "contracts").mkdir()
            for document in self.contracts:
                (path / "contracts" / f"{document['schema'][0]['name']}.yaml").write_text(yaml.safe_dump(document))
            with sandbox.load_component_and_build_defs(defs_path=path) as (_, definitions):
                return definitions

    def run(self, **attributes: Any) -> dg.ExecuteInProcessResult:
        return self.materialize(self.definitions(**attributes))

    def materialize(self, definitions: dg.Definitions) -> dg.ExecuteInProcessResult:
        """A run of the newest partition."""
        tables = [a for a in definitions.assets or [] if isinstance(a, dg.AssetsDefinition)]
        today = postgres_tables.newest_day().isoformat()
        return dg.materialize(tables, partition_key=today, raise_on_error=False)


@pytest.fixture
def declared(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Declared]:
    monkeypatch.setenv("SHOP_URL", shop.url)
    monkeypatch.setenv("DATAENG_LAKE", shop.lake.uri)
    # nothing is built from these tables, and so there is no dbt project to ask
    monkeypatch.setattr(postgres_tables, "targets", lambda: Targets(()))
    return Declared(tmp_path)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, dict[str, Any]]]:
    return {
        found.check_name: (found.passed, {name: value.value for name, value in found.metadata.items()})
        for found in result.get_asset_check_evaluations()
        if found.asset_key == KEY
    }


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key == KEY]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_each_check_of_a_table_says_what_it_counted(shop, declared):
    shop.do("INSERT INTO shop.items SELECT i, 'v' FROM generate_series(1, 5) i")
    found = checks(declared.run())
    passed, said = found.pop("no_anomaly")
    assert (passed, said["why"]) == (False, "not enough history: 0 earlier measurements")
    assert [found.pop(by_contract)[0] for by_contract in ("completeness", "uniqueness")] == [True, True]
    assert found == {
        "delivered": (True, {"rows_read": 5, "rows_in_source": 5}),
        "keys_not_null": (True, {"rows": 5, "without_item_id": 0}),
        "schema_equals_contract": (True, {"columns": 8, "differences": "none"}),
        "source_matches_contract": (
            True,
            {"columns_in_source": 3, "columns_in_contract": 3, "notes": "nothing to note"},
        ),
    }


@pytest.fixture
def guarded(declared):
    """The project, with a rule in the contract for which rows are set aside."""
    document = contract_document("items", **CLOCKED)
    [table] = document["schema"]
    table["customProperties"] = [{"property": "quarantine", "value": {"limit": 50, "unit": "percent"}}]
    table["properties"][1]["logicalTypeOptions"] = {"maxLength": 1}
    declared.contracts = [document]
    return declared


def test_what_was_set_aside_is_an_asset_with_its_own_check(shop, guarded):
    shop.do("INSERT INTO shop.items SELECT i, 'v' FROM generate_series(1, 99) i")
    shop.do("INSERT INTO shop.items VALUES (100, 'too long')")
    few = guarded.run()
    aside = dg.AssetKey([*KEY.path[:-1], "items_quarantine"])
    told = few.asset_materializations_for_node("shop_tables")
    assert {event.asset_key for event in told} == {KEY, aside}
    [found] = [event.metadata for event in told if event.asset_key == aside]
    [rule] = [name for name in found if name.startswith("breaks_")]
    assert [found[name].value for name in ("rows_read", "rows_quarantined", rule)] == [100, 1, 1]
    assert f"['{rule.removeprefix('breaks_')}']" in found["preview"].value
    assert checks(few)["delivered"][1] == {
        "rows_read": 100, "rows_in_source": 100, "rows_good": 99, "rows_quarantined": 1,
    }  # fmt: skip
    verdict = {found.check_name: found for found in few.get_asset_check_evaluations() if found.asset_key == aside}
    assert verdict["few_quarantined"].passed
    shop.do("INSERT INTO shop.items VALUES (101, 'too long')")
    many = guarded.run()
    [check] = [found for found in many.get_asset_check_evaluations() if found.asset_key == aside]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert many.success


def test_above_the_limit_of_the_contract_the_run_fails_and_is_not_tried_again(shop, guarded):
    shop.do("INSERT INTO shop.items VALUES (1, 'too long'), (2, 'b'), (3, 'too long')")
    failed = guarded.run()
    [event] = failed.get_step_failure_events()
    assert "TooManyBroken: 2 of 3 rows of shop.items" in str(event.step_failure_data.user_failure_data.description)
    assert shop.bronze() == shop.bronze("items_quarantine") == []


def test_rows_that_are_neither_good_nor_set_aside_fail_the_check(shop, guarded, monkeypatch):
    shop.do("INSERT INTO shop.items VALUES (1, 'too long'), (2, 'b')")
    monkeypatch.setattr(quarantine, "count_quarantined", lambda *_: 0)
    assert not checks(guarded.run())["delivered"][0]


def test_a_run_of_one_of_both_tables_fills_both_and_tells_of_the_one(shop, guarded):
    shop.do("INSERT INTO shop.items VALUES (1, 'too long'), (2, 'b')")
    definitions = guarded.definitions()
    today = postgres_tables.newest_day().isoformat()
    tables = [a for a in definitions.assets or [] if isinstance(a, dg.AssetsDefinition)]
    for name, other in (("items", "items_quarantine"), ("items_quarantine", "items")):
        run = dg.materialize(tables, selection=[f"bronze/shop/{name}"], partition_key=today)
        told = {event.asset_key.path[-1] for event in run.asset_materializations_for_node("shop_tables")}
        assert (told, other in told) == ({name}, False)
    assert len(shop.bronze("items_quarantine")) == 1


def test_a_table_declared_full_is_read_whole_and_tells_what_vanished_and_came_back(shop, declared):
    shop.do("ALTER TABLE shop.items DROP COLUMN updated_at")
    declared.contracts = [contract_document("items", item_id="bigint", value="text?")]
    how = {"tables": {"items": {"mode": "full", "max_vanished": 0.5}}}
    shop.do("INSERT INTO shop.items VALUES (1, 'a'), (2, 'b')")
    assert declared.run(**how).success
    shop.do("DELETE FROM shop.items WHERE item_id = 1")
    gone = declared.run(**how)
    shop.do("INSERT INTO shop.items VALUES (1, 'a')")
    back = declared.run(**how)
    assert [metadata(run)["rows_deleted"] for run in (gone, back)] == [1, 0]
    assert [metadata(run)["rows_returned"] for run in (gone, back)] == [0, 1]
    assert checks(gone)["delivered"] == (True, {"rows_read": 1, "rows_in_source": 1, "rows_living_in_bronze": 1})
    assert metadata(back)["lower_bound_by"] == "whole"
    assert [row["_op"] for row in shop.bronze()] == ["upsert", "upsert", "delete", "return"]


def test_bronze_that_does_not_hold_what_the_source_does_fails_the_check(shop, declared, monkeypatch):
    shop.do("INSERT INTO shop.items VALUES (1, 'a'), (2, 'b')")
    results = table_results._delivered

    def with_one_lost(key, report):
        from dataclasses import replace

        return results(key, replace(report, rows_living=report.rows_living - 1))

    monkeypatch.setattr(table_results, "_delivered", with_one_lost)
    passed, counts = checks(declared.run(tables={"items": {"mode": "full"}}))["delivered"]
    assert (passed, counts["rows_in_source"], counts["rows_living_in_bronze"]) == (False, 2, 1)


def test_what_there_was_no_row_to_judge_by_is_not_a_pass(shop, declared):
    result = declared.run()
    assert result.success
    passed, said = checks(result)["keys_not_null"]
    assert (passed, said["outcome"]) == (False, "not evaluated")
    assert checks(result)["delivered"] == (True, {"rows_read": 0, "rows_in_source": 0})


def test_a_column_that_the_contract_does_not_name_is_a_warning_and_loses_nothing(shop, declared):
    shop.do("ALTER TABLE shop.items ADD COLUMN extra integer")
    shop.do("INSERT INTO shop.items VALUES (1, 'a', now(), 7)")
    result = declared.run()
    assert metadata(result)["rows_appended"] == 1
    passed, said = checks(result)["source_matches_contract"]
    assert (passed, said["columns_in_source"], said["columns_in_contract"]) == (False, 4, 3)
    assert "extra (integer)" in said["notes"]


def test_a_column_that_left_the_contract_is_refused_by_name_and_not_tried_again(shop, declared):
    shop.do("INSERT INTO shop.items VALUES (1, 'a')")
    declared.run()
    declared.contracts = [contract_document("items", item_id="bigint", updated_at="timestamp with time zone")]
    result = declared.run()
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "value: found string, expected no such column" in failed.step_failure_data.error.message
    assert not [event for event in result.all_events if event.is_step_restarted]


def test_a_table_that_fails_does_not_hide_what_the_others_have_done(shop, declared):
    declared.contracts.append(contract_document("gone", **CLOCKED))
    shop.do("CREATE TABLE shop.gone (LIKE shop.items)")
    shop.do("ALTER TABLE shop.gone DROP COLUMN value")
    shop.do("INSERT INTO shop.items VALUES (1, 'a')")
    result = declared.run()
    assert not result.success
    assert metadata(result)["rows_appended"] == 1
    assert checks(result)["delivered"][0]
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "column value is missing" in failed.step_failure_data.error.message


def test_a_retry_for_the_sake_of_one_table_finds_the_others_done(shop, declared, monkeypatch):
    declared.contracts.append(contract_document("other", **CLOCKED))
    shop.do("CREATE TABLE shop.other (LIKE shop.items)")
    for table in ("items", "other"):
        shop.do(f"INSERT INTO shop.{table} VALUES (1, 'a', now())")
    migration = shop.session()
    migration.execute("LOCK TABLE shop.other IN ACCESS EXCLUSIVE MODE")
    extract = postgres_tables.extract

    def extract_and_end_the_migration(*given, **named):
        try:
            return extract(*given, **named)
        finally:
            migration.commit()

    monkeypatch.setattr(postgres_tables, "extract", extract_and_end_the_migration)
    monkeypatch.setattr(postgres_tables, "RETRY", dg.RetryPolicy(max_retries=1))
    monkeypatch.setitem(connect._SESSION, "lock_timeout", "200ms")
    result = declared.run()
    assert result.success
    appended = [
        (event.asset_key.path[-1], event.materialization.metadata["rows_appended"].value)
        for event in result.get_asset_materialization_events()
    ]
    assert sorted(appended) == [("items", 0), ("items", 1), ("other", 1)]


def test_two_runs_of_one_partition_at_once_leave_the_table_of_one(shop, declared, monkeypatch):
    shop.do("INSERT INTO shop.items SELECT i, 'v' FROM generate_series(1, 500) i")
    definitions = declared.definitions()
    extract, both = postgres_tables.extract, threading.Barrier(2)

    def extract_together(*given, **named):
        with suppress(threading.BrokenBarrierError):  # a retry goes alone
            both.wait(timeout=20)
        try:
            return extract(*given, **named)
        finally:
            both.abort()

    monkeypatch.setattr(postgres_tables, "extract", extract_together)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(declared.materialize, definitions) for _ in range(2)]
    assert [run.result().success for run in runs] == [True, True]
    assert sorted(metadata(run.result())["rows_appended"] for run in runs) == [0, 500]
    assert len(shop.bronze()) == 500


TROUBLE = {
    "away": ("postgresql://reader@127.0.0.1:1/shop", 1, "cannot be reached"),
    "refusing the password": ("{password}", 0, "refused the connection"),
    "no address": ("not an address", 0, "one that Postgres understands"),
}


@pytest.mark.parametrize(("url", "retries", "message"), TROUBLE.values(), ids=TROUBLE.keys())
def test_only_what_a_retry_can_mend_is_tried_again(shop, declared, monkeypatch, url, retries, message):
    wrong = psycopg.conninfo.make_conninfo(shop.url, password="not-the-password")
    monkeypatch.setenv("SHOP_URL", url.format(password=wrong))
    monkeypatch.setattr(postgres_tables, "RETRY", dg.RetryPolicy(max_retries=1))
    result = declared.run()
    assert not result.success
    assert len([event for event in result.all_events if event.is_step_up_for_retry]) == retries
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert message in str(failed.step_failure_data.error)
    assert "not-the-password" not in str(failed.step_failure_data.error)


WRONG = {
    "an unknown table": ({"orders": {"mode": "full"}}, "names orders, and the folder `contracts` has no such"),
    "a table nearly named so": ({"item": {"mode": "full"}}, "did you mean 'items'"),
    "an unknown mode": ({"items": {"mode": "complete"}}, "incremental"),
    "an unknown option": ({"items": {"max_vanish": 0.5}}, "max_vanish"),
    "a share above one": ({"items": {"max_vanished": 50}}, "less than or equal to 1"),
    "a watermark that nobody follows": ({"items": {"mode": "full", "watermark": "updated_at"}}, "read whole"),
}


@pytest.mark.parametrize(("tables", "message"), WRONG.values(), ids=WRONG.keys())
def test_options_that_mean_nothing_are_refused_when_they_are_loaded(declared, tables, message):
    with pytest.raises(ComponentTreeException) as raised:
        declared.definitions(tables=tables)
    told, cause = "", raised.value
    while cause is not None:
        told, cause = f"{told}\n{cause}", cause.__cause__ or cause.__context__
    assert message in told
