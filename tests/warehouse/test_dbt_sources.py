"""What dbt knows of bronze comes from the contracts."""

from dbt.contracts.graph.manifest import Manifest

from dataeng_assets.contracts.dbt_export import export
from dataeng_assets.settings import ROOT

DEFS = ROOT / "dataeng_assets" / "defs"
STAGING = ROOT / "dbt" / "models" / "staging"


def test_the_generated_sources_are_what_the_contracts_say() -> None:
    for path, text in export(DEFS, STAGING).items():
        assert path.read_text() == text, f"{path.name} is old: run `python -m dataeng_assets.contracts.dbt_export`"


def test_every_model_and_column_is_described_and_its_types_are_enforced(parsed: Manifest) -> None:
    models = [node for node in parsed.nodes.values() if node.resource_type == "model"]
    for model in models:
        assert model.description, model.name
        assert model.config.contract.enforced, model.name
        assert model.config.schema in {"staging", "intermediate", "marts"}
        for column in model.columns.values():
            assert column.description, f"{model.name}.{column.name}"
            assert column.data_type, f"{model.name}.{column.name}"


def test_a_model_that_replaces_its_days_says_which_column_they_are(parsed: Manifest) -> None:
    for node in parsed.nodes.values():
        if node.resource_type == "model":
            declared = node.config.meta.get("dataeng", {}).get("partition")
            assert (declared is not None) == ("daily" in node.tags), node.name
            assert (declared is not None) == (node.config.get("incremental_strategy") == "replace_range"), node.name
