"""What dbt knows of the sample's bronze."""

import yaml

from dataeng_assets.settings import ROOT

STAGING = ROOT / "dbt" / "models" / "staging"


def test_a_source_has_the_contracts_columns_and_freshness() -> None:
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
    assert tables["user_events"]["config"]["loaded_at_field"] == "_ingested_at"
