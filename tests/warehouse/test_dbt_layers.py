"""Which model may read what: sources, staging, intermediate, marts."""

from collections.abc import Iterator

import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode

LAYERS = ["staging", "intermediate", "marts"]


@pytest.fixture(scope="module")
def models(parsed: Manifest) -> list[ModelNode]:
    return [node for node in parsed.nodes.values() if isinstance(node, ModelNode)]


def parents(manifest: Manifest, model: ModelNode) -> Iterator[ModelNode]:
    for parent in model.depends_on_nodes:
        node = manifest.nodes.get(parent)
        if isinstance(node, ModelNode):
            yield node


def sources(manifest: Manifest, model: ModelNode) -> set[str]:
    """Dotted keys of all lake tables that a model is made from."""
    own = {
        ".".join(manifest.sources[parent].meta["dagster"]["asset_key"])
        for parent in model.depends_on_nodes
        if parent in manifest.sources
    }
    return own.union(*(sources(manifest, parent) for parent in parents(manifest, model)))


def test_staging_reads_sources_and_no_other_layer_does(parsed: Manifest, models: list[ModelNode]) -> None:
    for model in models:
        reads_sources = any(parent in parsed.sources for parent in model.depends_on_nodes)
        read = {parent.name for parent in parents(parsed, model)}
        if model.fqn[1] == "staging":
            # the rows of today may be taken from the history of the same table
            assert reads_sources or read == {f"{model.name}_history"}, model.name
            assert read <= {f"{model.name}_history"}, model.name
        else:
            assert not reads_sources, model.name


def test_no_layer_reads_a_later_one(parsed: Manifest, models: list[ModelNode]) -> None:
    for model in models:
        for parent in parents(parsed, model):
            assert LAYERS.index(parent.fqn[1]) <= LAYERS.index(model.fqn[1]), f"{model.name} reads {parent.name}"


def test_nothing_reads_gold(parsed: Manifest) -> None:
    for source in parsed.sources.values():
        assert source.meta["dagster"]["asset_key"][0] in {"bronze", "silver"}, source.name


def test_a_model_that_says_which_days_a_change_touches_says_so_for_all_it_is_made_from(
    parsed: Manifest, models: list[ModelNode]
) -> None:
    for model in models:
        touched = model.config.meta.get("dataeng", {}).get("touched")
        if touched:
            assert set(touched) == sources(parsed, model), model.name


def test_every_mart_is_described_in_a_file_of_its_own(models: list[ModelNode]) -> None:
    for model in models:
        if model.fqn[1] == "marts":
            assert str(model.patch_path).endswith(f"models/marts/{model.name}.yml"), model.name


def test_every_exposure_has_an_owner_and_reads_marts_only(parsed: Manifest) -> None:
    for exposure in parsed.exposures.values():
        assert exposure.description, exposure.name
        assert exposure.owner.email, exposure.name
        assert all(parsed.nodes[parent].fqn[1] == "marts" for parent in exposure.depends_on_nodes), exposure.name
