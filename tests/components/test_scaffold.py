"""What `dg scaffold defs` writes loads at once, and says what is missing."""

from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster.components.component_scaffolding import scaffold_object
from dagster.components.testing import create_defs_folder_sandbox

from dataeng_assets.components import KafkaTopicComponent, PostgresTablesComponent
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.streams.windows import WINDOWS_SCHEMA


def assets(component: type[dg.Component]) -> tuple[dict[str, dg.AssetSpec], list[str]]:
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(component_cls=component, defs_path="crm")
        with sandbox.load_component_and_build_defs(defs_path=path) as (_, definitions):
            specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
            return specs, [job.name for job in definitions.resolve_all_job_defs()]


def test_a_source_without_contracts_loads_and_says_how_to_come_by_them() -> None:
    specs, jobs = assets(PostgresTablesComponent)
    assert list(specs) == ["postgres/crm"]
    assert "dataeng discover ADDRESS --schema public --name crm" in str(specs["postgres/crm"].description)
    assert "extract_crm" in jobs  # the schedule of the source asks for it


def test_a_topic_loads_with_the_template_of_its_contract() -> None:
    specs, jobs = assets(KafkaTopicComponent)
    assert set(specs) == {
        "kafka/crm", "bronze/crm/crm", "bronze/crm/crm_late", "bronze/crm/crm_dead_letters", "bronze/crm/crm_gaps",
        "bronze/crm/crm_savepoints", "bronze/crm/crm_rewinds", "bronze/crm/crm_changes", "silver/crm/crm_5m",
    }  # fmt: skip
    assert "stream_crm" in jobs


def scaffolded(tmp_path: Path, component: type[dg.Component]) -> Path:
    scaffold_object(tmp_path / "crm", f"dataeng_assets.components.{component.__name__}", None, "yaml", tmp_path)
    return tmp_path / "crm"


@pytest.mark.parametrize("component", [PostgresTablesComponent, KafkaTopicComponent])
def test_every_line_to_fill_in_says_what_it_is(tmp_path: Path, component: type[dg.Component]) -> None:
    text = (scaffolded(tmp_path, component) / "defs.yaml").read_text()
    declared = yaml.safe_load(text)
    assert component.model_validate(declared["attributes"])  # type: ignore[attr-defined]  # both are models
    lines = text.splitlines()
    for name in declared["attributes"]:
        at = next(number for number, line in enumerate(lines) if line.startswith(f"  {name}:"))
        assert lines[at - 1].startswith("  # "), name


def test_the_template_has_the_fields_that_windows_count(tmp_path: Path) -> None:
    contract = load_contract(scaffolded(tmp_path, KafkaTopicComponent) / "contracts" / "crm.yaml")
    assert {"event_type", "user_id"} <= {column.name for column in contract.columns}
    assert contract.event_time
    assert "unique_users" in WINDOWS_SCHEMA.names
