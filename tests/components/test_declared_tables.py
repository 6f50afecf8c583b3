"""Deduplicated and enriched tables as `defs.yaml` declares them: what loads, and what is refused by name."""

from collections.abc import Mapping

import dagster as dg
import pytest
import yaml
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox

from dataeng_assets.components import KafkaTopicComponent, PostgresTablesComponent
from dataeng_assets.orchestration.partitions import daily

ATTRIBUTES = {"topic": "crm", "domain": "crm", "bootstrap_variable": "DATAENG_KAFKA_BOOTSTRAP"}
ONCE = {"key": ["event_id"], "horizon": "PT1H"}
WITH_ACCOUNT = {
    "name": "with_account",
    "table": "desk.accounts",
    "key": {"user_id": "account_id"},
    "columns": {"account_tier": "tier", "owner": "owner_name"},
    "first_from": "1900-01-01T00:00:00Z",
}
ACCOUNTS = """\
apiVersion: v3.1.0
kind: DataContract
id: desk.accounts
name: accounts
version: 1.0.0
status: active
domain: desk
description: {purpose: Accounts.}
team: {name: desk}
schema:
  - name: accounts
    physicalType: table
    description: Accounts.
    properties:
      - {name: account_id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true, description: a}
      - {name: tier, logicalType: string, physicalType: text, required: false, description: tier}
      - {name: owner_name, logicalType: string, physicalType: text, classification: personal, description: owner}
      - name: updated_at
        logicalType: timestamp
        physicalType: timestamp with time zone
        required: true
        description: clock
"""


def definitions(**more: object) -> dg.Definitions:
    with create_defs_folder_sandbox() as sandbox:
        desk = sandbox.scaffold_component(component_cls=PostgresTablesComponent, defs_path="desk")
        (desk / "contracts" / "accounts.yaml").write_text(ACCOUNTS)
        path = sandbox.scaffold_component(component_cls=KafkaTopicComponent, defs_path="crm")
        declared = {"type": "dataeng_assets.components.KafkaTopicComponent", "attributes": {**ATTRIBUTES, **more}}
        (path / "defs.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
        with sandbox.load_component_and_build_defs(defs_path=path) as (_, found):
            return found


def spec(found: dg.Definitions, name: str) -> dg.AssetSpec:
    return next(one for one in found.resolve_all_asset_specs() if one.key.path == ["silver", "crm", name])


def test_each_table_is_an_asset_of_the_streams_run_with_a_check_and_its_columns() -> None:
    found = definitions(deduplicated=ONCE, enriched=[WITH_ACCOUNT])
    once, enriched = spec(found, "crm_deduplicated"), spec(found, "crm_with_account")
    assert "each event_id once within 1:00:00" in str(once.description)
    assert [dep.asset_key.path for dep in enriched.deps] == [["bronze", "crm", "crm"], ["bronze", "desk", "accounts"]]
    columns = [column.name for column in enriched.metadata["dagster/column_schema"].columns]
    assert columns[-3:] == ["account_tier", "owner", "accounts_valid_from"]
    checked = {key.asset_key for key in found.resolve_asset_graph().asset_check_keys}
    assert {once.key, enriched.key} <= checked
    run = found.resolve_job_def("stream_crm").asset_layer.executable_asset_keys
    assert {once.key, enriched.key} <= set(run)
    assert once.partitions_def == enriched.partitions_def == daily()


def test_row_versions_that_come_while_the_topic_is_silent_are_followed() -> None:
    found = definitions(deduplicated=ONCE, enriched=[WITH_ACCOUNT])
    keys = found.resolve_job_def("enrich_crm").asset_layer.executable_asset_keys
    assert [key.path for key in keys] == [["silver", "crm", "crm_with_account"]]
    assert found.resolve_sensor_def("crm_row_versions").job_name == "enrich_crm"


def test_a_stream_without_enriched_tables_follows_no_row_versions() -> None:
    assert [one.name for one in definitions(deduplicated=ONCE).sensors or []] == ["crm_lag"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"deduplicated": {**ONCE, "key": ["event"]}}, "no column 'event'; did you mean 'event_id'"),
        ({"deduplicated": {**ONCE, "horizon": "soon"}}, "horizon is 'soon'"),
        ({"deduplicated": {**ONCE, "name": "late"}}, "two tables of crm are called late"),
        ({"deduplicated": {**ONCE, "name": "savepoints"}}, "two tables of crm are called savepoints"),
        ({"enriched": [{**WITH_ACCOUNT, "table": "desk.account"}]}, "No table 'desk.account' is declared"),
        ({"enriched": [{**WITH_ACCOUNT, "key": {"event_type": "account_id"}}]}, "and account_id is bigint"),
        ({"enriched": [{**WITH_ACCOUNT, "columns": {"tier": "teer"}}]}, "did you mean 'tier'"),
        ({"enriched": [{**WITH_ACCOUNT, "first_from": "1900-01-01T00:00:00"}]}, "first_from is '1900-01-01T00:00:00'"),
        ({"enriched": [WITH_ACCOUNT, WITH_ACCOUNT]}, "two tables of crm are called with_account"),
    ],
)
def test_tables_that_cannot_be_computed_are_refused_when_they_are_loaded(
    wrong: Mapping[str, object], said: str
) -> None:
    with pytest.raises(ComponentTreeException) as stopped:
        definitions(**wrong)
    assert said in str(stopped.value.__cause__)
