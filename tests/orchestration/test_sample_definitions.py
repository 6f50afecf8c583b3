"""What Dagster loads of the sample."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value

from dataeng_assets.definitions import defs


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.Definitions]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATAENG_STATE", str(tmp_path_factory.mktemp("state")))
        yield defs()


def test_the_columns_of_bronze_are_described(definitions: dg.Definitions) -> None:
    node = definitions.resolve_asset_graph().get(dg.AssetKey(["bronze", "shop", "orders"]))
    columns = node.metadata["dagster/column_schema"].columns
    assert all(column.description for column in columns)
    assert {column.name for column in columns if "personal" in column.tags} == {"shipping_address", "note"}


def test_what_a_contract_promises_is_the_freshness_policy(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in (["bronze", "shop", "orders"], ["bronze", "events", "user_events"]):
        assert graph.get(dg.AssetKey(key)).freshness_policy, key


def test_no_secret_of_the_lake_stands_in_what_dagster_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAENG_LAKE", "s3://bucket/lake")
    monkeypatch.setenv("DATAENG_LAKE_OPTIONS", '{"AWS_SECRET_ACCESS_KEY": "very-secret"}')
    repository = defs().get_repository_def()
    snapshot = RepositorySnap.from_def(repository)
    assert "user_events" in serialize_value(snapshot)
    assert "very-secret" not in serialize_value(snapshot)
