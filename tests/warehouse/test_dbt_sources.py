"""What dbt knows of bronze comes from the contracts."""

import yaml
from dbt.contracts.graph.manifest import Manifest
from small_shop import DEFS

from dataeng_assets.contracts.dbt_export import export
from dataeng_assets.settings import ROOT

STAGING = ROOT / "dbt" / "models" / "staging"


def test_the_generated_sources_are_what_the_contracts_say() -> None:
    for path, text in export(DEFS, STAGING).items():
        assert path.read_text() == text, f"{path.name} is old: run `python -m dataeng_assets.contracts.dbt_export`"


def test_a_source_has_the_contracts_columns_tests_key_and_freshness() -> None:
    sources = yaml.safe_load((STAGING / "_sources.yml").read_text())["sources"]
    tables = {table["name"]: table for source in sources for table in source["tables"]}
    orders = tables["orders"]
    assert orders["config"]["meta"]["dagster"] == {"asset_key": ["bronze", "shop", "orders"]}
    assert orders["config"]["loaded_at_field"] == "_extracted_at"
    assert orders["config"]["freshness"] == {"error_after": {"count": 26, "period": "hour"}}
    columns = {column["name"]: column for column in orders["columns"]}
    assert columns["total_amount"]["data_type"] == "DECIMAL(12,2)"
    assert columns["shipping_address"]["config"]["meta"]["dataeng"] == {"personal": True}
    assert "config" not in columns["currency"]
    accepted = next(test["accepted_values"] for test in columns["status"]["data_tests"] if "accepted_values" in test)
    assert accepted["arguments"]["values"] == ["placed", "paid", "shipped", "delivered", "cancelled", "returned"]
    unique = [test["unique_combination_of_columns"]["arguments"] for test in orders["data_tests"]]
    assert unique[0] == {"combination_of_columns": ["order_id", "_extracted_at"]}
    assert tables["user_events"]["config"]["loaded_at_field"] == "_ingested_at"


def test_every_model_and_column_is_described_and_its_types_are_enforced(parsed: Manifest) -> None:
    models = [node for node in parsed.nodes.values() if node.resource_type == "model"]
    assert models
    for model in models:
        assert model.description, model.name
        assert model.config.contract.enforced, model.name
        assert model.config.schema in {"staging", "intermediate", "marts"}
        assert {"undated", "daily", "summary"} & set(model.tags), model.name
        for column in model.columns.values():
            assert column.description, f"{model.name}.{column.name}"
            assert column.data_type, f"{model.name}.{column.name}"


def test_a_model_that_replaces_its_days_says_which_column_they_are(parsed: Manifest) -> None:
    for node in parsed.nodes.values():
        if node.resource_type == "model":
            declared = node.config.meta.get("dataeng", {}).get("partition")
            assert (declared is not None) == ("daily" in node.tags), node.name
            assert (declared is not None) == (node.config.get("incremental_strategy") == "replace_range"), node.name
