"""What dbt knows of the sample's bronze."""

import yaml

from dataeng_assets.settings import ROOT

STAGING = ROOT / "dbt" / "models" / "staging"


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


def test_two_keys_that_vanished_at_once_do_not_share_what_they_no_longer_have() -> None:
    sources = yaml.safe_load((STAGING / "_sources.yml").read_text())["sources"]
    (categories,) = [t for source in sources for t in source["tables"] if t["name"] == "product_categories"]
    key, slug = [test["unique_combination_of_columns"] for test in categories["data_tests"]]
    assert "config" not in key
    assert slug["arguments"]["combination_of_columns"] == ["slug", "_extracted_at"]
    assert slug["config"] == {"where": "slug is not null"}
