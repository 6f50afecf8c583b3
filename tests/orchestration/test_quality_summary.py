"""What an asset's metadata says of its quality, and what the site is told of assets."""

import dagster as dg
from quality_results import EVERY_KIND, NOTHING, table

from dataeng_assets.orchestration.catalogue import catalogue
from dataeng_assets.orchestration.quality_summary import summary
from dataeng_assets.quality.report.story import Known


def test_the_summary_says_the_verdict_the_numbers_and_where_the_page_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("DATAENG_STATE", str(tmp_path))
    told = summary("marts.fct_orders", table(*EVERY_KIND))
    assert (told["overall_status"], told["rules"], told["rules_violated"], told["rules_undecided"]) == (
        "violated",
        7,
        2,
        1,
    )
    assert (told["contract_version"], told["data_version"], told["hours_old"]) == ("1.2.0", "version 7", 30.5)
    assert told["report"].value == str(tmp_path / "report" / "tables" / "marts.fct_orders.html")
    assert "net&#95;amount" not in told["quality"].value
    assert "<code>net_amount_range</code> | ❌ violated" in told["quality"].value
    dg.MaterializeResult(asset_key="a", metadata=told)


def test_an_empty_table_is_called_undecided():
    told = summary("t", table(NOTHING, rows=0))
    assert told["overall_status"] == "undecided"
    assert "An empty table is not a pass." in told["quality"].value


def test_the_catalogue_knows_owners_and_what_an_asset_is_made_from():
    source = dg.AssetSpec(["postgres", "orders"], group_name="shop")

    @dg.asset(key=["bronze", "orders"], deps=[source], owners=["team:shop"], description="Orders.", group_name="shop")
    def orders() -> None: ...

    found = catalogue(dg.Definitions(assets=[source, orders]))
    assert found == {
        "postgres.orders": Known(group="shop", is_source=True),
        "bronze.orders": Known(("postgres.orders",), "shop", "Orders.", "shop"),
    }
